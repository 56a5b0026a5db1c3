// Deleting batches, images and topics, and Undo.
import { causeText } from "../lib/answer";
import { t } from "../messages";
import type { BatchState, TopicState } from "../protocol.gen";
import { batchOfGeneration, holding, idsInCalls, sendAll } from "./batches";
import type { Slice, State } from "./state";

/** The notice about each deletion offers Undo. */
export interface DeletionsSlice {
  deleteBatches(ids: readonly string[]): Promise<void>;
  deleteGenerations(ids: readonly string[]): Promise<void>;
  deleteTopic(id: string): Promise<void>;
}

type Deleted = "batch" | "generation";

export const createDeletionsSlice: Slice<DeletionsSlice> = (set, get, send) => {
  const report = (cause: unknown): void => get().addNotice("error", causeText(cause));

  /** Show a notice with Undo. Return a function that takes the notice away. */
  const offerUndo = (message: string, run: () => void): (() => void) => {
    const action = { label: t.notice.undo, run };
    get().addNotice("info", message, action);
    return () => {
      const notice = get().notices.find((other) => other.action === action);
      if (notice) get().dismissNotice(notice.id);
    };
  };

  const removeGeneration = (id: string): void => {
    const batch = batchOfGeneration(get(), id);
    if (batch) get().removeGeneration(batch.id, id);
  };

  const putBack = (batches: readonly BatchState[]): void => {
    for (const batch of batches) get().changeBatch(joined(get().batches[batch.id], batch));
  };

  /** Delete in the kernel what the page shows no longer, and offer Undo. `batches` is what Undo puts back. */
  const sendDeletion = async (
    what: Deleted,
    ids: readonly string[],
    batches: readonly BatchState[],
    message: string,
  ): Promise<void> => {
    const takeNoticeAway = offerUndo(message, () => void restore(what, ids, batches, deleted));
    const calls = idsInCalls(ids).map((part) => ({ method: "delete" as const, what, ids: part }));
    const deleted = sendAll({ get, send }, calls, () => {
      takeNoticeAway();
      putBack(batches);
    });
    await deleted;
  };

  /** Take a deletion back. If the kernel refused the deletion, there is nothing to restore. */
  const restore = async (
    what: Deleted,
    ids: readonly string[],
    batches: readonly BatchState[],
    deleted: Promise<boolean>,
  ): Promise<void> => {
    putBack(batches);
    const calls = idsInCalls(ids).map((part) => ({ method: "restore" as const, what, ids: part }));
    if (!(await deleted)) return;
    const restored = await sendAll({ get, send }, calls, () => {
      for (const id of ids) {
        if (what === "batch") get().removeBatch(id);
        else removeGeneration(id);
      }
    });
    if (restored) get().announce(t.notice.undone);
  };

  return {
    deleteBatches: async (ids) => {
      const batches = ids.flatMap((id) => get().batches[id] ?? []);
      if (batches.length === 0) return;
      for (const { id } of batches) get().removeBatch(id);
      const gone = batches.map(({ id }) => id);
      await sendDeletion("batch", gone, batches, t.batch.deleted(gone.length));
    },

    deleteGenerations: async (ids) => {
      const wanted = new Set(ids);
      const batches = holding(get(), wanted);
      const gone = only(batches, wanted).flatMap(({ generations }) => generations.map(({ id }) => id));
      if (gone.length === 0) return;
      for (const id of gone) removeGeneration(id);
      await sendDeletion("generation", gone, only(batches, wanted), t.tile.deleted(gone.length));
    },

    deleteTopic: async (id) => {
      const topic = topicOf(get(), id);
      if (!topic || !get().usable) return;
      const { activeTopicId, feeds } = get();
      const shown = activeTopicId === id;
      get().removeTopic(id);
      const deleted = send({ method: "delete", what: "topic", ids: [id] });
      const undo = async (): Promise<void> => {
        try {
          await deleted;
          await send({ method: "restore", what: "topic", ids: [id] });
        } catch (cause) {
          report(cause);
          return;
        }
        // What the kernel told of the topic since is newer. Its running generations were stopped.
        if (!topicOf(get(), id)) get().changeTopic({ ...topic, running: 0 });
        get().announce(t.notice.undone);
        if (shown && get().activeTopicId === null) void get().selectTopic(id);
      };
      get().addNotice("info", t.topics.deleted(topic.title || t.topics.untitled, topic.images), {
        label: t.notice.undo,
        run: () => void undo(),
      });
      const notice = get().notices.at(-1);
      try {
        await deleted;
      } catch (cause) {
        if (notice) get().dismissNotice(notice.id);
        const feed = feeds[id];
        get().changeTopic(topic);
        if (feed) set((state) => ({ feeds: { ...state.feeds, [id]: feed } }));
        if (shown && get().activeTopicId === null) get().showTopic(id);
        report(cause);
      }
    },
  };
};

/** Return the batches with these generations alone. */
function only(batches: readonly BatchState[], ids: ReadonlySet<string>): BatchState[] {
  return batches.map((batch) => ({
    ...batch,
    generations: batch.generations.filter(({ id }) => ids.has(id)),
  }));
}

/** Return a batch as it is now, with generations that come back to it. */
function joined(now: BatchState | undefined, back: BatchState): BatchState {
  if (!now) return back;
  const known = new Set(now.generations.map(({ id }) => id));
  const generations = [...now.generations, ...back.generations.filter(({ id }) => !known.has(id))];
  return { ...now, generations: generations.sort((a, b) => a.position - b.position) };
}

function topicOf({ topics }: Pick<State, "topics">, id: string): TopicState | undefined {
  return topics.find((topic) => topic.id === id);
}
