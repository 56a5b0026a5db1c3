// What the page knows of batches and their generations, and in which feeds the batches stand.
import { causeText, type Send } from "../lib/answer";
import { indexIn, union } from "../lib/ids";
import type { BatchState, Call, ErrorState, GenerationProgress, GenerationState } from "../protocol.gen";
import { FOUND, isFiltering, matches } from "./filter";
import type { Slice, State } from "./state";

export interface Feed {
  /** The batches in their order: the ids sort by time. A batch itself may have been dropped to save memory. */
  ids: readonly string[];
  /** The kernel has sorted the batches by a score: then their ids are in no order. */
  sorted?: boolean;
  /** The cursor of the next (older) page; null at the end. */
  before: string | null;
  loading: boolean;
  /** False while only the events since the page was opened are known. */
  loaded: boolean;
  /** Why the last page did not come. The page asks for nothing more until the user does. */
  failed: ErrorState | null;
}

export interface Progress {
  progress: number | null;
  queuePosition: number | null;
  /** When a call that the provider refused for its rate limit is tried again, by the page's clock. */
  retryAt: number | null;
}

export interface BatchesSlice {
  /** By the id of the topic, and `FOUND` for what the filter finds. */
  feeds: Record<string, Feed>;
  /** The known batches of all feeds, by id: at most about `KEPT_BATCHES` (feed-pages.ts) beside those in use. */
  batches: Record<string, BatchState>;
  /** How many large views show each batch: these batches stay known, whatever else is dropped. */
  held: Readonly<Record<string, number>>;
  /** The progress of running generations, by id. It is not stored anywhere. */
  progress: Record<string, Progress>;
  /** Milliseconds by which this machine's clock is ahead of the kernel's, as far as messages show it. */
  clockAhead: number | null;

  /** Keep a batch known until the returned function is called. */
  hold(id: string): () => void;
  addBatch(batch: BatchState): void;
  /** Show a batch as it is now, in the feed of its topic and in no other topic's. */
  changeBatch(batch: BatchState): void;
  changeGeneration(generation: GenerationState): void;
  changeProgress(event: GenerationProgress): void;
  removeGeneration(batchId: string, id: string): void;
  removeBatch(id: string): void;
}

export const NO_FEED: Feed = { ids: [], before: null, loading: false, loaded: false, failed: null };

export const createBatchesSlice: Slice<BatchesSlice> = (set, get) => {
  const putBatch = (batch: BatchState): void =>
    set((state) => ({ batches: { ...state.batches, [batch.id]: batch } }));

  return {
    feeds: {},
    batches: {},
    held: {},
    progress: {},
    clockAhead: null,

    hold: (id) => {
      const count = (by: 1 | -1): void =>
        set(({ held: { [id]: before = 0, ...others } }) => ({
          held: before + by > 0 ? { ...others, [id]: before + by } : others,
        }));
      count(1);
      return () => count(-1);
    },
    // A batch comes twice, in the reply and in an event. The known one may be newer: later changes came by events.
    addBatch: (batch) => {
      if (get().batches[batch.id]) return;
      set((state) => ({ clockAhead: ahead(state.clockAhead, batch.createdAt) }));
      get().changeBatch(batch);
    },

    changeBatch: (batch) =>
      set((state) => {
        const feeds = { ...state.feeds, [batch.topicId]: state.feeds[batch.topicId] ?? NO_FEED };
        for (const [key, feed] of Object.entries(feeds)) {
          const has = placeOf(feed, batch.id) >= 0;
          // A batch that no longer fits the filter stays in sight until the user searches for something else.
          const belongs =
            key === FOUND ? has || (isFiltering(state) && matches(state, batch)) : key === batch.topicId;
          if (has && !belongs) feeds[key] = { ...feed, ids: feed.ids.filter((id) => id !== batch.id) };
          // Where a new batch belongs among scores is for the kernel to tell, with the next search.
          else if (belongs && !has && !feed.sorted && reaches(feed, batch.id))
            feeds[key] = { ...feed, ids: joined(state, feed.ids, batch.id, key !== FOUND && batch.sweepId) };
        }
        return { feeds, batches: { ...state.batches, [batch.id]: batch } };
      }),

    changeGeneration: (generation) => {
      const { id, batchId, status, startedAt, finishedAt } = generation;
      const batch = get().batches[batchId];
      const before = batch?.generations.find((other) => other.id === id);
      if (!batch || !before) return;
      putBatch({
        ...batch,
        generations: batch.generations.map((other) => (other.id === id ? generation : other)),
      });
      if (status !== "processing" && id in get().progress) {
        set((state) => {
          const { [id]: _, ...progress } = state.progress;
          return { progress };
        });
      }
      if (before.status === status) return;
      const happened = finishedAt ?? startedAt;
      if (happened !== null && status !== "pending")
        set((state) => ({ clockAhead: ahead(state.clockAhead, happened) }));
      if (!isRunning(generation)) get().announceEnd(generation);
    },

    changeProgress: ({ generationId, progress, queuePosition, retryIn }) =>
      set((state) => {
        const retryAt = retryIn === null ? null : Date.now() + retryIn * 1000;
        return { progress: { ...state.progress, [generationId]: { progress, queuePosition, retryAt } } };
      }),

    removeGeneration: (batchId, id) => {
      const batch = get().batches[batchId];
      if (!batch) return;
      if (batch.generations.every((generation) => generation.id === id)) get().removeBatch(batchId);
      else {
        putBatch({ ...batch, generations: batch.generations.filter((generation) => generation.id !== id) });
        get().unselect([id]);
      }
    },

    removeBatch: (id) => {
      const gone = get().batches[id];
      set((state) => {
        const feeds = { ...state.feeds };
        for (const [key, feed] of Object.entries(feeds)) {
          if (placeOf(feed, id) >= 0) feeds[key] = { ...feed, ids: feed.ids.filter((other) => other !== id) };
        }
        const { [id]: _, ...batches } = state.batches;
        return { feeds, batches };
      });
      if (gone) get().unselect(gone.generations.map((generation) => generation.id));
    },
  };
};

