// The versions of an image, read on demand, and the batches that the page does not know yet.
import type { Send } from "../lib/answer";
import type { BatchState, ChainResult, VersionState } from "../protocol.gen";
import type { Reach } from "./state";

/** Return the versions of an image. Rejects with a `RequestError`. */
export async function chainOf(send: Send, generationId: string): Promise<ChainResult> {
  const { result } = await send({ method: "read_chain", generationId });
  if (result.type !== "chain") throw new Error("the answer is no chain");
  return result;
}

/**
 * Make the image of a version known to the page. Return false if the image is gone. Rejects with a `RequestError`.
 *
 * The versions may be newer than what the page has heard of a batch: then the page asks for the batch, too.
 */
export async function fetchVersion(
  { store, send }: Reach,
  { batchId, generationId }: VersionState,
): Promise<boolean> {
  if (batchId === null) return false;
  const finished = (batch: BatchState | undefined): boolean =>
    batch?.generations.some(({ id, status }) => id === generationId && status === "success") ?? false;
  if (finished(store.getState().batches[batchId])) return true;
  const { result } = await send({ method: "named_batches", batchIds: [batchId] });
  if (result.type !== "batches") return false;
  const [batch] = result.batches;
  const { batches, changeGeneration } = store.getState();
  if (batches[batchId]) for (const generation of batch?.generations ?? []) changeGeneration(generation);
  // The batch may stand in no feed that is loaded. A large view holds it.
  else if (batch) store.setState(({ batches }) => ({ batches: { ...batches, [batchId]: batch } }));
  return finished(batch);
}
