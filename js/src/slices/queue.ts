// The batches that run or wait, in all topics.
import type { BatchState, GenerationState } from "../protocol.gen";
import { batchOf, isRunning } from "./batches";
import type { Slice, State } from "./state";

export interface QueueSlice {
  /** Oldest first. */
  queue: BatchState[];

  /** Ask the kernel which batches run and wait. */
  loadQueue(): Promise<void>;
  /** Take in a batch as it is now. */
  queueBatch(batch: BatchState): void;
  /** Take in a generation as it is now. */
  queueGeneration(generation: GenerationState): void;
  /** Remove a batch, or one of its generations. */
  unqueue(batchId: string, generationId?: string): void;
  /** Cancel a batch, and with it all that its click asked for. */
  cancelClick(batch: BatchState): Promise<void>;
  /** Cancel everything that runs or waits. */
  cancelAll(): Promise<void>;
}

const ATTEMPTS = 3;

export const createQueueSlice: Slice<QueueSlice> = (set, get, send) => {
  let asking = false;
  /** The number of events: an answer that was on its way meanwhile may be older than an event. */
  let events = 0;

  return {
    queue: [],

    loadQueue: async () => {
      if (asking) return;
      asking = true;
      try {
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
          const before = events;
          const { result } = await send({ method: "queue" });
          if (result.type !== "queue") return;
          if (events > before && attempt < ATTEMPTS - 1) continue;
          set({ queue: inOrder(result.batches) });
          void get().learnTopics(result.batches.map(({ topicId }) => topicId));
          return;
        }
      } catch {
        // Events tell what runs; the next snapshot asks again.
      } finally {
        asking = false;
      }
    },

    queueBatch: (batch) => {
      events += 1;
      const { queue } = get();
      const known = queue.some(({ id }) => id === batch.id);
      if (!runs(batch)) {
        if (known) set({ queue: queue.filter(({ id }) => id !== batch.id) });
        return;
      }
      set({ queue: inOrder([...queue.filter(({ id }) => id !== batch.id), batch]) });
    },

    queueGeneration: (generation) => {
      events += 1;
      const batch = get().queue.find(({ id }) => id === generation.batchId);
      const known = batch ?? batchOf(get(), generation.batchId);
      if (known) {
        const generations = known.generations.map((other) =>
          other.id === generation.id ? generation : other,
        );
        get().queueBatch({ ...known, generations });
      } else if (isRunning(generation)) void get().loadQueue();
    },

    unqueue: (batchId, generationId) => {
      const batch = get().queue.find(({ id }) => id === batchId);
      if (!batch) return;
      const generations = batch.generations.filter(({ id }) => generationId && id !== generationId);
      get().queueBatch({ ...batch, generations });
    },

    cancelClick: async (batch) => {
      const ids = stoppableOfClick(get(), batch).map(({ id }) => id);
      // The queue may not know the batch yet.
      await get().cancel(ids.includes(batch.id) ? ids : [batch.id, ...ids]);
    },

    cancelAll: async () => {
      await get().cancel(get().queue.map(({ id }) => id));
    },
  };
};

export function runs(batch: BatchState): boolean {
  return batch.generations.some(isRunning);
}

/** Return whether no generation of a batch has begun. */
export function waits(batch: BatchState): boolean {
  return batch.generations.every((generation) => generation.status === "pending");
}

export function stoppable(batch: BatchState): boolean {
  return batch.generations.some((generation) => isRunning(generation) && generation.cancellable);
}

/** Return the mark that all batches of one click share. */
export function clickOf({ clickId, id }: BatchState): string {
  return clickId ?? id;
}

/** Return the batches that one click asked for together with this one, as far as they run and can be stopped. */
export function stoppableOfClick({ queue }: State, batch: BatchState): BatchState[] {
  return queue.filter((other) => clickOf(other) === clickOf(batch) && stoppable(other));
}

function inOrder(batches: BatchState[]): BatchState[] {
  return batches.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
}
