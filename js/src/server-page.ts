// The page of a server: the studio fills the element of the server's HTML, over one socket.
import { language, t } from "./messages";
import { speakOfServer } from "./messages/server";
import { type OpenPage, openPage } from "./page";
import type { LoadPart } from "./parts";
import { partsFromServer } from "./parts/from-server";
import { isRunning } from "./slices/batches";
import { SocketChannel } from "./socket";
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
 * Show the studio of a server in an element until the signal.
 *
 * @param base the path below which the server has the page and its socket
 */
export function showStudio(el: HTMLElement, base: string, load: LoadPart, signal: AbortSignal): OpenPage {
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
  speakOfServer();
  const socket = new URL(`${base}api/image-playground/socket`, location.href.replace(/^http/, "ws"));
  const channel = new SocketChannel(socket, {
    isLoggedOut: () => isLoggedOut(new URL(`${base}image-playground`, location.href)),
    refused: speakOfServer,
  });
  const page = openPage(channel, () => load);
  // Before the views hear of a part or of a language, which bring the words about a kernel.
  page.parts.watch(() => speakOfServer());
  let spoken = language();
  const follow = (state: State): void => {
    if (spoken !== state.language) speakOfServer();
    spoken = state.language;
    heading.textContent = t.frame.studio;
    nameTab(state);
  };
  signal.addEventListener("abort", page.store.subscribe(follow));
  follow(page.store.getState());
  followAddress(page, signal);
  page.watch(el, signal);
  mount(el, page, signal);
  signal.addEventListener("abort", page.end);
  return page;
}

/** Return whether the server would let this browser in only after a login. */
async function isLoggedOut(address: URL): Promise<boolean> {
  try {
    // JupyterHub takes every other mode of a script for that of a stranger.
    const { type, status } = await fetch(address, { redirect: "manual", cache: "no-store", mode: "no-cors" });
    return type === "opaqueredirect" || status === 401 || status === 403;
  } catch {
    // There is no server at all.
    return false;
  }
}

/** Name the tab after the topic, and tell how many images are on their way: one waits for them in other tabs. */
function nameTab({ topics, activeTopicId, queue }: State): void {
  const topic = topics.find(({ id }) => id === activeTopicId)?.title;
  const running = queue.flatMap(({ generations }) => generations).filter(isRunning).length;
  const title = [topic, t.frame.studio].filter(Boolean).join(" · ");
  const named = running > 0 ? `(${running}) ${title}` : title;
  if (document.title !== named) document.title = named;
}

/** Show the topic that the address names, and let the address name the topic that is shown from then on. */
function followAddress({ store }: OpenPage, signal: AbortSignal): void {
  const wanted = new URL(location.href).searchParams.get("topic");
  let led = false;
  const follow = (): void => {
    const { live, activeTopicId, selectTopic } = store.getState();
    if (!live) return;
    const lead = !led && wanted !== null;
    led = true;
    if (lead) {
      // After the snapshot, which is just being taken in.
      queueMicrotask(() => void selectTopic(wanted));
      return;
    }
    const address = new URL(location.href);
    if (activeTopicId === null) address.searchParams.delete("topic");
    else address.searchParams.set("topic", activeTopicId);
    // The address of a topic may be handed on, and a login in it must not.
    address.searchParams.delete("token");
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  };
  signal.addEventListener("abort", store.subscribe(follow));
}

const studio = document.getElementById("studio");
if (studio) {
  const parts = partsFromServer(new URL("parts/", import.meta.url));
  showStudio(studio, studio.dataset.base ?? "/", parts, new AbortController().signal);
}
