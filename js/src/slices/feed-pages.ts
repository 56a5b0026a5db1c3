// Loading the feeds page by page, and how a page joins what is known.
import { errorState, errorText } from "../lib/answer";
import { newestFirst, union } from "../lib/ids";
import { t } from "../messages";
import type { BatchState, FeedState } from "../protocol.gen";
import { batchOfGeneration, type Feed, isRunning, NO_FEED, placeOf, shownFeed } from "./batches";
import { FOUND, isFiltering, UNFILTERED } from "./filter";
import type { Slice, State } from "./state";

export interface FeedPagesSlice {
  loadFeed(key: string): Promise<void>;
  loadMore(key: string): Promise<void>;
  /** Ask again for batches that were dropped to save memory, from this one on. */
  loadFrom(key: string, id: string): Promise<void>;
  /** Try again after a page did not come: the view asks for what is missing on screen. */
  retryFeed(key: string): void;
  receiveFeed(feed: FeedState): void;
  /** Ask again for the batches that a snapshot left out: those that the filter found, and held ones. */
  catchUp(before: Record<string, BatchState>): Promise<void>;
}

export const PAGE_SIZE = 12;
/** The most batches that are known. Beyond that, batches far from the last loaded page are dropped. */
export const KEPT_BATCHES = 360;

export const createFeedPagesSlice: Slice<FeedPagesSlice> = (set, get, send) => {
  /** The question that the feed of the filter answers. */
  let answered = "";

  const changeFeed = (key: string, change: (feed: Feed) => Feed): void =>
    set((state) => ({ feeds: { ...state.feeds, [key]: change(state.feeds[key] ?? NO_FEED) } }));

  const ask = async (key: string, before: string | null): Promise<void> => {
    const found = key === FOUND;
    const question = questionOf(get(), key);
    const asked = JSON.stringify(question);
    // The user may search for something else meanwhile. An older page joins only the newest page of its own search.
    const wanted = (): boolean =>
      !found || (JSON.stringify(questionOf(get(), key)) === asked && (before === null || asked === answered));
    changeFeed(key, (feed) => ({ ...feed, loading: true, failed: null }));
    try {
      const { result } = await send({ method: "feed", ...question, before, limit: PAGE_SIZE });
      if (result.type !== "feed" || !wanted()) return;
      const known = get().feeds[FOUND];
      const again = found && before === null && asked === answered && known?.loaded === true && !known.sorted;
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
      // The feed shows the failure, unless a large view covers the feed.
      if (Object.keys(get().held).length > 0) get().addNotice("error", text);
      else get().announce(text);
    } finally {
      if (get().feeds[key] && wanted()) changeFeed(key, (feed) => ({ ...feed, loading: false }));
    }
  };

  /** Take in a page: the newest one (`after` null) replaces the feed, an older one joins it. */
  const take = (key: string, page: FeedState, after: string | null): void => {
    const { before: cursor, ids } = get().feeds[key] ?? NO_FEED;
    const sorted = key === FOUND && get().filter.sort !== null;
    if (after !== null && after !== cursor && !sorted) takeOut(key, missingIn(page, ids, after));
    set((state) => {
      const old = state.feeds[key] ?? NO_FEED;
      const fresh = page.batches.map(({ id }) => id);
      const last = old.ids.at(-1);
      // This page, of dropped batches, is in the middle: the end of the feed is known already.
      const inside =
        after !== null && last !== undefined && (sorted ? after !== cursor : (fresh.at(-1) ?? last) > last);
      const feed: Feed = {
        ids: sorted
          ? [...new Set([...(after === null ? [] : old.ids), ...fresh])]
          : after === null
            ? newestFirst(fresh)
            : union(old.ids, fresh),
        ...(sorted && { sorted }),
        before: inside ? old.before : page.before,
        loading: old.loading,
        loaded: true,
        failed: null,
      };
      const batches = { ...state.batches };
      for (const batch of page.batches) batches[batch.id] = batch;
      return {
        feeds: { ...state.feeds, [key]: feed },
        batches: trimmed({ ...state, batches }, feed, fresh[0]),
      };
    });
  };

  /** Remove batches that are not in a feed any more. */
  const takeOut = (key: string, ids: readonly string[]): void => {
    for (const id of ids) {
      if (key !== FOUND) get().removeBatch(id);
      // A batch that no longer fits the filter stays in sight as long as it can be drawn.
      else if (!get().batches[id])
        changeFeed(key, (feed) => ({ ...feed, ids: feed.ids.filter((other) => other !== id) }));
    }
  };

  /** Take in the newest page of the same search again. Older pages stay. */
  const renew = (page: FeedState): void =>
    set((state) => {
      const feed = renewed(state, FOUND, page);
      const batches = { ...state.batches };
      for (const id of feed.ids) if (isStale(state, batches[id])) delete batches[id];
      for (const batch of page.batches) batches[batch.id] = batch;
      return { feeds: { ...state.feeds, [FOUND]: feed }, batches };
    });

  return {
    loadFeed: async (key) => {
      // A new search does not wait for the one before.
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
      if (index >= 0) await ask(key, feed.ids[index - 1] ?? (feed.sorted ? null : `${id}z`));
    },
    retryFeed: (key) => {
      changeFeed(key, (feed) => ({ ...feed, failed: null }));
      // In the feed of the filter, the failed page may be the newest one, which was asked for again.
      if (key === FOUND && get().feeds[key]?.loaded) void get().loadFeed(key);
    },
    receiveFeed: (feed) => {
      if (feed.topicId !== null) take(feed.topicId, feed, null);
    },
    catchUp: async (before) => {
      const { gallery, sweeps } = get();
      sweeps?.catchUp();
      if (gallery) return gallery.catchUp();
      if (isFiltering(get())) await get().loadFeed(FOUND);
      for (const id of Object.keys(get().held)) {
        const key = shownFeed(get());
        const { batches } = get();
        if (key !== null && batches[id] && batches[id] === before[id]) await get().loadFrom(key, id);
      }
    },
  };
};