export function isRunning(generation: GenerationState): boolean {
  return generation.status === "pending" || generation.status === "processing";
}

export function batchOf(state: Pick<State, "batches">, id: string): BatchState | undefined {
  return state.batches[id];
}

export function batchOfGeneration(state: Pick<State, "batches">, id: string): BatchState | undefined {
  return Object.values(state.batches).find(({ generations }) => generations.some((each) => each.id === id));
}

/** Return the feed that is shown: that of the topic, or what the filter finds; null on the "new topic" screen. */
export function shownFeed(state: Pick<State, "filter" | "activeTopicId">): string | null {
  return isFiltering(state) ? FOUND : state.activeTopicId;
}

/** Return the batches of a feed that are known, in their order. */
export function batchesIn({ feeds, batches }: Pick<State, "feeds" | "batches">, key: string): BatchState[] {
  return (feeds[key]?.ids ?? []).flatMap((id) => batches[id] ?? []);
}

/** Return the smallest distance of the clocks that messages allow: each message took a little time to arrive. */
function ahead(known: number | null, happenedAt: number): number {
  const distance = Date.now() - happenedAt;
  return known === null ? distance : Math.min(known, distance);
}

/** Return the index of a batch in a feed, or -1. */
export function placeOf({ ids, sorted }: Feed, id: string): number {
  return sorted ? ids.indexOf(id) : indexIn(ids, id);
}

/** Return the ids of a feed with one more batch. Of a sweep, the newest batch stands for all. */
function joined(
  { batches }: State,
  ids: readonly string[],
  id: string,
  sweepId: string | false | null,
): readonly string[] {
  const other = ids.find((each) => sweepId && batches[each]?.sweepId === sweepId) ?? "";
  const others = ids.filter((each) => each !== other);
  return other > id ? ids : union(others, [id]);
}

/** Return whether a batch stands in the part of a feed that is loaded. */
function reaches({ ids, before }: Feed, id: string): boolean {
  const last = ids.at(-1);
  return before === null || last === undefined || id > last;
}

/** Send calls one after the other. If the kernel refuses one, call `undo`. Return whether all were accepted. */
export async function sendAll(
  { get, send }: { get(): State; send: Send },
  calls: readonly Call[],
  undo: () => void,
): Promise<boolean> {
  try {
    for (const call of calls) await send(call);
    return true;
  } catch (cause) {
    undo();
    get().addNotice("error", causeText(cause));
    return false;
  }
}

/** Return the batches that hold some of these generations. */
export function holding({ batches }: State, ids: ReadonlySet<string>): BatchState[] {
  return Object.values(batches).filter(({ generations }) => generations.some(({ id }) => ids.has(id)));
}

/** How many ids a single call takes. */
const MAX_IDS = 2000;

/** Return ids in portions that a single call takes. */
export function idsInCalls(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, part) =>
    ids.slice(part * MAX_IDS, (part + 1) * MAX_IDS),
  );
}
