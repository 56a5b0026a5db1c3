// The feed: batches, newest first, divided by days. Older ones are loaded on the way down.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Placed, placed } from "../lib/arrange";
import { dayOf, dayText } from "../lib/days";
import { focusOn } from "../lib/focus";
import { focusedElement } from "../lib/keyboard";
import { t } from "../messages";
import type { BatchState, ErrorState } from "../protocol.gen";
import { FOUND } from "../slices/filter";
import { clickOf } from "../slices/queue";
import type { Store } from "../store";
import { BatchCard, ratioOf } from "./batch-card";
import { Boundary } from "./boundary";
import { useActions, useMinute, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { leaveTiles } from "./leave-tiles";
import type { LightboxTarget } from "./lightbox";
import { EmptyTopic } from "./new-topic";
import { PartHere, usePart } from "./part";
import { useAhead } from "./use-ahead";
import { type Sight, useRows } from "./use-rows";

interface TopicFeedProps {
  /** The key of the feed: the id of a topic, or `FOUND`. */
  feedKey: string;
  /** The image that was just shown large. */
  left: LightboxTarget | null;
  onOpen(target: LightboxTarget): void;
}

/** The next page is asked for when the end is nearer than this, in pixels. */
const AHEAD = 1600;
/** The beginning of the key of a row that is a day, not a batch. */
const DAY = "day ";

export function TopicFeed({ feedKey, left, onOpen }: TopicFeedProps) {
  const { store, parts } = usePage();
  const feed = useStore((state) => state.feeds[feedKey]);
  const live = useStore((state) => state.live);
  const actions = useActions();
  const ids = feed?.ids ?? NOTHING;
  const days = useRef(new Map<string, string>());
  const sorted = feed?.sorted ?? false;
  const keys = useMemo(
    // Days divide what is in the order of time.
    () => (sorted ? [DAY, ...ids] : withDays(ids, store.getState().batches, days.current)),
    [ids, store, sorted],
  );
  const size = useStore(({ config }) => config.panels.tileSize);
  const newest = sorted || feedKey === FOUND ? "" : (ids[0] ?? "");
  const [large, setLarge] = useState<ReadonlyMap<string, number>>(NOBODY);
  const arrange = useCallback(
    (id: string, sight: Sight) => {
      const state = store.getState();
      const batch = state.batches[id];
      const sweep = sweepOf(batch, feedKey);
      const placed = arrangement(batch, sight, size, sweep ? 0 : large.get(id));
      const height = sweep && parts.get("sweep")?.heightOf(state, sweep, sight);
      return height ? { ...placed, height } : placed;
    },
    [store, size, large],
  );
  const estimate = useCallback(
    (key: string, sight: Sight) => (key.startsWith(DAY) ? DAY_HEIGHT : arrange(key, sight).height + ROW_GAP),
    [arrange],
  );
  const { scroller, rows, sight, total, rest, measure, isRead, toTop, toRow } = useRows(
    keys,
    estimate,
    `${newest} ${live}`,
  );
  useAhead(rows, (index) => {
    const key = keys[index];
    if (key?.startsWith(DAY)) return NOTHING;
    return key === undefined ? undefined : finished(store.getState().batches[key]);
  });
  // Those before the newest give their room back as soon as nobody reads them.
  useLayoutEffect(() => {
    const fresh = newest === "" ? [] : sameClick(ids, store.getState().batches);
    const next = new Map([
      ...[...large].filter(([id]) => isRead(id)),
      ...fresh.map((id) => [id, fresh.length] as const),
    ]);
    if ([...next].join() !== [...large].join()) setLarge(next);
  });

  const missing = !feed?.loaded;
  const loading = feed?.loading ?? false;
  const failed = feed?.failed ?? null;
  useEffect(() => {
    if (missing && live && !failed) void actions.loadFeed(feedKey);
  }, [missing, live, failed, feedKey, actions]);
  const near = rest < AHEAD && !!feed?.before && !loading && !failed;
  useEffect(() => {
    if (near && live) void actions.loadMore(feedKey);
  }, [near, live, feedKey, actions, feed?.before]);
  const sweepIn = (id: string) => sweepOf(store.getState().batches[id], feedKey);
  useReturn(scroller, left, toTop, ({ batchId, sweepId }) =>
    toRow((sweepId && ids.find((id) => sweepIn(id) === sweepId)) || batchId),
  );
  useEffect(() => () => actions.clearSelection(), [actions]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: shortcuts for what stands in it
    <div
      ref={scroller}
      class="ip-feed"
      tabIndex={-1}
      data-testid="feed"
      onKeyDown={(event) => onFeedKey(event, store)}
    >
      {ids.length === 0 &&
        feed?.loaded &&
        !loading &&
        !failed &&
        (feedKey === FOUND ? (
          <PartHere name="tools" class="ip-nothing">
            {({ NothingFound }) => <NothingFound />}
          </PartHere>
        ) : (
          <EmptyTopic />
        ))}
      {ids.length === 0 && (missing || loading) && !failed && <Older />}
      <ul class="ip-batches" aria-label={t.feed.batches} style={{ height: `${total}px` }}>
        {rows.map(({ key, index, top, passing }) => (
          <FeedRow
            // The card of a sweep stays the same when another batch stands for it.
            key={sweepIn(key) || key}
            id={key}
            index={index}
            count={feed?.before ? -1 : keys.length}
            top={top}
            passing={passing}
            tiles={key.startsWith(DAY) ? null : arrange(key, sight)}
            sight={sight}
            feedKey={feedKey}
            measure={measure}
            onOpen={onOpen}
          />
        ))}
      </ul>
      {ids.length > 0 && feed?.before && rest < AHEAD && !failed && <Older />}
      {failed && rest < AHEAD && <Failed error={failed} onRetry={() => actions.retryFeed(feedKey)} />}
    </div>
  );
}

/**
 * Let the user go on at the image that was shown large last, however far the way through the images went. Show the first
 * row when the user has made a batch; else what the user reads stays in place.
 *
 * @param toRow scrolls to the row of a place, and returns false if there is none
 */
export function useReturn(
  scroller: { current: HTMLElement | null },
  left: LightboxTarget | null,
  toTop: () => void,
  toRow: (place: LightboxTarget) => boolean,
): void {
  const made = useStore((state) => state.madeBatchId);
  const first = useRef(made);
  useLayoutEffect(() => {
    if (made !== first.current) toTop();
    first.current = made;
  }, [made, toTop]);
  const waiting = useRef<LightboxTarget | null>(null);
  const before = useRef(left);
  useLayoutEffect(() => {
    const fresh = left !== before.current;
    before.current = left;
    if (fresh) waiting.current = left;
    const { current: place } = waiting;
    const feed = scroller.current;
    if (!place || !feed) return;
    const find = (what: string): HTMLElement | null => feed.querySelector(what);
    const tile = find(`[data-generation-id="${place.generationId}"] [data-select]`);
    // The batch or the sweep of the image, or its place in the gallery.
    const row = find(
      `[data-batch-id="${place.sweepId ?? place.batchId}"],[data-row="${place.generationId}"]`,
    );
    // The dialog, which kept the focus out of the feed, is closed only now.
    if (fresh && !tile) feed.focus({ preventScroll: true });
    if (tile) focusOn(tile);
    // The row of the image must be drawn first. If the row lacks the image, it will not come, and a user who
    // has gone on elsewhere keeps the focus.
    else if (!row && (fresh ? toRow(place) : focusedElement() === feed)) return;
    waiting.current = null;
  });
}

const NOTHING: readonly string[] = [];
const NOBODY: ReadonlyMap<string, number> = new Map();

/** Return the newest batches, as far as one click asked for them. */
function sameClick(ids: readonly string[], batches: Record<string, BatchState>): readonly string[] {
  const clicks = ids.map((id) => batches[id] && clickOf(batches[id]));
  const end = clicks.findIndex((click) => click !== clicks[0]);
  return end < 0 ? ids : ids.slice(0, Math.max(end, 1));
}

/** Return the ids of the images of a batch that are there. */
function finished(batch: BatchState | undefined): readonly string[] | undefined {
  return batch?.generations.filter(({ status }) => status === "success").map(({ id }) => id);
}

interface FeedRowProps extends Omit<TopicFeedProps, "left"> {
  id: string;
  sight: Sight;
  index: number;
  count: number;
  top: number;
  passing: boolean;
  /** Null is a row without tiles. */
  tiles: Placed | null;
  measure(element: HTMLElement, key: string): () => void;
}

function FeedRow({ id, index, count, top, passing, tiles, feedKey, measure, ...given }: FeedRowProps) {
  const element = useRef<HTMLLIElement>(null);
  const batch = useStore((state) => state.batches[id]);
  useLayoutEffect(
    () => (element.current && !passing ? measure(element.current, id) : undefined),
    [id, passing, measure],
  );
  return (
    <li
      ref={element}
      class={tiles?.beside ? "ip-feed-row ip-beside" : "ip-feed-row"}
      data-row={id}
      aria-posinset={index + 1}
      aria-setsize={count}
      style={{
        transform: `translateY(${top}px)`,
        "--columns": tiles?.columns,
        "--tile": tiles && `${tiles.tile}px`,
      }}
    >
      {id.startsWith(DAY) ? (
        <Day day={id.slice(DAY.length)} first={index === 0} />
      ) : batch && passing ? (
        <Passing batch={batch} />
      ) : batch ? (
        <Boundary name="batch">
          {sweepOf(batch, feedKey) ? (
            <Sweep batch={batch} {...given} />
          ) : (
            <BatchCard batch={batch} onOpen={given.onOpen} />
          )}
        </Boundary>
      ) : (
        <Dropped feedKey={feedKey} id={id} />
      )}
    </li>
  );
}

/** The line above the batches of a day. The first line has the size of the tiles, also where there are no days. */
function Day({ day, first }: { day: string; first: boolean }) {
  const now = useMinute();
  return (
    <div class="ip-day">
      {day && <h3 data-testid="day">{dayText(day, now)}</h3>}
      {first && <Size />}
    </div>
  );
}

/** How large the tiles are. Without a kernel the size would not be kept. */
function Size() {
  const { module } = usePart("tools");
  return module ? <module.SizeSlider /> : null;
}

/** Return the sweep for which a batch stands in a feed. What a filter finds stands for itself. */
function sweepOf(batch: BatchState | undefined, feedKey: string): string | false | null | undefined {
  return feedKey !== FOUND && batch?.sweepId;
}

type SweepProps = Pick<FeedRowProps, "sight" | "onOpen"> & { batch: BatchState };

/** The grid of a sweep; until its part is there, and without a kernel, the batch that stands for it. */
function Sweep(props: SweepProps) {
  const { module } = usePart("sweep");
  return module ? <module.SweepCard {...props} /> : <BatchCard batch={props.batch} onOpen={props.onOpen} />;
}

/** The place of a batch that rushes by: its shape, without text and buttons. */
function Passing({ batch }: { batch: BatchState }) {
  const { generations } = batch;
  return (
    <div class="ip-batch">
      <div class="ip-passing-head" />
      <ul class="ip-tiles" style={{ "--ratio": ratioOf(batch) }}>
        {generations.map(({ id }) => (
          <li key={id} class="ip-tile" />
        ))}
      </ul>
    </div>
  );
}

/** The place of a batch whose content was dropped to save memory. Only a kernel has it, so there is one to load the part. */
function Dropped(props: { feedKey: string; id: string }) {
  const { module } = usePart("tools");
  return module ? <module.DroppedBatch {...props} /> : null;
}

export function Older() {
  return (
    <div class="ip-more" role="status">
      <Icon name="spinner" /> {t.feed.older}
    </div>
  );
}

/** The place of images that could not be loaded. Only a kernel refuses them, so there is one to load the part. */
function Failed(props: { error: ErrorState; onRetry(): void }) {
  const { module } = usePart("tools");
  return module ? <module.FeedFailed {...props} /> : null;
}

/** Return the rows: before the first batch of a day, the day. A batch that was dropped keeps the day it had. */
function withDays(
  ids: readonly string[],
  batches: Record<string, BatchState>,
  known: Map<string, string>,
): string[] {
  const keys: string[] = [];
  let last = "";
  for (const id of ids) {
    const batch = batches[id];
    const day = batch ? dayOf(batch.createdAt) : (known.get(id) ?? last);
    known.set(id, day);
    if (day !== last) keys.push(DAY + day);
    last = day;
    keys.push(id);
  }
  return keys;
}

const DAY_HEIGHT = 34;
const ROW_GAP = 22;
/** The height of a batch's head, whose prompt has one line or two, in pixels. */
const HEADS = [50, 70] as const;
/** The room that a prompt does not have beside the buttons, and the width of a letter, in pixels. */
const BUTTONS = 190;
const LETTER = 7.2;

/**
 * Return how a batch stands in the visible part of the feed. `sharing` is the number of batches that share this part, if
 * the batch is among them.
 */
function arrangement(
  batch: BatchState | undefined,
  { width, height }: Sight,
  size: number,
  sharing = 0,
): Placed {
  const letters = batch?.prompt.replace(/[^\0-\u2000]/g, "xx").length ?? 0;
  const head = HEADS[letters * LETTER > width - BUTTONS ? 1 : 0];
  const share = (height - DAY_HEIGHT + ROW_GAP) / Math.max(sharing, 1) - ROW_GAP;
  const room = { width, height: share };
  return placed(batch?.generations.length ?? 1, batch ? ratioOf(batch) : 1, room, head, size, sharing > 0);
}

/**
 * Handle the keys of the feed: Ctrl+A selects all, Escape unselects, Delete deletes the selection or the image,
 * arrows move.
 */
export function onFeedKey(event: KeyboardEvent, store: Store): void {
  const { target, key } = event;
  if (!(target instanceof HTMLElement) || target.closest("dialog, [role=menu], input, textarea, select"))
    return;
  const state = store.getState();
  const some = state.selected.size > 0;
  const own = target.matches("[data-select]") ? target.closest<HTMLElement>("[data-generation-id]") : null;
  if (key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) state.selectAll();
  else if (key === "Escape" && some) state.clearSelection();
  else if (key === "Delete" && state.usable && (some || own)) {
    const ids = some ? [...state.selected] : [own?.dataset.generationId ?? ""];
    leaveTiles(ids);
    void state.deleteGenerations(ids);
  } else if (key.startsWith("Arrow") && own) {
    const to = neighbour(target, key);
    if (!to) return;
    focusOn(to);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Return the image beside another one, on the page. */
function neighbour(from: HTMLElement, key: string): HTMLElement | undefined {
  const feed = from.closest("[data-testid=feed]");
  const all = [...(feed?.querySelectorAll<HTMLElement>("[data-select][tabindex]") ?? [])];
  const here = from.getBoundingClientRect();
  const side = key === "ArrowLeft" || key === "ArrowRight";
  if (side) return all[all.indexOf(from) + (key === "ArrowRight" ? 1 : -1)];
  const down = key === "ArrowDown" ? 1 : -1;
  let best: HTMLElement | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const other of all) {
    const there = other.getBoundingClientRect();
    const fall = (there.top - here.top) * down;
    if (fall < 8) continue;
    const distance = fall * 3 + Math.abs(there.left - here.left);
    if (distance < bestDistance) {
      best = other;
      bestDistance = distance;
    }
  }
  return best;
}