/** Return the question for a feed, the same for all of its pages. */
function questionOf({ filter, activeTopicId }: Pick<State, "filter" | "activeTopicId">, key: string) {
  const { search, everywhere, score, ...rest } = filter;
  const asked = { search: search.trim(), scores: score ? [score] : [], ...rest };
  if (key === FOUND) return { topicId: everywhere ? null : activeTopicId, ...asked };
  return { topicId: key, ...UNFILTERED };
}

/**
 * Return the feeds after a snapshot: its own, the one of the filter, and batches in use. Other feeds may have
 * missed events: they are asked for when they are shown.
 */
export function refreshed(
  state: Pick<State, "feeds" | "batches" | Use>,
  page: FeedState | null,
): Pick<State, "feeds" | "batches" | "selected"> {
  const { [FOUND]: found } = state.feeds;
  const feeds: Record<string, Feed> = found ? { [FOUND]: found } : {};
  const kept = new Set([
    ...(found?.ids ?? []),
    ...(state.gallery?.batchIds ?? []),
    ...(state.sweeps?.batchIds ?? []),
    ...Object.keys(state.held),
  ]);
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

/** Return a feed with its newest page as it is now, the older pages that were loaded already, and held batches. */
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

/** The parts of the state that tell which batches are in use. */
type Use = "held" | "selected" | "anchor" | "gallery" | "sweeps";

/**
 * Return whether a batch is open in a large view, the gallery or the grid of a sweep, or has selected images: a feed
 * never drops such a batch.
 */
export function isUsed(
  { held, selected, anchor, gallery, sweeps }: Pick<State, Use>,
  { id, generations }: BatchState,
): boolean {
  return (
    id in held ||
    gallery?.batchIds.has(id) ||
    sweeps?.batchIds.has(id) ||
    generations.some((each) => selected.has(each.id) || each.id === anchor)
  );
}

/**
 * Return whether a batch may be out of date: it ran when it was last heard of. It is asked for when it comes into
 * sight.
 */
function isStale(state: Pick<State, Use>, batch: BatchState | undefined): boolean {
  return batch !== undefined && !isUsed(state, batch) && batch.generations.some(isRunning);
}

/** Return the known ids that a page should have and lacks: these batches do not exist any more. */
function missingIn({ batches, before }: FeedState, ids: readonly string[], after: string): string[] {
  const told = new Set(batches.map(({ id }) => id));
  const last = before === null ? "" : (batches.at(-1)?.id ?? "");
  return ids.filter((id) => id < after && id >= last && !told.has(id));
}

/**
 * Return the batches without those far from one batch of a feed. Running batches and those in use are kept, and
 * those between here and where a range begins: the next click may take it in.
 */
function trimmed(
  state: Pick<State, "batches" | Use>,
  feed: Feed,
  near: string | undefined,
): Record<string, BatchState> {
  const all = Object.values(state.batches);
  if (near === undefined || all.length <= KEPT_BATCHES) return state.batches;
  const { ids } = feed;
  const index = Math.max(placeOf(feed, near), 0);
  const begin = state.anchor === null ? undefined : batchOfGeneration(state, state.anchor);
  const other = begin ? placeOf(feed, begin.id) : -1;
  const half = KEPT_BATCHES / 3;
  const [from, to] = other < 0 ? [index, index] : [Math.min(index, other), Math.max(index, other)];
  const kept = new Set(ids.slice(Math.max(from - half, 0), to + half));
  return Object.fromEntries(
    all
      .filter((batch) => kept.has(batch.id) || batch.generations.some(isRunning) || isUsed(state, batch))
      .map((batch) => [batch.id, batch]),
  );
}
