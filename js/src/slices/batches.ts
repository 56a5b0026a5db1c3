// The feeds: which batches each one shows, newest first, and how their generations stand.
import { causeText, errorState, errorText } from "../lib/answer";
import { t } from "../messages";
import type { BatchState, ErrorState, FeedState, GenerationProgress, GenerationState } from "../protocol.gen";
import { FOUND, isFiltering, matches } from "./filter";
import type { Slice, State } from "./state";

export interface Feed {
  /** The batches in their order: the ids sort by time. What a batch holds may have been dropped for room. */
  ids: readonly string[];
  /** The cursor of the next (older) page; null at the end. */
  before: string | null;
  loading: boolean;
  /** False where only what happened since the page was opened is known. */
  loaded: boolean;
  /** Why the last page did not come. Nothing is asked for by itself until somebody asks again. */
  failed: ErrorState | null;
}

export interface Progress {
  progress: number | null;
  queuePosition: number | null;
}

export interface BatchesSlice {
  /** By the id of the topic, and `FOUND` for what the filter finds. */
  feeds: Record<string, Feed>;
  /** What is known of the batches of all feeds, by id; at most about `KEPT_BATCHES` beside those in use. */
  batches: Record<string, BatchState>;
  /** The batches that are looked at in large views, and by how many: they stay known, whatever else is dropped. */
  held: Readonly<Record<string, number>>;
  /** Of running generations only, by their id. Not stored anywhere. */
  progress: Record<string, Progress>;
  /** Milliseconds by which this machine's clock is ahead of the kernel's, as far as messages show it. */
  clockAhead: number | null;

  loadFeed(key: string): Promise<void>;
  loadMore(key: string): Promise<void>;
  /** Asks again for what was dropped for room, from this batch on. */
  loadFrom(key: string, id: string): Promise<void>;
  /** Asks again after a page that did not come: the view asks for what is missing on screen. */
  retryFeed(key: string): void;
  /** Keeps a batch known until the returned function is called. */
  hold(id: string): () => void;
  /** Asks again for what a snapshot kept and did not tell: what the filter found, and what is held. */
  catchUp(before: Record<string, BatchState>): Promise<void>;
  deleteBatches(ids: readonly string[]): Promise<void>;
  deleteGenerations(ids: readonly string[]): Promise<void>;
  favour(ids: readonly string[], favourite: boolean): Promise<void>;
  /** Stops batches, all at once so that none is sent in the place of another, or one generation of a batch. */
  cancel(batchIds: readonly string[], generationId?: string): Promise<void>;
  retry(batchId: string, generationId?: string): Promise<void>;

  receiveFeed(feed: FeedState): void;
  addBatch(batch: BatchState): void;
  /** Shows a batch as it is now, in the feed of its topic and in no other topic's. */
  changeBatch(batch: BatchState): void;
  changeGeneration(generation: GenerationState): void;
  changeProgress(event: GenerationProgress): void;
  removeGeneration(batchId: string, id: string): void;
  removeBatch(id: string): void;
}

export const PAGE_SIZE = 12;
/** How many batches are known; beyond, those far from what was loaded last are dropped. */
export const KEPT_BATCHES = 360;
/** How many of one kind a single call takes. */
const MAX_IDS = 2000;
export const NO_FEED: Feed = { ids: [], before: null, loading: false, loaded: false, failed: null };

