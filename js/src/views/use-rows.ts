// A long list in a scrolling element: only the rows near the screen are drawn, and the row that the user reads
// stays.
import { useCallback, useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { Pace, SETTLE } from "../lib/pace";
import { type Anchor, Rows } from "../lib/rows";

/** How far beyond the screen rows are drawn, in pixels. */
const NEAR = 500;
/** If the list is nearer to the top than this, new rows on top are shown instead of kept out of sight. */
const TOP = 24;

export interface Row {
  key: string;
  index: number;
  top: number;
  /** The row came while the list rushes by: only its place need be drawn. */
  passing: boolean;
}

/** The room of the list, in pixels. */
export interface Sight {
  width: number;
  height: number;
}

export interface RowsOnScreen {
  scroller: { current: HTMLDivElement | null };
  rows: Row[];
  sight: Sight;
  total: number;
  /** Pixels from the lower edge of the screen to the end of the list. */
  rest: number;
  /** Watch the height of a row until the returned function is called. */
  measure(element: HTMLElement, key: string): () => void;
  /** Return whether the user has scrolled to a place where a row is in sight. */
  isRead(key: string): boolean;
  toTop(): void;
  /** Scroll to a row. Return false if no row has this key. */
  toRow(key: string): boolean;
}

/**
 * Return the rows near the screen. `estimate` returns the height of a row in a room; the function must stay the same
 * between drawings. The height of the room is measured anew when `moment` or what is around the list changes, and not
 * when what stands above the list grows, as a prompt does while it is typed: rows must not change their size then.
 * `heir` returns the row that holds now what a row of this key held, or the element with this key in `data-row`.
 *
 * This is one long function because drawing, scrolling and measuring all read and write the same refs.
 */
export function useRows(
  keys: readonly string[],
  estimate: (key: string, sight: Sight) => number,
  moment = "",
  heir?: (key: string) => string | undefined,
): RowsOnScreen {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef(new Rows());
  const anchor = useRef<Anchor | null>(null);
  const sight = useRef<Sight>({ width: 0, height: 0 });
  const around = useRef<number | undefined>(undefined);
  const mounted = useRef(new Map<Element, string>());
  const shown = useRef<{ keys?: readonly string[]; estimate?: typeof estimate; from: number; to: number }>({
    from: 0,
    to: -1,
  });
  const focused = useRef<string | null>(null);
  const scrolled = useRef(0);
  const pace = useRef(new Pace());
  const whole = useRef(new Set<string>());
  const [, redraw] = useReducer((count: number) => count + 1, 0);

  if (shown.current.keys !== keys || shown.current.estimate !== estimate) {
    list.current.show(keys, (key) => estimate(key, sight.current));
    if (shown.current.estimate !== estimate) list.current.keep(new Set(mounted.current.values()));
    shown.current.keys = keys;
    shown.current.estimate = estimate;
  }
  const rowOf = (key: string): string => heir?.(key) ?? key;
  if (anchor.current) anchor.current.key = rowOf(anchor.current.key);
  const height = scroller.current?.clientHeight ?? 0;
  const kept = anchor.current && list.current.offsetOf(anchor.current);
  const offset = kept ?? scroller.current?.scrollTop ?? 0;
  const [from, to] = range(list.current, keys.length, offset, height);
  Object.assign(shown.current, { from, to });

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || kept === null) return;
    // Only if rows above changed: reading the scroll position makes the browser lay out the whole page.
    if (Math.abs(scrolled.current - kept) < 1) return;
    element.scrollTop = kept;
    scrolled.current = element.scrollTop;
  });

  const observer = useRef<ResizeObserver | null>(null);
  observer.current ??= new ResizeObserver((entries) => {
    const heights: [string, number][] = [];
    for (const { target, contentRect } of entries) {
      const key = mounted.current.get(target);
      if (key !== undefined) heights.push([key, contentRect.height]);
      else if (target === scroller.current) {
        const { width } = contentRect;
        const outer = target.parentElement?.offsetHeight;
        if (width === sight.current.width && outer === around.current) continue;
        around.current = outer;
        sight.current = { width, height: contentRect.height };
        list.current.keep(new Set(mounted.current.values()));
        redraw(0);
      }
    }
    if (list.current.measure(heights)) redraw(0);
  });

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    let settled: ReturnType<typeof setTimeout> | undefined;
    const onScroll = (event: Event): void => {
      const { scrollTop, clientHeight } = element;
      if (pace.current.rushes(scrollTop, event.timeStamp)) {
        clearTimeout(settled);
        settled = setTimeout(() => {
          pace.current.rest();
          redraw(0);
        }, SETTLE);
      }
      scrolled.current = scrollTop;
      anchor.current = scrollTop <= TOP ? null : list.current.anchorAt(scrollTop);
      const [first, last] = range(list.current, shown.current.keys?.length ?? 0, scrollTop, clientHeight);
      // Rows that leave the screen may wait a little; rows that come may not.
      if (first !== shown.current.from || last !== shown.current.to) redraw(0);
    };
    const onFocus = (event: FocusEvent): void => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-row]") : null;
      focused.current = event.type === "focusin" ? (row?.dataset.row ?? null) : null;
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    element.addEventListener("focusin", onFocus);
    element.addEventListener("focusout", onFocus);
    return () => {
      clearTimeout(settled);
      element.removeEventListener("scroll", onScroll);
      element.removeEventListener("focusin", onFocus);
      element.removeEventListener("focusout", onFocus);
    };
  }, []);
  useEffect(() => () => observer.current?.disconnect(), []);
  useLayoutEffect(() => {
    const element = scroller.current as HTMLElement;
    around.current = undefined;
    observer.current?.unobserve(element);
    observer.current?.observe(element);
  }, [moment]);

  const measure = useCallback((element: HTMLElement, key: string) => {
    mounted.current.set(element, key);
    observer.current?.observe(element);
    return () => {
      mounted.current.delete(element);
      observer.current?.unobserve(element);
    };
  }, []);
  const { toTop, toRow } = useJumps(scroller, list, anchor);
  const isRead = (key: string): boolean =>
    anchor.current !== null && list.current.meets(key, offset, offset + height);

  const rows: Row[] = [];
  const before = whole.current;
  whole.current = new Set();
  const add = (index: number): void => {
    const key = keys[index];
    if (key === undefined) return;
    const passing = pace.current.rushing && !before.has(key);
    if (!passing) whole.current.add(key);
    rows.push({ key, index, top: list.current.topOf(index), passing });
  };
  // The row that has the focus stays drawn: otherwise the notebook would get the focus.
  const held = focused.current === null ? -1 : list.current.indexOf(rowOf(focused.current));
  if (held >= 0 && held < from) add(held);
  for (let index = from; index <= to; index++) add(index);
  if (held > to) add(held);
  return {
    scroller,
    rows,
    sight: sight.current,
    total: list.current.total,
    rest: list.current.total - offset - height,
    measure,
    isRead,
    toTop,
    toRow,
  };
}

interface Ref<T> {
  current: T;
}

/** Return what scrolls to the top, and to a row. */
function useJumps(
  scroller: Ref<HTMLDivElement | null>,
  list: Ref<Rows>,
  anchor: Ref<Anchor | null>,
): Pick<RowsOnScreen, "toTop" | "toRow"> {
  const toTop = useCallback(() => {
    anchor.current = null;
    scroller.current?.scrollTo({ top: 0 });
  }, []);

  const toRow = useCallback((key: string): boolean => {
    const element = scroller.current;
    const index = list.current.indexOf(key);
    if (!element || index < 0) return false;
    const { clientHeight, scrollTop } = element;
    const top = list.current.topOf(index);
    const out = top < scrollTop || top > scrollTop + clientHeight / 2;
    if (out) element.scrollTop = Math.max(top - clientHeight / 4, 0);
    return true;
  }, []);
  return { toTop, toRow };
}

function range(rows: Rows, count: number, offset: number, height: number): [number, number] {
  if (count === 0) return [0, -1];
  return [rows.at(Math.max(offset - NEAR, 0)), rows.at(offset + height + NEAR)];
}
