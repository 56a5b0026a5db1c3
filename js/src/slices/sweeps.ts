// The sweeps whose cards are drawn. They are in a part, and join the store with the first card. Their images stand in the
// batches of the store, which every action changes.
import type { StoreApi } from "zustand/vanilla";
import { errorState } from "../lib/answer";
import type { Place } from "../lib/neighbours";
import { firstPlacement, imagesOf, type Placement } from "../lib/sweep-grid";
import type { BatchState, ErrorState, SweepState } from "../protocol.gen";
import { isRunning } from "./batches";
import { isFiltering } from "./filter";
import type { State } from "./state";

/** A sweep as far as the page knows it. */
export interface Sweep {
  /** Null until the kernel has told it. */
  state: SweepState | null;
  placement: Placement;
  /** The batches of its cells were asked for: a cell whose batch is not known has none. */
  complete: boolean;
  /** Why it did not come. The page asks again when the user does. */
  failed: ErrorState | null;
}

type Open = (place: Place) => void;

export interface Sweeps {
  known: Readonly<Record<string, Sweep>>;
  /** The batches in the cells of the cards that are drawn: the feed never drops them. */
  batchIds: ReadonlySet<string>;
  /** The sweep that is shown over all of the studio. */
  large: string | null;
  /** Show an image of the sweep that is shown over all of the studio. */
  open: Open;
  /** The image of a sweep that was shown large last. */
  left: Place | null;

  /** Keep a sweep in step with the kernel until the returned function is called. */
  show(id: string): () => void;
  /** Show a sweep over all of the studio, where `open` shows an image large; null ends that. */
  enlarge(id: string | null, open?: Open): void;
  /** Let the user go on at an image of a sweep that was shown large. */
  leave(place: Place): void;
  /** Let the axes of a sweep stand otherwise, for as long as the page is open. */
  place(id: string, placement: Placement): void;
  /** Ask again for a sweep that did not come. */
  retry(id: string): void;
  /** Take in a sweep as it is now. */
  receive(sweep: SweepState): void;
  /** Ask the kernel for batches that the page does not know. */
  fetch(batchIds: readonly string[]): Promise<void>;
  /**
   * Return the images of the sweep for which a batch stands in the feed, in the order of the grid. Without a batch:
   * those of the sweep that is shown over all of the studio. Undefined where there is no such sweep: what a filter
   * finds stands for itself.
   */
  images(batch?: BatchState): string[] | undefined;
  /** Ask again for everything that is shown: messages may have been lost. */
  catchUp(): void;
}

/** The most batches that one call asks for. */
const MAX_NAMED = 100;
/** How long changes of a sweep are gathered before it is read again, in milliseconds. */
const GATHER = 150;
const UNKNOWN: Sweep = {
  state: null,
  placement: { rows: null, columns: null },
  complete: false,
  failed: null,
};

/** Return the sweeps of a store, which join it with the first call. */
export function sweepsIn(store: StoreApi<State>): Sweeps {
  const { sweeps } = store.getState();
  return sweeps ?? joined(store);
}

