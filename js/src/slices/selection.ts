// The selected images, by generation, and their ZIP. Code reads and sets the selection too.
import { batchesIn, shownFeed } from "./batches";
import type { Slice, State } from "./state";

/** How long the selection must rest before the kernel learns it, in milliseconds. */
export const SELECT_DELAY = 100;

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
  /** Take in a selection from the kernel, unless the kernel does not have a newer one of the user yet. */
  receiveSelection(ids: readonly string[]): void;
  showPacking(packing: Packing | null): void;
}

const NOTHING: ReadonlySet<string> = new Set();

export const createSelectionSlice: Slice<SelectionSlice> = (set, get, send) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sending = 0;

  const tell = (): void => {
    timer = undefined;
    sending += 1;
    send({ method: "select", generationIds: [...get().selected] })
      // Without a kernel, the selection is of this page alone.
      .catch(() => undefined)
      .finally(() => {
        sending -= 1;
      });
  };
  const change = (selected: ReadonlySet<string>): void => {
    set({ selected });
    if (get().live) timer ??= setTimeout(tell, SELECT_DELAY);
  };

  return {
    selected: NOTHING,
    anchor: null,
    packing: null,

    select: (id, reach) => {
      const { selected, anchor } = get();
      const all = reach === "range" && anchor !== null ? inOrder(get()) : [];
      const [from, to] = [all.indexOf(anchor ?? ""), all.indexOf(id)].sort((a, b) => a - b) as [
        number,
        number,
      ];
      if (from >= 0 && to >= 0) {
        change(new Set([...selected, ...all.slice(from, to + 1)]));
        return;
      }
      const next = new Set(selected);
      if (!next.delete(id)) next.add(id);
      change(next);
      set({ anchor: id });
    },
    selectAll: () => change(new Set(inOrder(get()))),
    unselect: (ids) => {
      const { selected } = get();
      const next = new Set([...selected].filter((id) => !ids.includes(id)));
      if (next.size < selected.size) change(next);
    },
    clearSelection: () => {
      if (get().selected.size > 0) change(NOTHING);
      set({ anchor: null });
    },
    receiveSelection: (ids) => {
      if (timer === undefined && sending === 0) set({ selected: new Set(ids) });
    },
    showPacking: (packing) => set({ packing }),
  };
};

/** Return the images of the feed that is shown, as they stand on the page. */
function inOrder(state: State): string[] {
  const { gallery, sweeps } = state;
  const own = sweeps?.images() ?? gallery?.known();
  if (own) return own;
  const key = shownFeed(state);
  const batches = key === null ? [] : batchesIn(state, key);
  return batches.flatMap((batch) => sweeps?.images(batch) ?? batch.generations.map(({ id }) => id));
}
