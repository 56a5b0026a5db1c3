// The selected images, by generation, and their ZIP.
import { batchesIn, shownFeed } from "./batches";
import type { Slice, State } from "./state";

/** How a click changes the selection. */
export type Reach = "one" | "range";

/** A ZIP that is on its way. */
export interface Packing {
  /** From 0 to 1. */
  share: number;
  cancel(): void;
}

export interface SelectionSlice {
  selected: ReadonlySet<string>;
  /** Where a range begins. */
  anchor: string | null;
  packing: Packing | null;

  /** Select or unselect an image. A range selects all images between the last one and this one. */
  select(id: string, reach: Reach): void;
  /** Select all loaded images of the feed. */
  selectAll(): void;
  /** Unselect these images. */
  unselect(ids: readonly string[]): void;
  clearSelection(): void;
  showPacking(packing: Packing | null): void;
}

const NOTHING: ReadonlySet<string> = new Set();

export const createSelectionSlice: Slice<SelectionSlice> = (set, get) => ({
  selected: NOTHING,
  anchor: null,
  packing: null,

  select: (id, reach) => {
    const { selected, anchor } = get();
    const all = reach === "range" && anchor !== null ? inOrder(get()) : [];
    const [from, to] = [all.indexOf(anchor ?? ""), all.indexOf(id)].sort((a, b) => a - b) as [number, number];
    if (from >= 0 && to >= 0) {
      set({ selected: new Set([...selected, ...all.slice(from, to + 1)]) });
      return;
    }
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    set({ selected: next, anchor: id });
  },
  selectAll: () => set({ selected: new Set(inOrder(get())) }),
  unselect: (ids) => {
    const { selected } = get();
    const next = new Set([...selected].filter((id) => !ids.includes(id)));
    if (next.size < selected.size) set({ selected: next });
  },
  clearSelection: () => {
    if (get().selected.size > 0) set({ selected: NOTHING });
    set({ anchor: null });
  },
  showPacking: (packing) => set({ packing }),
});

/** Return the images of the feed that is shown, as they stand on the page. */
function inOrder(state: State): string[] {
  const key = shownFeed(state);
  const batches = key === null ? [] : batchesIn(state, key);
  return batches.flatMap(({ generations }) => generations.map(({ id }) => id));
}
