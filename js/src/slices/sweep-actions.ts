// What the user does to a sweep as a whole: stop, retry, delete and select.
import { causeText } from "../lib/answer";
import { t } from "../messages";
import type { SweepState } from "../protocol.gen";
import type { Reach } from "./state";
import { sweepsIn } from "./sweeps";

/** Stop all that a sweep asked for. */
export async function cancelSweep({ store, send }: Reach, sweepId: string): Promise<void> {
  await send({ method: "cancel_sweep", sweepId }).catch((cause) =>
    store.getState().addNotice("error", causeText(cause)),
  );
}

/** Run the failed images of these batches again, until one is refused. `confirm` agrees to pay an unknown price. */
export async function retryBatches(
  { store, send }: Reach,
  batchIds: readonly string[],
  confirm = false,
): Promise<void> {
  for (const [index, batchId] of batchIds.entries()) {
    try {
      await send({ method: "retry", batchId, generationId: null, confirm });
    } catch (cause) {
      const again = (): void => void retryBatches({ store, send }, batchIds.slice(index), true);
      store.getState().addRefusal(cause, t.composer.anyway, again);
      return;
    }
  }
}

/** Delete all batches that a sweep asked for. The notice offers Undo. */
export async function deleteSweep({ store }: Reach, { asked }: SweepState): Promise<void> {
  const { batches, addNotice } = store.getState();
  try {
    // Those that stand in no cell any more would be found in the feed afterwards.
    await sweepsIn(store).fetch(asked.filter((id) => !batches[id]));
  } catch (cause) {
    addNotice("error", causeText(cause));
    return;
  }
  // The oldest first: the newest one stands for the sweep until all are gone.
  await store.getState().deleteBatches([...asked].sort());
}

/** Select all images of a sweep, and no others. */
export function selectImages({ store }: Reach, ids: readonly string[]): void {
  store.getState().clearSelection();
  for (const id of ids) store.getState().select(id, "one");
}
