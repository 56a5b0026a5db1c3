// The way through the finished images of a feed: newest batch first, in each batch by position. Pure.
import type { BatchState, GenerationState } from "../protocol.gen";

export interface Place {
  batchId: string;
  generationId: string;
}

/** What comes next: an image, a batch that must be loaded first, or the end of what is known. */
export type Neighbour = { place: Place } | { missing: string } | null;

/**
 * Return the finished image before (-1) or after (1) a place.
 *
 * `ids` are the batches of the feed in their order. A batch that `batches` lacks was dropped to save memory.
 */
export function neighbour(
  ids: readonly string[],
  batches: Readonly<Record<string, BatchState>>,
  { batchId, generationId }: Place,
  by: -1 | 1,
): Neighbour {
  const start = ids.indexOf(batchId);
  const own = batches[batchId];
  if (start < 0 || !own) return null;
  const inside = finished(own);
  const at = inside.findIndex((generation) => generation.id === generationId);
  const next = at < 0 ? undefined : inside[at + by];
  if (next) return { place: { batchId, generationId: next.id } };
  for (let index = start + by; index >= 0 && index < ids.length; index += by) {
    const id = ids[index] ?? "";
    const batch = batches[id];
    if (!batch) return { missing: id };
    const found = finished(batch).at(by > 0 ? 0 : -1);
    if (found) return { place: { batchId: id, generationId: found.id } };
  }
  return null;
}

/** Return the image before (-1) or after (1) a place in the gallery, whose images these are in their order. */
export function neighbourInGallery(
  pictures: readonly Place[],
  batches: Readonly<Record<string, BatchState>>,
  { generationId }: Place,
  by: -1 | 1,
): Neighbour {
  const start = pictures.findIndex((each) => each.generationId === generationId);
  const next = start < 0 ? undefined : pictures[start + by];
  if (!next) return null;
  const { batchId } = next;
  return batches[batchId] ? { place: { batchId, generationId: next.generationId } } : { missing: batchId };
}

function finished(batch: BatchState): GenerationState[] {
  return batch.generations.filter((generation) => generation.status === "success");
}
