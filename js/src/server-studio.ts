// The studio of a server: one page over one socket, with the words about a server. Any number of views show it.
import { language } from "./messages";
import { speakOfServer } from "./messages/server";
import { type OpenPage, openPage } from "./page";
import type { LoadPart } from "./parts";
import { SocketChannel } from "./socket";

/**
 * Open the studio of a server.
 *
 * @param base the path below which the server has the page and its socket
 */
export function openStudio(base: string, load: LoadPart): OpenPage {
  speakOfServer();
  const socket = new URL(`${base}api/image-playground/socket`, location.href.replace(/^http/, "ws"));
  const channel = new SocketChannel(socket, {
    isLoggedOut: () => isLoggedOut(new URL(`${base}image-playground`, location.href)),
    refused: speakOfServer,
  });
  const addressOf = (id: string): string =>
    new URL(`${base}api/image-playground/generations/${id}/image`, location.href).href;
  const page = openPage(channel, () => load, addressOf);
  // Before the views hear of a part or of a language, which bring the words about a kernel.
  page.parts.watch(() => speakOfServer());
  let spoken = language();
  page.store.subscribe((state) => {
    if (spoken !== state.language) speakOfServer();
    spoken = state.language;
  });
  return page;
}

/** Show a topic of a studio, once its server has answered. */
export function showTopic({ store }: OpenPage, topicId: string): void {
  const select = (): boolean => {
    const { live, selectTopic } = store.getState();
    // After the snapshot, which is just being taken in.
    if (live) queueMicrotask(() => void selectTopic(topicId));
    return live;
  };
  if (select()) return;
  const stop = store.subscribe(() => {
    if (select()) stop();
  });
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
