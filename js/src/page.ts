// A page on a channel: one store, one bridge, and the pictures and parts that the page has.
import { type Bridge, createBridge } from "./bridge";
import type { Channel } from "./host";
import { causeText, type Send } from "./lib/answer";
import { Media } from "./media";
import { hostLanguage, language, speak } from "./messages";
import { type LoadPart, type PartName, Parts } from "./parts";
import { createPageStore, receive, type Store, showConnection, showSnapshot } from "./store";
import type { Page } from "./views/context";

/** A page without its views; `mount` draws one. */
export interface OpenPage extends Page {
  watch: Bridge["watch"];
  isIdle: Bridge["isIdle"];
  /** Comes at the end of the page. */
  signal: AbortSignal;
  /** Save what waits to be saved, and let everything go that the page holds. */
  end(): void;
}

/** Parts that a click is likely to open soon: they are loaded once the page has nothing else to do. */
const SOON: readonly PartName[] = ["large", "picker", "tools"];

/**
 * Open a page on a channel.
 *
 * @param loader makes the function that loads a part, from the way to the kernel
 * @param addressOf returns the address of an original, where a server has one
 */
export function openPage(
  channel: Channel,
  loader: (send: Send) => LoadPart,
  addressOf?: Media["addressOf"],
): OpenPage {
  const ended = new AbortController();
  const { signal } = ended;
  const send: Send = (call, buffers) => bridge.request(call, buffers);
  const store = createPageStore(send);
  const media = new Media(send, addressOf);
  const parts = new Parts(loader(send));
  const bridge = createBridge(
    channel,
    {
      saved: (snapshot) => {
        media.takeSnapshot(snapshot, []);
        showSnapshot(store, snapshot, false);
      },
      asks: () => {
        const { choices, askDrafts } = store.getState();
        const asked = askDrafts();
        return (snapshot, buffers) => {
          media.takeSnapshot(snapshot, buffers);
          // A snapshot also follows when the way to the kernel was cut for a time.
          media.askAgain();
          showSnapshot(store, snapshot, true, choices, asked);
          void store.getState().loadQueue();
          void learn(store, parts);
          loadSoon(parts, signal);
        };
      },
      catalog: (models) => store.getState().receiveCatalog(models),
      events: (events, buffers) => {
        media.takeEvents(events, buffers);
        for (const event of events) receive(store, event);
      },
      connection: (connection, clicks) => showConnection(store, connection, clicks),
      refused: (cause) => store.getState().addNotice("error", causeText(cause)),
      look: (look) => store.setState({ look }),
    },
    signal,
  );
  signal.addEventListener("abort", () => media.close());
  const learnt = learn(store, parts);
  const { setHeight, watch, isIdle } = bridge;
  // Send what waits to be saved while the kernel can still be reached.
  const save = (): void => {
    store.getState().saveConfig();
    store.getState().saveDraft();
  };
  const end = (): void => {
    save();
    ended.abort();
  };
  const opened = { store, send, media, parts, learnt, setHeight, watch, isIdle, signal, end };
  // The tab is closed, loaded again or left: no later event tells so.
  addEventListener("pagehide", save, { signal });
  parts.watch(() => parts.get("tools")?.attend(opened, signal));
  document.addEventListener("visibilitychange", save, { signal });
  return opened;
}

/**
 * Show the page in the host's language once its words are there. Until then, and without a kernel, it is English.
 */
async function learn(store: Store, parts: Parts): Promise<void> {
  const wanted = hostLanguage();
  if (wanted === "en" || wanted === language()) return;
  // Without them the page goes on in English; the next snapshot asks again.
  await parts.want(wanted).catch(() => undefined);
  const words = parts.get(wanted);
  if (!words) return;
  speak(wanted, words.words);
  store.setState({ language: wanted });
}

/** Load, one after the other and whenever the page rests, what clicks will open. */
function loadSoon(parts: Parts, signal: AbortSignal): void {
  const next = SOON.find((name) => parts.get(name) === undefined);
  if (!next || signal.aborted) return;
  onRest(signal, () =>
    parts.want(next).then(
      () => loadSoon(parts, signal),
      // A click asks again, and tells why the part does not come.
      () => undefined,
    ),
  );
}

/** Call a function once the page has nothing else to do, unless the signal aborts first. */
function onRest(signal: AbortSignal, call: () => void): void {
  // Safari does not tell when the page rests.
  if (typeof requestIdleCallback === "function") {
    const waiting = requestIdleCallback(call);
    signal.addEventListener("abort", () => cancelIdleCallback(waiting));
  } else {
    const waiting = setTimeout(call, 500);
    signal.addEventListener("abort", () => clearTimeout(waiting));
  }
}
