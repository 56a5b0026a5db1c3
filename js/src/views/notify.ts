// Notifications of the system: when the images of a click are there, and the user looks elsewhere.
import { wordsOf } from "../lib/words-of";
import { t } from "../messages/tools";
import type { BatchState } from "../protocol.gen";
import { clickOf } from "../slices/queue";
import type { Page } from "./context";

/** The name of the choice in the browser's own storage: the browser asks each user of a notebook. */
const CHOICE = "imgplay-notify";
const attended = new WeakSet<object>();

/** Return whether the browser could notify: not in a page without encryption, and not where the user refused. */
export function canNotify(): boolean {
  return window.isSecureContext && typeof Notification === "function" && Notification.permission !== "denied";
}

/** Return whether the user asked for notifications. */
export function notifies(): boolean {
  try {
    return canNotify() && Notification.permission === "granted" && localStorage.getItem(CHOICE) === "on";
  } catch {
    // A frame may have no storage.
    return false;
  }
}

/** Turn the notifications on or off. The browser asks the user once. Return whether they are on. */
export async function chooseNotify(on: boolean): Promise<boolean> {
  if (on && (await Notification.requestPermission()) !== "granted") return false;
  try {
    localStorage.setItem(CHOICE, on ? "on" : "off");
  } catch {
    return false;
  }
  return on;
}

/** Notify at the end of each click of Generate, for as long as a page is open. */
export function attend(page: Pick<Page, "store" | "media">, signal: AbortSignal): void {
  const { store } = page;
  if (attended.has(store)) return;
  attended.add(store);
  let before = store.getState().queue;
  const check = (): void => {
    const { queue } = store.getState();
    if (queue === before) return;
    const running = new Set(queue.map(clickOf));
    const gone = before.filter((batch) => !running.has(clickOf(batch)));
    // The last batches of a click may end at different times, and the mark of the click is then on the last.
    const clicks = new Map(gone.map((batch) => [clickOf(batch), batch]));
    before = queue;
    // The list hears of an end before the feed does.
    for (const [click, batch] of clicks) queueMicrotask(() => tell(page, click, batch));
  };
  signal.addEventListener("abort", store.subscribe(check));
}

function tell({ store, media }: Pick<Page, "store" | "media">, click: string, last: BatchState): void {
  if (!document.hidden || !notifies()) return;
  const state = store.getState();
  const batches = Object.values(state.batches).filter((batch) => clickOf(batch) === click);
  const images = (batches.length > 0 ? batches : [last]).flatMap(({ generations }) => generations);
  const finished = images.filter(({ status }) => status === "success");
  const failed = images.some(({ status }) => status === "error");
  // What the user cancelled needs no news.
  if (finished.length === 0 && !failed) return;
  const icon = finished[0] && media.thumbnails.get(finished[0].id);
  const title = finished.length > 0 ? t.composer.finished(finished.length) : t.tile.failed;
  const news = new Notification(title, {
    body: wordsOf(last).slice(0, 120),
    tag: click,
    ...(icon && { icon }),
  });
  news.onclick = () => {
    window.focus();
    news.close();
  };
}
