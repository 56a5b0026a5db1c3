// Images that leave the page: originals, ZIPs, the clipboard.
import { urlOf } from "../lib/blob-urls";
import { copyPicture } from "../lib/clipboard-image";
import { fetchPack } from "../lib/pack";
import type { Media } from "../media";
import { t } from "../messages/download";
import { viewOf } from "../originals";
import type { State } from "../store";
import type { Page } from "./context";
import { copied, tell } from "./copy";

/** Save an image as a file. The kernel writes its recipe into the file, so the file is asked for anew. */
export async function saveOriginal(
  media: Media,
  generationId: string,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  try {
    const { result, buffers } = await media.send({ method: "original", generationId });
    const bytes = result.type === "original" ? buffers[result.buffer] : undefined;
    if (result.type !== "original" || !bytes) throw new Error("the answer holds no image");
    const blob = new Blob([bytes as DataView<ArrayBuffer>], { type: result.mediaType });
    saveBriefly(await urlOf(blob), result.fileName);
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
    saveBriefly(url, fileName);
    actions.addNotice("info", t.selection.saved(images));
  } catch (cause) {
    if (!ended.signal.aborted) tell(actions, cause);
  } finally {
    actions.showPacking(null);
  }
}

/** Copy an image. */
export async function copyImage(
  media: Media,
  generationId: string,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  const url = viewOf(media, generationId);
  await copied(copyPicture(url), t.tile.imageCopied, url, actions);
}

function saveBriefly(url: string, fileName: string): void {
  saveAs(url, fileName);
  // The browser reads the file after the click, within a minute.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
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
