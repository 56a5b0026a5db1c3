// What goes from the studio into the notebook that is open beside it.
import { type DraggedImage, labOffers } from "../lib/jupyterlab";
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

/** Return the thumbnail of an image, from the kernel if the page does not have it; undefined if there is none. */
async function pictureOf({ thumbnails, send }: Media, generationId: string): Promise<Blob | undefined> {
  const known = thumbnails.get(generationId);
  if (known) return (await fetch(known)).blob();
  const { result, buffers } = await send({ method: "thumbnails", generationIds: [generationId] });
  const at = result.type === "thumbnails" ? result.items[0]?.buffer : null;
  const bytes = typeof at === "number" ? buffers[at] : undefined;
  return bytes && new Blob([bytes as DataView<ArrayBuffer>], { type: "image/webp" });
}

/** Return what a notebook can take of a finished image. */
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
  return {
    alt: batch.prompt,
    picture: async () => {
      const picture = await told(pictureOf(media, generationId));
      if (picture) return picture;
      actions.addNotice("warning", t.batch.noPicture);
      throw new Error("the image has no thumbnail");
    },
    code: () => told(codeOf(media, batch.id, generationId)),
  };
}
