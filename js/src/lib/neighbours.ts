// The way through the finished images of a feed: newest batch first, in each batch by position. Pure.
import type { BatchState } from "../protocol.gen";

export interface Place {
  batchId: string;
  generationId: string;
  /** The sweep in whose grid the image was met. */
  sweepId?: string;
}

/** What comes next: an image, a batch that must be loaded first, or the end of what is known. */
export type Neighbour = { place: Place } | { missing: string } | null;

/**
 * Return the finished image before (-1) or after (1) a place.
 *
 * `ids` are the batches of the feed in their order. A batch that `batches` lacks was dropped to save memory. `imagesOf`
 * returns the images of the sweep for which a batch stands, or undefined for a batch that stands for itself.
 */
export function neighbour(
  ids: readonly string[],
  batches: Readonly<Record<string, BatchState>>,
  { batchId, generationId, sweepId }: Place,
  by: -1 | 1,
  imagesOf?: (batch: BatchState) => readonly Place[] | undefined,
): Neighbour {
  const inside = (batch: BatchState): readonly Place[] => imagesOf?.(batch) ?? finished(batch);
  const start = ids.findIndex((id) => id === batchId || (sweepId && batches[id]?.sweepId === sweepId));
  const own = batches[ids[start] ?? ""];
  if (!own) return null;
  const images = inside(own);
  const at = images.findIndex((image) => image.generationId === generationId);
  const next = at < 0 ? undefined : images[at + by];
  if (next) return { place: next };
  for (let index = start + by; index >= 0 && index < ids.length; index += by) {
    const id = ids[index] ?? "";
    const batch = batches[id];
    if (!batch) return { missing: id };
    const found = inside(batch).at(by > 0 ? 0 : -1);
    if (found) return { place: found };
  }
  return null;
}

/** Return the image before (-1) or after (1) a place among images in their order: of the gallery, or of a sweep. */
export function neighbourAmong(
  pictures: readonly Place[],
  batches: Readonly<Record<string, BatchState>>,
  { generationId }: Place,
  by: -1 | 1,
): Neighbour {
  const start = pictures.findIndex((each) => each.generationId === generationId);
  const next = start < 0 ? undefined : pictures[start + by];
  if (!next) return null;
  const { batchId, sweepId } = next;
  const place = { batchId, generationId: next.generationId, ...(sweepId && { sweepId }) };
  return batches[batchId] ? { place } : { missing: batchId };
}

function finished({ id, generations }: BatchState): Place[] {
  return generations
    .filter(({ status }) => status === "success")
    .map((generation) => ({ batchId: id, generationId: generation.id }));
}
