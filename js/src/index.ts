// The widget as anywidget loads it: one store and one bridge for each model, one tree for each view.
import type { AnyModel, AnyWidget } from "@anywidget/types";
import { createBridge } from "./bridge";
import { widgetChannel } from "./host";
import type { Send } from "./lib/answer";
import { Media } from "./media";
import { hostLanguage, speak } from "./messages";
import { createPageStore, receive, showConnection, showSnapshot } from "./store";
import type { Page } from "./views/context";
import { mount } from "./views/mount";

interface Opened extends Page {
  watch(signal: AbortSignal): void;
}

function openPage(model: AnyModel, signal: AbortSignal): Opened {
  speak(hostLanguage());
  const send: Send = (call, buffers) => bridge.request(call, buffers);
  const store = createPageStore(send);
  const media = new Media(send);
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
          // Whatever had cut the way to the kernel, a snapshot follows it.
          media.askAgain();
          showSnapshot(store, snapshot, true, choices);
          void store.getState().loadQueue();
        };
      },
      catalog: (models) => store.getState().receiveCatalog(models),
      events: (events, buffers) => {
        media.takeEvents(events, buffers);
        for (const event of events) receive(store, event);
      },
      connection: (connection) => showConnection(store, connection),
      look: (look) => store.setState({ look }),
    },
    signal,
  );
  signal.addEventListener("abort", () => media.close());
  const opened = { store, media, setHeight: bridge.setHeight, watch: bridge.watch };
  // The tab is closed, loaded again or left: nobody says so once more.
  const leave = (): void => save(opened);
  addEventListener("pagehide", leave, { signal });
  document.addEventListener("visibilitychange", leave, { signal });
  return opened;
}

/** Sends what waits to be saved, while there is still a way to the kernel. */
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
