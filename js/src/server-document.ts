// The document of a server's page: the studio fills the window, and has its title and its address.
import { t } from "./messages";
import type { OpenPage } from "./page";
import type { LoadPart } from "./parts";
import { openStudio, showTopic } from "./server-studio";
import { isRunning } from "./slices/batches";
import type { State } from "./store";
import { mount } from "./views/mount";

/** The window belongs to the studio; a button for the full window would change nothing. */
const STYLE = `
html { color-scheme: light dark; }
body { margin: 0; }
#studio { height: 100vh; height: 100dvh; }
#studio [data-testid="full-window"] { display: none; }
#studio > h1 { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); }
`;

/**
 * Show the studio of a server in the whole window until the signal, in the element of the server's HTML.
 *
 * @param base the path below which the server has the page and its socket
 */
export function showDocument(el: HTMLElement, base: string, load: LoadPart, signal: AbortSignal): OpenPage {
  const { documentElement: html, head } = document;
  html.lang ||= navigator.language;
  const style = document.createElement("style");
  style.textContent = STYLE;
  head.append(style);
  // A screen reader goes to the main part of a document, and to its first heading.
  el.role = "main";
  const heading = document.createElement("h1");
  el.append(heading);
  signal.addEventListener("abort", () => {
    style.remove();
    heading.remove();
  });
  const page = openStudio(base, load);
  const nameTab = tabName();
  const follow = (state: State): void => {
    heading.textContent = t.frame.studio;
    nameTab(state);
  };
  document.addEventListener("visibilitychange", () => follow(page.store.getState()), { signal });
  signal.addEventListener("abort", page.store.subscribe(follow));
  follow(page.store.getState());
  followAddress(page, signal);
  page.watch(el, signal);
  mount(el, page, signal);
  signal.addEventListener("abort", page.end);
  return page;
}

/**
 * Return what names the tab: after the topic, with the number of images on their way, or with a mark if the last of
 * them ended while nobody looked. One waits for them in other tabs.
 */
function tabName(): (state: State) => void {
  let before = 0;
  let unseen = false;
  return ({ topics, activeTopicId, queue }) => {
    const topic = topics.find(({ id }) => id === activeTopicId)?.title;
    const running = queue.flatMap(({ generations }) => generations).filter(isRunning).length;
    unseen = document.hidden && (unseen || running < before);
    before = running;
    const title = [topic, t.frame.studio].filter(Boolean).join(" · ");
    const mark = running > 0 ? `(${running}) ` : unseen ? "✓ " : "";
    if (document.title !== mark + title) document.title = mark + title;
  };
}

/** Show the topic that the address names, and let the address name the topic that is shown from then on. */
function followAddress(page: OpenPage, signal: AbortSignal): void {
  const { store } = page;
  const wanted = new URL(location.href).searchParams.get("topic");
  if (wanted !== null) showTopic(page, wanted);
  let led = false;
  const follow = (): void => {
    const { live, activeTopicId } = store.getState();
    if (!live) return;
    const lead = !led && wanted !== null;
    led = true;
    if (lead) return;
    const address = new URL(location.href);
    if (activeTopicId === null) address.searchParams.delete("topic");
    else address.searchParams.set("topic", activeTopicId);
    // The address of a topic may be handed on, and a login in it must not.
    address.searchParams.delete("token");
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  };
  signal.addEventListener("abort", store.subscribe(follow));
}
