// The covers of topics, and the images to choose a cover from.

import { causeText } from "../lib/answer";
import { wordsOf } from "../lib/words-of";
import { UNFILTERED } from "./filter";
import type { Reach } from "./state";

/** An image to choose a cover from. */
export interface FinishedImage {
  id: string;
  prompt: string;
}

/** How many batches are searched for a page of finished images. */
const COVERS_PAGE = 24;

export async function chooseCover(
  { store, send }: Reach,
  topicId: string,
  generationId: string,
): Promise<void> {
  await send({ method: "choose_cover", topicId, generationId }).catch((cause: unknown) =>
    store.getState().addNotice("error", causeText(cause)),
  );
}

/** Return some of a topic's finished images, newest first, and the cursor of older ones. */
export async function finishedImages(
  { store, send }: Reach,
  topicId: string,
  before: string | null,
): Promise<{ images: FinishedImage[]; before: string | null }> {
  try {
    const { result } = await send({
      method: "feed",
      topicId,
      before,
      limit: COVERS_PAGE,
      ...UNFILTERED,
      status: "success",
    });
    if (result.type !== "feed") return { images: [], before: null };
    const images = result.feed.batches.flatMap((batch) =>
      batch.generations.flatMap(({ id, status }) =>
        status === "success" ? { id, prompt: wordsOf(batch) } : [],
      ),
    );
    return { images, before: result.feed.before };
  } catch (cause) {
    store.getState().addNotice("error", causeText(cause));
    return { images: [], before };
  }
}
