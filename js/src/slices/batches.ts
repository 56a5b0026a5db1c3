// The feeds: the batches of each topic that was shown, newest first, and how their generations stand.
import { errorState } from "../lib/answer";
import type { BatchState, FeedState, GenerationProgress, GenerationState } from "../protocol.gen";
import type { Slice, State } from "./state";

export interface Feed {
  batches: BatchState[];
  /** The cursor of the next (older) page; null at the end. */
  before: string | null;
  loading: boolean;
  /** False where only what happened since the page was opened is known. */
  loaded: boolean;
}

export interface Progress {
  progress: number | null;
  queuePosition: number | null;
}

export interface BatchesSlice {
  feeds: Record<string, Feed>;
  /** Of running generations only, by their id. Not stored anywhere. */
  progress: Record<string, Progress>;

  loadFeed(topicId: string): Promise<void>;
  loadMore(topicId: string): Promise<void>;
  deleteBatch(id: string): Promise<void>;
  deleteGeneration(batchId: string, id: string): Promise<void>;
  cancel(batchId: string, generationId?: string): Promise<void>;
  retry(batchId: string, generationId?: string): Promise<void>;

  receiveFeed(feed: FeedState): void;
  addBatch(batch: BatchState): void;
  /** Shows a batch as it is now, in the feed of its topic and in no other. */
  changeBatch(batch: BatchState): void;
  changeGeneration(generation: GenerationState): void;
  changeProgress(event: GenerationProgress): void;
  removeGeneration(batchId: string, id: string): void;
  removeBatch(id: string): void;
}

export const PAGE_SIZE = 12;
const NO_FEED: Feed = { batches: [], before: null, loading: false, loaded: false };

