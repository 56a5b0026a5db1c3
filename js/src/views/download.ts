// Files and texts that leave the page: originals, ZIPs, the clipboard.
import { causeText } from "../lib/answer";
import { urlOf } from "../lib/blob-urls";
import { copyImage, copyLater, copyText } from "../lib/clipboard";
import { fetchPack } from "../lib/pack";
import type { Media } from "../media";
import { t } from "../messages";
import type { State } from "../store";
import type { Page } from "./context";

/** Saves the original of an image as a file of the user's. */
export async function saveOriginal(
  media: Media,
  generationId: string,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  try {
    const { url, fileName } = await media.original(generationId);
    saveAs(url, fileName);
  } catch (cause) {
    tell(actions, cause);
  }
}

/** Saves the finished ones of these images as one ZIP; the selection bar shows how far it is. */
export async function savePack(
  { store, media }: Pick<Page, "store" | "media">,
  generationIds: readonly string[],
): Promise<void> {
  const actions = store.getState();
  if (actions.packing) return;
  if (generationIds.length === 0) {
    actions.addNotice("info", t.selection.nothing);
    return;
  }
  const ended = new AbortController();
  const show = (share: number): void => actions.showPacking({ share, cancel: () => ended.abort() });
  show(0);
  try {
    const { blob, fileName, images } = await fetchPack(media.send, generationIds, show, ended.signal);
    const url = await urlOf(blob).catch(() => null);
    if (url === null) {
      actions.addNotice("error", t.selection.tooLarge);
      return;
    }
    saveAs(url, fileName);
    // The browser reads it after the click; a minute is more than it takes.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    actions.addNotice("info", t.selection.saved(images));
  } catch (cause) {
    if (!ended.signal.aborted) tell(actions, cause);
  } finally {
    actions.showPacking(null);
  }
}

/** Copies the original of an image. */
export async function copyOriginal(
  media: Media,
  generationId: string,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  const url = media.original(generationId).then((original) => original.url);
  await copied(copyImage(url), t.tile.imageCopied, url, actions);
}

/** Copies a text, which may still be on its way. */
export async function copyWords(
  text: string | Promise<string>,
  done: string,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  const copying = typeof text === "string" ? copyText(text) : copyLater(text);
  await copied(copying, done, Promise.resolve(text), actions);
}

async function copied(
  copying: Promise<boolean>,
  done: string,
  source: Promise<unknown>,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  if (await copying) actions.addNotice("info", done);
  // Either the thing itself could not be had, or the browser refused it.
  else
    await source.then(
      () => actions.addNotice("warning", `${t.batch.notCopied} ${t.batch.notCopiedNext}`),
      (cause: unknown) => tell(actions, cause),
    );
}

function saveAs(url: string, fileName: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  // VS Code saves what a click leads to that reaches the body; a link outside of the page never does.
  document.body.append(link);
  link.click();
  link.remove();
}

function tell(actions: Pick<State, "addNotice">, cause: unknown): void {
  actions.addNotice("error", causeText(cause));
}