function joined(store: StoreApi<State>): Sweeps {
  const { getState, setState } = store;
  const shown = new Map<string, number>();
  const waiting = new Map<string, ReturnType<typeof setTimeout>>();
  const own = (): Sweeps => getState().sweeps as Sweeps;

  const change = (id: string, patch: Partial<Sweep>): void => {
    const { known } = own();
    setState({ sweeps: { ...own(), known: { ...known, [id]: { ...(known[id] ?? UNKNOWN), ...patch } } } });
  };
  const keep = (): void => {
    const cells = [...shown.keys()].flatMap((id) => own().known[id]?.state?.cells ?? []);
    setState({ sweeps: { ...own(), batchIds: new Set(cells.filter((id) => id !== null)) } });
  };
  const receive = (sweep: SweepState): void => {
    const { id, axes } = sweep;
    const { state: before, placement } = own().known[id] ?? UNKNOWN;
    // The batch of a cell was deleted. It keeps its place, because Undo brings it back.
    const cells = sweep.cells.map((cell, at) => cell ?? before?.cells[at] ?? null);
    change(id, {
      state: { ...sweep, cells },
      placement: before?.axes.length === axes.length ? placement : firstPlacement(axes),
      failed: null,
    });
    if (shown.has(id)) keep();
  };
  const fetch = createFetch(store);

  /** Ask for a sweep and its batches: all of them, or only those that are missing or may have changed unheard. */
  const read = async (id: string, all: boolean): Promise<void> => {
    waiting.delete(id);
    try {
      const { result } = await getState().send({ method: "read_sweep", sweepId: id });
      if (result.type !== "sweep") return;
      receive(result.sweep);
      const { batches } = getState();
      const wanted = result.sweep.cells.filter((cell) => cell !== null);
      await fetch(all ? wanted : wanted.filter((each) => isUncertain(batches[each])));
      change(id, { complete: true });
    } catch (cause) {
      change(id, { failed: errorState(cause) });
    }
  };
  const later = (id: string): void => {
    if (!waiting.has(id))
      waiting.set(
        id,
        setTimeout(() => void read(id, false), GATHER),
      );
  };

  const sweeps: Sweeps = {
    known: {},
    batchIds: new Set(),
    large: null,
    open: () => undefined,
    left: null,
    show: (id) => {
      const count = shown.get(id) ?? 0;
      shown.set(id, count + 1);
      if (count === 0) {
        keep();
        if (getState().live) void read(id, false);
      }
      return () => {
        const left = (shown.get(id) ?? 1) - 1;
        if (left > 0) shown.set(id, left);
        else {
          shown.delete(id);
          keep();
        }
      };
    },
    enlarge: (large, open = own().open) => setState({ sweeps: { ...own(), large, open } }),
    leave: (left) => setState({ sweeps: { ...own(), left } }),
    place: (id, placement) => change(id, { placement }),
    retry: (id) => {
      change(id, { failed: null });
      void read(id, false);
    },
    receive: (sweep) => {
      receive(sweep);
      if (shown.has(sweep.id)) later(sweep.id);
    },
    fetch,
    images: (batch) => {
      const { large, known } = own();
      const id = batch ? !isFiltering(getState()) && batch.sweepId : large;
      const { state, placement } = known[id || ""] ?? UNKNOWN;
      return state ? imagesOf(state, placement, getState().batches).map((image) => image.id) : undefined;
    },
    catchUp: () => {
      for (const id of shown.keys()) void read(id, true);
    },
  };
  setState({ sweeps });
  store.subscribe((now, before) => {
    if (now.batches === before.batches) return;
    for (const id of unheard(now, before)) if (shown.has(id)) later(id);
    keepStanding(now, before);
  });
  return sweeps;
}

/** Return what asks for batches by their ids. */
function createFetch({ getState, setState }: StoreApi<State>): Sweeps["fetch"] {
  return async (batchIds) => {
    for (let from = 0; from < batchIds.length; from += MAX_NAMED) {
      const some = batchIds.slice(from, from + MAX_NAMED);
      const { result } = await getState().send({ method: "named_batches", batchIds: some });
      if (result.type !== "batches") return;
      const found = Object.fromEntries(result.batches.map((batch) => [batch.id, batch]));
      setState(({ batches }) => ({ batches: { ...batches, ...found } }));
      // The others are gone, and the page may not have heard of it.
      for (const id of some) if (!found[id] && getState().batches[id]) getState().removeBatch(id);
    }
  };
}

/** Return whether the page does not know a batch as it is now: it is missing, or ran when it was last heard of. */
function isUncertain(batch: BatchState | undefined): boolean {
  return !batch || batch.generations.some(isRunning);
}

/** Return the sweeps of batches that came, as far as they do not stand in the cells yet. */
function unheard(now: State, before: State): Set<string> {
  const found = new Set<string>();
  for (const [id, { sweepId }] of Object.entries(now.batches)) {
    if (before.batches[id] || !sweepId) continue;
    const state = now.sweeps?.known[sweepId]?.state;
    if (state && !state.cells.includes(id)) found.add(sweepId);
  }
  return found;
}

/** When the batch that stands for a sweep leaves a feed, let the next one stand for it. */
function keepStanding(now: State, before: State): void {
  for (const [topicId, { ids }] of Object.entries(before.feeds)) {
    const feed = now.feeds[topicId];
    if (!feed || feed.ids === ids) continue;
    for (const id of ids) {
      const batch = before.batches[id];
      const gone = batch?.topicId === topicId && now.batches[id]?.topicId !== topicId;
      if (!batch?.sweepId || !gone || feed.ids.includes(id)) continue;
      const next = Object.values(now.batches)
        .filter((other) => other.sweepId === batch.sweepId && other.topicId === topicId)
        .reduce<BatchState | undefined>(
          (best, other) => (best && best.id > other.id ? best : other),
          undefined,
        );
      if (next) now.changeBatch(next);
    }
  }
}
