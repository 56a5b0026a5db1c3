import { createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Send } from "../lib/answer";
import type { BlobUrls } from "../lib/blob-urls";
import { onSecond } from "../lib/clock";
import type { Wanted } from "../lib/wanted";
import type { Media } from "../media";
import type { Parts } from "../parts";
import type { State, Store } from "../store";

/** What all views of one model share. */
export interface Page {
  store: Store;
  /** The way to the kernel, for actions whose code is in a part. */
  send: Send;
  media: Media;
  /** The parts that load when they are needed. */
  parts: Parts;
  /** Settles when the words of the host's language are loaded, or cannot be loaded. */
  learnt: Promise<void>;
  /** Set the height of the studio. While the user drags, the height is not yet `kept`. */
  setHeight(height: number | null, kept: boolean): void;
  /** The height of this view alone, where the one that code or the user has set is for other views. */
  height?: "fill";
  /** Show the studio in a tab of the host too. Absent where the host has no such tabs, and in such a tab. */
  openTab?: () => void;
}

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("a view needs a page");
  return page;
}

/** Return a part of the state; the view is drawn again when it changes. `select` must give stable values. */
export function useStore<T>(select: (state: State) => T): T {
  const { store } = usePage();
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const value = select(store.getState());
  const shown = useRef({ select, value });
  shown.current = { select, value };
  useLayoutEffect(() => {
    const check = (): void => {
      if (!Object.is(shown.current.select(store.getState()), shown.current.value)) redraw(0);
    };
    // The state may have changed between the drawing and now.
    check();
    return store.subscribe(check);
  }, [store]);
  return value;
}

/** The actions of the store, without the state that changes. */
export type Actions = {
  [Name in keyof State as State[Name] extends (...given: never[]) => unknown ? Name : never]: State[Name];
};

/** Return the actions of the store; they never change, so that effects may hang on them. */
export function useActions(): Actions {
  return usePage().store.getInitialState();
}

/** Return the current time, each second while `running`. */
export function useNow(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return undefined;
    setNow(Date.now());
    return onSecond(() => setNow(Date.now()));
  }, [running]);
  return now;
}

/** Return the time to within a minute. */
export function useMinute(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Return whether an element is on or near the screen, or the part of a scrolling element that is seen. */
export function useOnScreen(element: { current: Element | null }, within?: string): boolean {
  const [onScreen, setOnScreen] = useState(false);
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new IntersectionObserver(
      (entries) => setOnScreen(entries.some((entry) => entry.isIntersecting)),
      { root: within ? element.current.closest(within) : null, rootMargin: "300px" },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return onScreen;
}

/** Return the Blob URL of a key; while it is on screen and missing, it is asked for. */
export function useBlobUrl(
  urls: BlobUrls,
  key: string | null,
  onScreen: boolean,
  wanted?: Wanted,
): string | undefined {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const url = key ? urls.get(key) : undefined;
  useEffect(() => {
    if (!key || !onScreen) return undefined;
    // The picture may have come after the drawing and before this line.
    if (urls.get(key) !== url) redraw(0);
    return urls.watch(key, () => redraw(0));
  }, [urls, key, onScreen]);
  const missing = key !== null && onScreen && url === undefined;
  useEffect(() => (missing && key && wanted ? wanted.want(key) : undefined), [missing, key, wanted]);
  return url;
}
