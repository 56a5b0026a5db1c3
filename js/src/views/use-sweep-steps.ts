// What of a grid is in sight, and the way through its images by keys.
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { type Board, heirOn, stepOn } from "../lib/sweep-board";
import type { Frame, Space } from "../lib/sweep-room";
import { usePage, useStore } from "./context";

/** What is in sight is told in steps of so many pixels: most scrolling draws nothing anew. */
const STEP = 60;

/** Return the place in steps: above nothing only if there is nothing. */
function stepped(pixels: number): number {
  return pixels > 0 ? Math.floor(pixels / STEP) * STEP + 1 : 0;
}

/** Follow what of a scrolling element is in sight. */
export function useFrame({ width, height }: Space) {
  const scroller = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ left: 0, top: 0 });
  const onScroll = useCallback(() => {
    const { scrollLeft = 0, scrollTop = 0 } = scroller.current ?? {};
    const [left, top] = [stepped(scrollLeft), stepped(scrollTop)];
    setAt((old) => (old.left === left && old.top === top ? old : { left, top }));
  }, []);
  const frame: Frame = { ...at, width: width + STEP, height: height + STEP };
  return { scroller, frame, onScroll };
}

/** Let arrows move between the images of the grid of a sweep. Tab stops at one image alone. */
export function useSteps(board: Board, scroller: { readonly current: HTMLElement | null }, sweepId: string) {
  // The image that was just shown large has the focus then.
  const left = useStore(({ sweeps }) => sweeps?.left ?? null);
  const { store } = usePage();
  const [active, setActive] = useState<string | null>(null);
  const going = useRef<string | null>(null);
  const returned = useRef(left);
  const all = board.flat();
  const tabbed = (all.includes(active) ? active : all.find((id) => id !== null)) ?? undefined;
  const go = (id: string): void => {
    going.current = id;
    setActive(id);
  };
  useLayoutEffect(() => {
    if (left === returned.current) return;
    returned.current = left;
    if (left?.sweepId === sweepId && all.includes(left.generationId)) go(left.generationId);
  });
  useLayoutEffect(() => {
    const { current: id } = going;
    if (id === null || id !== tabbed) return;
    going.current = null;
    const tile = scroller.current?.querySelector<HTMLElement>(
      `[data-generation-id="${CSS.escape(id)}"] [data-select]`,
    );
    // After the feed, which takes the focus back from the large view.
    queueMicrotask(() => focusOn(tile));
  });
  const onFocusIn = ({ target }: FocusEvent): void => {
    const id = idOf(target);
    if (id !== undefined && all.includes(id)) setActive(id);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const { target, key, ctrlKey, metaKey, altKey } = event;
    if (!(target instanceof HTMLElement) || !target.matches("[data-select]") || altKey) return;
    const id = idOf(target) ?? "";
    const { selected, usable, deleteGenerations } = store.getState();
    if (key === "Delete" && usable && selected.size === 0) {
      const heir = heirOn(board, id);
      if (heir !== undefined) go(heir);
      void deleteGenerations([id]);
    } else {
      const to = stepOn(board, id, key, ctrlKey || metaKey);
      if (to === undefined && !key.startsWith("Arrow")) return;
      if (to !== undefined) go(to);
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return { tabbed, onFocusIn, onKeyDown };
}

/** Return the id of the image in which something is. */
function idOf(target: EventTarget | null): string | undefined {
  if (!(target instanceof Element)) return undefined;
  return target.closest<HTMLElement>("[data-generation-id]")?.dataset.generationId;
}