export const createBatchesSlice: Slice<BatchesSlice> = (set, get, send) => {
  const report = (cause: unknown): void => {
    const { message, nextStep } = errorState(cause);
    get().addNotice("error", `${message} ${nextStep}`);
  };

  const changeFeed = (topicId: string, change: (feed: Feed) => Feed): void =>
    set((state) => ({ feeds: { ...state.feeds, [topicId]: change(state.feeds[topicId] ?? NO_FEED) } }));

  const changeBatch = (id: string, change: (batch: BatchState) => BatchState): void => {
    const topicId = topicOfBatch(get(), id);
    if (topicId === null) return;
    changeFeed(topicId, (feed) => ({
      ...feed,
      batches: feed.batches.map((batch) => (batch.id === id ? change(batch) : batch)),
    }));
  };

  const ask = async (topicId: string, before: string | null): Promise<void> => {
    if (get().feeds[topicId]?.loading) return;
    changeFeed(topicId, (feed) => ({ ...feed, loading: true }));
    try {
      const { result } = await send({
        method: "feed",
        topicId,
        before,
        limit: PAGE_SIZE,
        search: "",
        model: null,
        status: null,
        favourite: false,
      });
      if (result.type !== "feed") return;
      if (before === null) get().receiveFeed(result.feed);
      else {
        const { batches, before: next } = result.feed;
        changeFeed(topicId, (feed) => ({ ...feed, batches: merged(feed.batches, batches), before: next }));
      }
    } catch (cause) {
      report(cause);
    } finally {
      if (get().feeds[topicId]) changeFeed(topicId, (feed) => ({ ...feed, loading: false }));
    }
  };

  return {
    feeds: {},
    progress: {},

    loadFeed: (topicId) => ask(topicId, null),
    loadMore: async (topicId) => {
      const before = get().feeds[topicId]?.before;
      if (before) await ask(topicId, before);
    },

    deleteBatch: async (id) => {
      const batch = batchOf(get(), id);
      if (!batch) return;
      get().removeBatch(id);
      try {
        await send({ method: "delete", what: "batch", ids: [id] });
      } catch (cause) {
        get().addBatch(batch);
        report(cause);
      }
    },

    deleteGeneration: async (batchId, id) => {
      const batch = batchOf(get(), batchId);
      const generation = batch?.generations.find((candidate) => candidate.id === id);
      if (!batch || !generation) return;
      get().removeGeneration(batchId, id);
      try {
        await send({ method: "delete", what: "generation", ids: [id] });
      } catch (cause) {
        if (batchOf(get(), batchId)) {
          changeBatch(batchId, (current) => ({
            ...current,
            generations: inPlace([...current.generations.filter((other) => other.id !== id), generation]),
          }));
        } else get().addBatch({ ...batch, generations: [generation] });
        report(cause);
      }
    },

    cancel: async (batchId, generationId) => {
      await send({ method: "cancel", batchId, generationId: generationId ?? null }).catch(report);
    },
    retry: async (batchId, generationId) => {
      await send({ method: "retry", batchId, generationId: generationId ?? null }).catch(report);
    },

    receiveFeed: ({ topicId, batches, before }) => {
      if (topicId === null) return;
      changeFeed(topicId, (feed) => ({ ...feed, batches: merged([], batches), before, loaded: true }));
    },

    // A batch comes twice, in the reply and in an event; whatever else happened since came by events.
    addBatch: (batch) =>
      changeFeed(batch.topicId, (feed) =>
        feed.batches.some((other) => other.id === batch.id)
          ? feed
          : { ...feed, batches: merged(feed.batches, [batch]) },
      ),

    changeBatch: (batch) =>
      set((state) => {
        const without = Object.entries(state.feeds).map(([id, feed]): [string, Feed] => [
          id,
          { ...feed, batches: feed.batches.filter((other) => other.id !== batch.id) },
        ]);
        const feeds: Record<string, Feed> = Object.fromEntries(without);
        const feed = feeds[batch.topicId] ?? NO_FEED;
        return { feeds: { ...feeds, [batch.topicId]: { ...feed, batches: merged(feed.batches, [batch]) } } };
      }),

    changeGeneration: (generation) => {
      const { id, batchId, status } = generation;
      const before = batchOf(get(), batchId)?.generations.find((other) => other.id === id);
      if (!before) return;
      changeBatch(batchId, (batch) => ({
        ...batch,
        generations: batch.generations.map((other) => (other.id === id ? generation : other)),
      }));
      if (status !== "processing" && id in get().progress) {
        set((state) => {
          const { [id]: _, ...progress } = state.progress;
          return { progress };
        });
      }
      if (before.status !== status) get().announce(generation);
    },

    changeProgress: ({ generationId, progress, queuePosition }) =>
      set((state) => ({ progress: { ...state.progress, [generationId]: { progress, queuePosition } } })),

    removeGeneration: (batchId, id) => {
      const batch = batchOf(get(), batchId);
      if (!batch) return;
      if (batch.generations.every((generation) => generation.id === id)) get().removeBatch(batchId);
      else {
        const generations = batch.generations.filter((generation) => generation.id !== id);
        changeBatch(batchId, (current) => ({ ...current, generations }));
      }
    },

    removeBatch: (id) => {
      const topicId = topicOfBatch(get(), id);
      if (topicId === null) return;
      changeFeed(topicId, (feed) => ({ ...feed, batches: feed.batches.filter((batch) => batch.id !== id) }));
    },
  };
};

export function isRunning(generation: GenerationState): boolean {
  return generation.status === "pending" || generation.status === "processing";
}

/** Whether something runs in a topic, as far as the page knows it. */
export function runsIn(feed: Feed | undefined): boolean {
  return feed?.batches.some((batch) => batch.generations.some(isRunning)) ?? false;
}

export function batchOf(state: Pick<State, "feeds">, id: string): BatchState | undefined {
  for (const feed of Object.values(state.feeds)) {
    const found = feed.batches.find((batch) => batch.id === id);
    if (found) return found;
  }
  return undefined;
}

function topicOfBatch(state: Pick<State, "feeds">, id: string): string | null {
  return batchOf(state, id)?.topicId ?? null;
}

function inPlace(generations: GenerationState[]): GenerationState[] {
  return generations.sort((a, b) => a.position - b.position);
}

/** Both lists as one, newest first, each batch once; a batch of the second list wins. */
function merged(old: readonly BatchState[], fresh: readonly BatchState[]): BatchState[] {
  const ids = new Set(fresh.map((batch) => batch.id));
  const all = [...old.filter((batch) => !ids.has(batch.id)), ...fresh];
  return all.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
}
