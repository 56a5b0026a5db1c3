// Files and texts that leave the page: originals, ZIPs, the clipboard.
import { causeText } from "../lib/answer";
import { urlOf } from "../lib/blob-urls";
import { copyImage, copyLater, copyText } from "../lib/clipboard";
import { fetchPack } from "../lib/pack";
import type { Media } from "../media";
import { t } from "../messages";
import type { State } from "../store";
import type { Page } from "./context";

/** Save the original of an image as a file. */
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

/** Save the finished images among these as one ZIP. The selection bar shows the progress. */
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
    // The browser reads the file after the click, within a minute.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    actions.addNotice("info", t.selection.saved(images));
  } catch (cause) {
    if (!ended.signal.aborted) tell(actions, cause);
  } finally {
    actions.showPacking(null);
  }
}

/** Copy the original of an image. */
export async function copyOriginal(
  media: Media,
  generationId: string,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  const url = media.original(generationId).then((original) => original.url);
  await copied(copyImage(url), t.tile.imageCopied, url, actions);
}

/** Copy a text, which may still be on its way. */
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
  // Either the original could not be loaded, or the browser refused to copy it.
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
  // VS Code saves the target of a click that reaches the body; the click on a detached link never does.
  document.body.append(link);
  link.click();
  link.remove();
}

function tell(actions: Pick<State, "addNotice">, cause: unknown): void {
  actions.addNotice("error", causeText(cause));
}
