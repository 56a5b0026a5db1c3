// The widget as anywidget loads it: one store and one bridge for each model, one tree for each view.
import type { AnyModel, AnyWidget } from "@anywidget/types";
import { createBridge } from "./bridge";
import { widgetChannel } from "./host";
import { causeText, type Send } from "./lib/answer";
import { Media } from "./media";
import { hostLanguage, language, speak } from "./messages";
import { type PartName, Parts } from "./parts";
import { partsFromKernel } from "./parts/from-kernel";
import { createPageStore, receive, type Store, showConnection, showSnapshot } from "./store";
import type { Page } from "./views/context";
import { mount } from "./views/mount";

interface Opened extends Page {
  watch(signal: AbortSignal): void;
}

/** Parts that a click is likely to open soon: they are loaded once the page has nothing else to do. */
const SOON: readonly PartName[] = ["large", "picker", "tools"];

function openPage(model: AnyModel, signal: AbortSignal): Opened {
  const send: Send = (call, buffers) => bridge.request(call, buffers);
  const store = createPageStore(send);
  const media = new Media(send);
  const parts = new Parts(partsFromKernel(send));
  const bridge = createBridge(
    widgetChannel(model),
    {
      saved: (snapshot) => {
        media.takeSnapshot(snapshot, []);
        showSnapshot(store, snapshot, false);
      },
      asks: () => {
        const { choices } = store.getState();
        return (snapshot, buffers) => {
          media.takeSnapshot(snapshot, buffers);
          // A snapshot also follows when the way to the kernel was cut for a time.
          media.askAgain();
          showSnapshot(store, snapshot, true, choices);
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
  const opened = { store, media, parts, learnt, setHeight: bridge.setHeight, watch: bridge.watch };
  // The tab is closed, loaded again or left: no later event tells so.
  const leave = (): void => save(opened);
  addEventListener("pagehide", leave, { signal });
  document.addEventListener("visibilitychange", leave, { signal });
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

/** Send what waits to be saved while the kernel can still be reached. */
function save({ store }: Page): void {
  store.getState().saveConfig();
  store.getState().saveDraft();
}

/** anywidget calls this once for each model. */
export default (() => {
  let page: Opened | undefined;
  return {
    initialize({ model, signal }) {
      const ended = new AbortController();
      const end = (): void => {
        if (page) save(page);
        page = undefined;
        ended.abort();
      };
      signal?.addEventListener("abort", end, { once: true });
      page = openPage(model, ended.signal);
      return end;
    },
    render({ model, el, signal }) {
      // A host without `initialize` shows one view for each model.
      page ??= openPage(model, signal);
      page.watch(signal);
      return mount(el, page, signal);
    },
  };
}) satisfies AnyWidget;