export const createBatchesSlice: Slice<BatchesSlice> = (set, get, send) => {
  /** What the feed of finds was asked for. */
  let answered = "";

  const report = (cause: unknown): void => get().addNotice("error", causeText(cause));

  const changeFeed = (key: string, change: (feed: Feed) => Feed): void =>
    set((state) => ({ feeds: { ...state.feeds, [key]: change(state.feeds[key] ?? NO_FEED) } }));

  const putBatch = (batch: BatchState): void =>
    set((state) => ({ batches: { ...state.batches, [batch.id]: batch } }));

  const ask = async (key: string, before: string | null): Promise<void> => {
    const found = key === FOUND;
    const question = questionOf(get(), key);
    const asked = JSON.stringify(question);
    // Meanwhile something else may be looked for; its own answer comes. An older page joins its own newest one alone.
    const wanted = (): boolean =>
      !found || (JSON.stringify(questionOf(get(), key)) === asked && (before === null || asked === answered));
    changeFeed(key, (feed) => ({ ...feed, loading: true, failed: null }));
    try {
      const { result } = await send({ method: "feed", ...question, before, limit: PAGE_SIZE });
      if (result.type !== "feed" || !wanted()) return;
      const again = found && before === null && asked === answered && get().feeds[FOUND]?.loaded === true;
      if (found) answered = asked;
      if (again) renew(result.feed);
      else take(key, result.feed, before);
      const { batches, before: older } = result.feed;
      if (found) void get().learnTopics(batches.map(({ topicId }) => topicId));
      if (found && before === null && !again) get().announce(t.filter.found(batches.length, older !== null));
    } catch (cause) {
      if (!wanted()) return;
      const failed = errorState(cause);
      changeFeed(key, (feed) => ({ ...feed, failed }));
      const text = t.feed.failed(errorText(failed));
      // The feed shows it, unless a large view stands over it.
      if (Object.keys(get().held).length > 0) get().addNotice("error", text);
      else get().announce(text);
    } finally {
      if (get().feeds[key] && wanted()) changeFeed(key, (feed) => ({ ...feed, loading: false }));
    }
  };

  /** Takes in a page: the newest one (`after` null) stands alone, an older one joins what is there. */
  const take = (key: string, page: FeedState, after: string | null): void => {
    const { before: cursor, ids } = get().feeds[key] ?? NO_FEED;
    if (after !== null && after !== cursor) takeOut(key, missingIn(page, ids, after));
    set((state) => {
      const old = state.feeds[key] ?? NO_FEED;
      const fresh = page.batches.map(({ id }) => id);
      const last = old.ids.at(-1);
      // A page in the middle, of what had been dropped: the end of the feed is known already.
      const inside = after !== null && last !== undefined && (fresh.at(-1) ?? last) > last;
      const feed: Feed = {
        ids: after === null ? newestFirst(fresh) : union(old.ids, fresh),
        before: inside ? old.before : page.before,
        loading: old.loading,
        loaded: true,
        failed: null,
      };
      const batches = { ...state.batches };
      for (const batch of page.batches) batches[batch.id] = batch;
      return {
        feeds: { ...state.feeds, [key]: feed },
        batches: trimmed({ ...state, batches }, feed.ids, fresh[0]),
      };
    });
  };

  /** Takes batches out of a feed that are not in it any more. */
  const takeOut = (key: string, ids: readonly string[]): void => {
    for (const id of ids) {
      if (key !== FOUND) get().removeBatch(id);
      // What no longer fits the filter stays in sight, where it can still be drawn.
      else if (!get().batches[id])
        changeFeed(key, (feed) => ({ ...feed, ids: feed.ids.filter((other) => other !== id) }));
    }
  };

  /** Takes in the newest page of the finds once more: the older ones stay. */
  const renew = (page: FeedState): void =>
    set((state) => {
      const feed = renewed(state, FOUND, page);
      const batches = { ...state.batches };
      for (const id of feed.ids) if (isStale(state, batches[id])) delete batches[id];
      for (const batch of page.batches) batches[batch.id] = batch;
      return { feeds: { ...state.feeds, [FOUND]: feed }, batches };
    });

  /** Sends the calls, and puts everything back if the kernel refuses; gives whether it did not. */
  const change = async (call: Parameters<typeof send>[0][], undo: () => void): Promise<boolean> => {
    try {
      for (const each of call) await send(each);
      return true;
    } catch (cause) {
      undo();
      report(cause);
      return false;
    }
  };

  /** Says what was deleted, with Undo; gives what takes the notice away again. */
  const offerUndo = (message: string, run: () => void): (() => void) => {
    const action = { label: t.notice.undo, run };
    get().addNotice("info", message, action);
    return () => {
      const notice = get().notices.find((other) => other.action === action);
      if (notice) get().dismissNotice(notice.id);
    };
  };

  /** Takes back what is being deleted. Where that was refused there is nothing to take back. */
  const restore = async (
    what: "batch" | "generation",
    ids: readonly string[],
    batches: readonly BatchState[],
    deleted: Promise<boolean>,
  ): Promise<void> => {
    for (const batch of batches) get().changeBatch(joined(get().batches[batch.id], batch));
    const calls = pieces(ids).map((part) => ({ method: "restore" as const, what, ids: part }));
    if (!(await deleted)) return;
    const taken = await change(calls, () => {
      for (const id of ids) {
        if (what === "batch") get().removeBatch(id);
        else removeGeneration(id);
      }
    });
    if (taken) get().announce(t.notice.undone);
  };

  const removeGeneration = (id: string): void => {
    const batch = batchOfGeneration(get(), id);
    if (batch) get().removeGeneration(batch.id, id);
  };

  return {
    feeds: {},
    batches: {},
    held: {},
    progress: {},
    clockAhead: null,

    loadFeed: async (key) => {
      // Another search does not wait for the one before.
      if (key === FOUND || !get().feeds[key]?.loading) await ask(key, null);
    },
    loadMore: async (key) => {
      const feed = get().feeds[key];
      if (feed?.before && !feed.loading) await ask(key, feed.before);
    },
    loadFrom: async (key, id) => {
      const feed = get().feeds[key];
      if (!feed || feed.loading) return;
      const index = feed.ids.indexOf(id);
      if (index >= 0) await ask(key, feed.ids[index - 1] ?? `${id}z`);
    },
    retryFeed: (key) => {
      changeFeed(key, (feed) => ({ ...feed, failed: null }));
      // Of what was found it may be the newest page, which is there and was to be made new.
      if (key === FOUND && get().feeds[key]?.loaded) void get().loadFeed(key);
    },
    hold: (id) => {
      const count = (by: 1 | -1): void =>
        set(({ held: { [id]: before = 0, ...others } }) => ({
          held: before + by > 0 ? { ...others, [id]: before + by } : others,
        }));
      count(1);
      return () => count(-1);
    },
    catchUp: async (before) => {
      if (isFiltering(get())) await get().loadFeed(FOUND);
      for (const id of Object.keys(get().held)) {
        const key = shownFeed(get());
        const { batches } = get();
        if (key !== null && batches[id] && batches[id] === before[id]) await get().loadFrom(key, id);
      }
    },

    deleteBatches: async (ids) => {
      const batches = ids.flatMap((id) => get().batches[id] ?? []);
      if (batches.length === 0) return;
      for (const { id } of batches) get().removeBatch(id);
      const gone = batches.map(({ id }) => id);
      const takeBack = offerUndo(
        t.batch.deleted(gone.length),
        () => void restore("batch", gone, batches, deleted),
      );
      const calls = pieces(gone).map((part) => ({
        method: "delete" as const,
        what: "batch" as const,
        ids: part,
      }));
      const deleted = change(calls, () => {
        takeBack();
        for (const batch of batches) get().changeBatch(batch);
      });
      await deleted;
    },

    deleteGenerations: async (ids) => {
      const wanted = new Set(ids);
      const batches = holding(get(), wanted);
      const gone = batches
        .flatMap(({ generations }) => generations.map(({ id }) => id))
        .filter((id) => wanted.has(id));
      if (gone.length === 0) return;
      for (const { id: batchId, generations } of batches)
        for (const { id } of generations) if (wanted.has(id)) get().removeGeneration(batchId, id);
      const takeBack = offerUndo(
        t.tile.deleted(gone.length),
        () => void restore("generation", gone, only(batches, wanted), deleted),
      );
      const calls = pieces(gone).map((part) => ({
        method: "delete" as const,
        what: "generation" as const,
        ids: part,
      }));
      const deleted = change(calls, () => {
        takeBack();
        for (const batch of only(batches, wanted)) get().changeBatch(joined(get().batches[batch.id], batch));
      });
      await deleted;
    },

    favour: async (ids, favourite) => {
      const wanted = new Set(ids);
      const changed = holding(get(), wanted)
        .flatMap(({ generations }) => generations)
        .filter((generation) => wanted.has(generation.id) && generation.favourite !== favourite);
      if (changed.length === 0) return;
      const mark = (value: boolean): void => {
        for (const { id } of changed) {
          const batch = batchOfGeneration(get(), id);
          const now = batch?.generations.find((generation) => generation.id === id);
          if (now) get().changeGeneration({ ...now, favourite: value });
        }
      };
      mark(favourite);
      const calls = pieces(changed.map(({ id }) => id)).map((generationIds) => ({
        method: "favour" as const,
        generationIds,
        favourite,
      }));
      await change(calls, () => mark(!favourite));
    },

    cancel: async (batchIds, generationId) => {
      if (batchIds.length === 0) return;
      await send({ method: "cancel", batchIds: [...batchIds], generationId: generationId ?? null }).catch(
        report,
      );
    },
    retry: async (batchId, generationId) => {
      await send({ method: "retry", batchId, generationId: generationId ?? null }).catch(report);
    },

    receiveFeed: (feed) => {
      if (feed.topicId !== null) take(feed.topicId, feed, null);
    },

    // A batch comes twice, in the reply and in an event; whatever else happened since came by events.
    addBatch: (batch) => {
      if (get().batches[batch.id]) return;
      set((state) => ({ clockAhead: ahead(state.clockAhead, batch.createdAt) }));
      get().changeBatch(batch);
    },

    changeBatch: (batch) =>
      set((state) => {
        const feeds = { ...state.feeds, [batch.topicId]: state.feeds[batch.topicId] ?? NO_FEED };
        for (const [key, feed] of Object.entries(feeds)) {
          const has = indexIn(feed.ids, batch.id) >= 0;
          // What no longer fits the filter stays in sight until something else is looked for.
          const belongs =
            key === FOUND ? has || (isFiltering(state) && matches(state, batch)) : key === batch.topicId;
          if (has && !belongs) feeds[key] = { ...feed, ids: feed.ids.filter((id) => id !== batch.id) };
          else if (belongs && !has && reaches(feed, batch.id))
            feeds[key] = { ...feed, ids: union(feed.ids, [batch.id]) };
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

    changeProgress: ({ generationId, progress, queuePosition }) =>
      set((state) => ({ progress: { ...state.progress, [generationId]: { progress, queuePosition } } })),

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
          if (indexIn(feed.ids, id) >= 0)
            feeds[key] = { ...feed, ids: feed.ids.filter((other) => other !== id) };
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

/** Whether something runs in a topic, as far as the page knows it. */
export function runsIn({ feeds, batches }: Pick<State, "feeds" | "batches">, topicId: string): boolean {
  return feeds[topicId]?.ids.some((id) => batches[id]?.generations.some(isRunning)) ?? false;
}

export function batchOf(state: Pick<State, "batches">, id: string): BatchState | undefined {
  return state.batches[id];
}

export function batchOfGeneration(state: Pick<State, "batches">, id: string): BatchState | undefined {
  return Object.values(state.batches).find(({ generations }) => generations.some((each) => each.id === id));
}

/** The feed that is shown: that of the topic, or what the filter finds; null on the "new topic" screen. */
export function shownFeed(state: Pick<State, "filter" | "activeTopicId">): string | null {
  return isFiltering(state) ? FOUND : state.activeTopicId;
}

/** The batches of a feed that are known, in their order. */
export function batchesIn({ feeds, batches }: Pick<State, "feeds" | "batches">, key: string): BatchState[] {
  return (feeds[key]?.ids ?? []).flatMap((id) => batches[id] ?? []);
}

/** What a feed is asked for, whatever the page. */
function questionOf({ filter, activeTopicId }: Pick<State, "filter" | "activeTopicId">, key: string) {
  if (key !== FOUND) return { topicId: key, search: "", model: null, status: null, favourite: false };
  const { search, model, status, favourite, everywhere } = filter;
  return { topicId: everywhere ? null : activeTopicId, search: search.trim(), model, status, favourite };
}

/** The feeds after a snapshot: its own, what was found, and what is in use. The others may have missed events: they
 * are asked for when they are shown. */
export function refreshed(
  state: Pick<State, "feeds" | "batches" | Use>,
  page: FeedState | null,
): Pick<State, "feeds" | "batches" | "selected"> {
  const { [FOUND]: found } = state.feeds;
  const feeds: Record<string, Feed> = found ? { [FOUND]: found } : {};
  const kept = new Set([...(found?.ids ?? []), ...Object.keys(state.held)]);
  if (page && page.topicId !== null) {
    const feed = renewed(state, page.topicId, page);
    feeds[page.topicId] = feed;
    for (const id of feed.ids) if (!isStale(state, state.batches[id])) kept.add(id);
  }
  const batches: Record<string, BatchState> = {};
  for (const batch of [...[...kept].flatMap((id) => state.batches[id] ?? []), ...(page?.batches ?? [])])
    batches[batch.id] = batch;
  const known = new Set(Object.values(batches).flatMap(({ generations }) => generations.map(({ id }) => id)));
  return { feeds, batches, selected: new Set([...state.selected].filter((id) => known.has(id))) };
}

/** A feed with its newest page as it is now, the older ones that were loaded already, and what is held. */
function renewed({ feeds, held }: Pick<State, "feeds" | "held">, key: string, page: FeedState): Feed {
  const old = feeds[key];
  const fresh = newestFirst(page.batches.map(({ id }) => id));
  const last = fresh.at(-1);
  const feed: Feed = { ids: fresh, before: page.before, loading: false, loaded: true, failed: null };
  if (!old?.loaded) return feed;
  const older = last !== undefined && page.before !== null ? old.ids.filter((id) => id < last) : [];
  return {
    ...feed,
    ids: union(fresh, [...older, ...old.ids.filter((id) => id in held)]),
    before: older.length > 0 ? old.before : page.before,
  };
}

/** What says which batches are in use. */
type Use = "held" | "selected" | "anchor";

/** Whether a batch is open in a large view or holds something that is selected: it is dropped for nothing. */
function isUsed({ held, selected, anchor }: Pick<State, Use>, { id, generations }: BatchState): boolean {
  return id in held || generations.some((each) => selected.has(each.id) || each.id === anchor);
}

/** What still ran and was not told of again is not known now: it is asked for when it comes into sight. */
function isStale(state: Pick<State, Use>, batch: BatchState | undefined): boolean {
  return batch !== undefined && !isUsed(state, batch) && batch.generations.some(isRunning);
}

/** What a page that was asked for after an id should have held, and does not: it is gone. */
function missingIn({ batches, before }: FeedState, ids: readonly string[], after: string): string[] {
  const told = new Set(batches.map(({ id }) => id));
  const last = before === null ? "" : (batches.at(-1)?.id ?? "");
  return ids.filter((id) => id < after && id >= last && !told.has(id));
}

/** The smallest distance of the clocks that messages allow: each one was a little under way. */
function ahead(known: number | null, happenedAt: number): number {
  const distance = Date.now() - happenedAt;
  return known === null ? distance : Math.min(known, distance);
}

function newestFirst(ids: readonly string[]): string[] {
  return [...ids].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
}

function union(old: readonly string[], fresh: readonly string[]): string[] {
  return newestFirst([...new Set([...old, ...fresh])]);
}

/** Where an id stands in a feed, or -1. */
function indexIn(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const other = ids[middle] as string;
    if (other === id) return middle;
    if (other > id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Whether a batch stands in the part of a feed that is loaded. */
function reaches({ ids, before }: Feed, id: string): boolean {
  const last = ids.at(-1);
  return before === null || last === undefined || id > last;
}

/** The batches without those that are far from one of a feed. What runs or is in use is kept, and what lies between
 * here and where a range begins: the next click may take it in. */
function trimmed(
  state: Pick<State, "batches" | Use>,
  ids: readonly string[],
  near: string | undefined,
): Record<string, BatchState> {
  const all = Object.values(state.batches);
  if (near === undefined || all.length <= KEPT_BATCHES) return state.batches;
  const index = Math.max(indexIn(ids, near), 0);
  const begin = state.anchor === null ? undefined : batchOfGeneration(state, state.anchor);
  const other = begin ? indexIn(ids, begin.id) : -1;
  const half = KEPT_BATCHES / 3;
  const [from, to] = other < 0 ? [index, index] : [Math.min(index, other), Math.max(index, other)];
  const kept = new Set(ids.slice(Math.max(from - half, 0), to + half));
  return Object.fromEntries(
    all
      .filter((batch) => kept.has(batch.id) || batch.generations.some(isRunning) || isUsed(state, batch))
      .map((batch) => [batch.id, batch]),
  );
}

/** The batches that hold some of these generations. */
function holding({ batches }: State, ids: ReadonlySet<string>): BatchState[] {
  return Object.values(batches).filter(({ generations }) => generations.some(({ id }) => ids.has(id)));
}

/** The batches with these generations alone. */
function only(batches: readonly BatchState[], ids: ReadonlySet<string>): BatchState[] {
  return batches.map((batch) => ({
    ...batch,
    generations: batch.generations.filter(({ id }) => ids.has(id)),
  }));
}

/** A batch as it is now, with generations that come back to it. */
function joined(now: BatchState | undefined, back: BatchState): BatchState {
  if (!now) return back;
  const known = new Set(now.generations.map(({ id }) => id));
  const generations = [...now.generations, ...back.generations.filter(({ id }) => !known.has(id))];
  return { ...now, generations: generations.sort((a, b) => a.position - b.position) };
}

function pieces(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, part) =>
    ids.slice(part * MAX_IDS, (part + 1) * MAX_IDS),
  );
}
