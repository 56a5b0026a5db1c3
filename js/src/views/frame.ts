// The size of the frame: its fold, its height, and whether it fills the window.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { followRoom, isTall } from "../lib/room";
import type { Look } from "../lib/theme";
import { usePage, useStore } from "./context";

/** The fold of the frame: all panels side by side, the topics in a drawer, or both side panels in drawers. */
export type Fold = "wide" | "medium" | "narrow";

/**
 * Below these widths, in pixels, a side panel becomes a drawer, so that the workspace always has 480 px beside another
 * panel. The style sheet has the same widths.
 */
const MEDIUM_BELOW = 901;
const NARROW_BELOW = 760;

export function useFold(frame: { current: HTMLElement | null }): Fold {
  const [fold, setFold] = useState<Fold>("wide");
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      const width = element.offsetWidth;
      setFold(width < NARROW_BELOW ? "narrow" : width < MEDIUM_BELOW ? "medium" : "wide");
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);
  return fold;
}

/** Keep the room for what lies over the page, in a frame that is taller than the screen. Return whether it is. */
export function useRoom(root: HTMLElement, strips: { current: HTMLElement | null }): boolean {
  const [tall, setTall] = useState(isTall);
  useLayoutEffect(() => {
    if (tall && strips.current) return followRoom(root, strips.current.children);
    const check = (): void => setTall(isTall());
    addEventListener("resize", check);
    return () => removeEventListener("resize", check);
  }, [root, strips, tall]);
  return tall;
}

/** Return the height of the view; null is the automatic one. */
export function useHeight(root: HTMLElement): Look["height"] {
  const { height: own } = usePage();
  const height = useStore((state) => own ?? state.look.height);
  useLayoutEffect(() => {
    root.toggleAttribute("data-fill", height === "fill");
    root.style.setProperty("--ip-height", Number(height) ? `${height}px` : "");
  }, [root, height]);
  return height;
}

/**
 * The full window. The root goes to the top layer where it stands, because a cell of a notebook clips, contains and
 * transforms what is in it; nothing moves in the document, so that focus, scroll and open dialogs stay. In a tall frame
 * nothing can cover the host's window: there the studio becomes as high as that window, in its place.
 */
export function useFullWindow(root: HTMLElement): { on: boolean; set(on: boolean): void } {
  const [on, setOn] = useState(false);
  const set = (next: boolean): void => {
    const { activeElement } = root.getRootNode() as Document | ShadowRoot;
    if (isTall()) root.toggleAttribute("data-full", next);
    else if (next) {
      root.popover = "manual";
      root.showPopover();
    } else if (root.popover) {
      root.hidePopover();
      root.removeAttribute("popover");
    }
    if (activeElement instanceof HTMLElement && root.contains(activeElement))
      activeElement.focus({ preventScroll: true });
    setOn(next);
  };
  // A host that takes the cell out of the page closes it too.
  useEffect(() => {
    const closed = (event: Event): void => {
      if (event.target !== root || (event as ToggleEvent).newState !== "closed") return;
      root.removeAttribute("popover");
      setOn(false);
    };
    root.addEventListener("toggle", closed);
    return () => root.removeEventListener("toggle", closed);
  }, [root]);
  return { on, set };
}
