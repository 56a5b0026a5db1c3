// The versions of an image, read on demand, and the batches that the page does not know yet.
import type { Send } from "../lib/answer";
import type { ChainResult, VersionState } from "../protocol.gen";
import type { Reach } from "./state";

/** Return the versions of an image. Rejects with a `RequestError`. */
export async function chainOf(send: Send, generationId: string): Promise<ChainResult> {
  const { result } = await send({ method: "read_chain", generationId });
  if (result.type !== "chain") throw new Error("the answer is no chain");
  return result;
}

/** Make the batch of a version known to the page. Return false if the batch is gone. Rejects with a `RequestError`. */
export async function fetchVersion({ store, send }: Reach, { batchId }: VersionState): Promise<boolean> {
  if (batchId === null) return false;
  if (store.getState().batches[batchId]) return true;
  const { result } = await send({ method: "named_batches", batchIds: [batchId] });
  if (result.type !== "batches") return false;
  const [batch] = result.batches;
  // The batch may stand in no feed that is loaded. A large view holds it.
  if (batch) store.setState(({ batches }) => ({ batches: { ...batches, [batchId]: batch } }));
  return batch !== undefined;
}
