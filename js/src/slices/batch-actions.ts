// What the user does to batches and images: mark, stop, retry, move.
import { causeText } from "../lib/answer";
import { t } from "../messages";
import { batchOf, batchOfGeneration, holding, idsInCalls, sendAll } from "./batches";
import { UNFILTERED } from "./filter";
import type { Slice } from "./state";

export interface BatchActionsSlice {
  star(ids: readonly string[], starred: boolean): Promise<void>;
  /**
   * Stop one generation of a batch, or batches all at once, so that none of them is sent in the place of another.
   */
  cancel(batchIds: readonly string[], generationId?: string): Promise<void>;
  /** Run failed generations again: one, or all of a batch. `confirm` agrees to pay an unknown price. */
  retry(batchId: string, generationId?: string, confirm?: boolean): Promise<void>;
  /** Move batches to another topic, or to a new one (null). */
  moveBatches(ids: readonly string[], topicId: string | null): Promise<void>;
}

/** The question whether a topic holds any batch. */
const ANYTHING = { method: "feed", before: null, limit: 1, ...UNFILTERED } as const;

export const createBatchActionsSlice: Slice<BatchActionsSlice> = (_set, get, send) => {
  const report = (cause: unknown): void => get().addNotice("error", causeText(cause));

  /**
   * Move batches back to their topic. Delete the topic that was made for them (`made`), unless it holds others now.
   */
  const moveBack = async (batchIds: string[], source: string | null, made: string | null): Promise<void> => {
    try {
      await send({ method: "move_batches", batchIds, topicId: source });
      get().announce(t.notice.undone);
      if (made === null) return;
      const { result } = await send({ ...ANYTHING, topicId: made });
      if (result.type === "feed" && result.feed.batches.length === 0)
        await send({ method: "delete", what: "topic", ids: [made] });
    } catch (cause) {
      report(cause);
    }
  };

  return {
    star: async (ids, starred) => {
      const wanted = new Set(ids);
      const changed = holding(get(), wanted)
        .flatMap(({ generations }) => generations)
        .filter((generation) => wanted.has(generation.id) && generation.starred !== starred);
      if (changed.length === 0) return;
      const mark = (value: boolean): void => {
        for (const { id } of changed) {
          const batch = batchOfGeneration(get(), id);
          const now = batch?.generations.find((generation) => generation.id === id);
          if (now) get().changeGeneration({ ...now, starred: value });
        }
      };
      mark(starred);
      const calls = idsInCalls(changed.map(({ id }) => id)).map((generationIds) => ({
        method: "star" as const,
        generationIds,
        starred,
      }));
      await sendAll({ get, send }, calls, () => mark(!starred));
    },

    cancel: async (batchIds, generationId) => {
      if (batchIds.length === 0) return;
      await send({ method: "cancel", batchIds: [...batchIds], generationId: generationId ?? null }).catch(
        report,
      );
    },
    retry: async (batchId, generationId, confirm = false) => {
      const call = { method: "retry", batchId, generationId: generationId ?? null, confirm } as const;
      const again = (): void => void get().retry(batchId, generationId, true);
      await send(call).catch((cause) => get().addRefusal(cause, t.composer.anyway, again));
    },

    moveBatches: async (ids, topicId) => {
      const batches = ids.flatMap((id) => batchOf(get(), id) ?? []);
      const moved = batches.filter((batch) => batch.topicId !== topicId).map(({ id }) => id);
      // The kernel decides about the batches that this page does not know.
      const batchIds = ids.filter((id) => moved.includes(id) || !batches.some((batch) => batch.id === id));
      if (batchIds.length === 0 || !get().usable) return;
      let made: string | null = null;
      try {
        const { result } = await send({ method: "move_batches", batchIds, topicId });
        if (result.type === "batches_moved" && topicId === null) made = result.topicId;
      } catch (cause) {
        report(cause);
        return;
      }
      const from = new Set(batches.map((batch) => batch.topicId));
      const [source] = from;
      const topic = get().topics.find(({ id }) => id === topicId);
      const title = topicId === null ? null : (topic?.title ?? t.topics.untitled);
      const run = (): void => void moveBack(batchIds, source ?? null, made);
      const action = from.size === 1 ? { label: t.notice.undo, run } : undefined;
      get().addNotice("info", t.topics.moved(batchIds.length, title), action);
    },
  };
};
