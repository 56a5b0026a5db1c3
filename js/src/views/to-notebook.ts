// What goes from the studio into the notebook that is open beside it.
import { errorState, RequestError } from "../lib/answer";
import { type DraggedImage, labOffers } from "../lib/jupyterlab";
import { wordsOf } from "../lib/words-of";
import type { Media } from "../media";
import { t } from "../messages/tools";
import type { BatchState } from "../protocol.gen";
import type { Page } from "./context";
import { tell } from "./copy";

/** Return Python code that makes a batch again, or that opens an image of the batch. */
export async function codeOf({ send }: Media, batchId: string, generationId: string | null): Promise<string> {
  const { result } = await send({ method: "code", batchId, generationId });
  return result.type === "code" ? result.text : "";
}

/** Put the code of a batch into a new cell, and tell what came of it. */
export async function insertCode(batch: BatchState, { media, store }: Page): Promise<void> {
  const actions = store.getInitialState();
  try {
    const code = await codeOf(media, batch.id, null);
    if (labOffers()?.insertCode(code)) actions.addNotice("info", t.batch.inserted);
    else actions.addNotice("warning", t.batch.noNotebook);
  } catch (cause) {
    tell(actions, cause);
  }
}

/** Put the preview of a finished image into a new cell, and tell what came of it. */
export async function insertPicture(
  batch: BatchState,
  generationId: string,
  { media, store }: Page,
): Promise<void> {
  const actions = store.getInitialState();
  try {
    if (await labOffers()?.insertPicture(imageOf(batch, generationId, media)))
      actions.addNotice("info", t.tile.inserted);
    else actions.addNotice("warning", t.batch.noNotebook);
  } catch (cause) {
    tell(actions, cause);
  }
}

/** Return the thumbnail of an image, from the kernel if the page does not have it. */
async function pictureOf({ thumbnails, send }: Media, generationId: string): Promise<Blob> {
  const known = thumbnails.get(generationId);
  if (known) return (await fetch(known)).blob();
  const { result, buffers } = await send({ method: "thumbnails", generationIds: [generationId] });
  const at = result.type === "thumbnails" ? result.items[0]?.buffer : null;
  const bytes = typeof at === "number" ? buffers[at] : undefined;
  if (bytes) return new Blob([bytes as DataView<ArrayBuffer>], { type: "image/webp" });
  const { noPicture, noPictureNext } = t.batch;
  throw new RequestError({ ...errorState(null), message: noPicture, nextStep: noPictureNext });
}

function imageOf(batch: BatchState, generationId: string, media: Media): DraggedImage {
  return {
    alt: wordsOf(batch),
    picture: () => pictureOf(media, generationId),
    code: () => codeOf(media, batch.id, generationId),
  };
}

/** Return what a notebook can take of a finished image, and tell why a notebook that asks for it gets nothing. */
export function draggedImage(batch: BatchState, generationId: string, { media, store }: Page): DraggedImage {
  const actions = store.getInitialState();
  const told = async <Thing>(asked: Promise<Thing>): Promise<Thing> => {
    try {
      return await asked;
    } catch (cause) {
      tell(actions, cause);
      throw cause;
    }
  };
  const { alt, picture, code } = imageOf(batch, generationId, media);
  return { alt, picture: () => told(picture()), code: () => told(code()) };
}
