// The place of a popover: below or above its anchor, and always wholly in the room for what lies over the page.
import type { Box, Size } from "./geometry";
import { isTall, roomOf } from "./room";

const GAP = 4;
const MARGIN = 8;

/** Return the place of a popup beside an anchor, and the most height it may take. Pure. */
export function placed(
  anchor: Box,
  popup: Size,
  room: Box,
  align: "start" | "end",
): { left: number; top: number; maxHeight: number } {
  const below = room.top + room.height - (anchor.top + anchor.height) - GAP - MARGIN;
  const above = anchor.top - room.top - GAP - MARGIN;
  const down = popup.height <= below || below >= above;
  const maxHeight = Math.max(down ? below : above, 80);
  const height = Math.min(popup.height, maxHeight);
  const wanted = align === "start" ? anchor.left : anchor.left + anchor.width - popup.width;
  const first = room.left + MARGIN;
  const last = Math.max(room.left + room.width - popup.width - MARGIN, first);
  return {
    left: Math.min(Math.max(wanted, first), last),
    top: down ? anchor.top + anchor.height + GAP : Math.max(anchor.top - GAP - height, room.top + MARGIN),
    maxHeight,
  };
}

/** Put an element that is in the top layer beside its anchor. */
export function place(popup: HTMLElement, anchor: Element, align: "start" | "end" = "start"): void {
  popup.style.maxHeight = "";
  const { left, top, maxHeight } = placed(
    anchor.getBoundingClientRect(),
    { width: popup.offsetWidth, height: popup.offsetHeight },
    roomOf(anchor),
    align,
  );
  Object.assign(popup.style, { left: `${left}px`, top: `${top}px`, maxHeight: `${maxHeight}px` });
}

/**
 * Call back when an open popup must move or close: a press elsewhere, scrolling outside of it, a new window size.
 */
export function onLeave(popup: HTMLElement, anchor: Element, leave: () => void): () => void {
  const ended = new AbortController();
  const options = { capture: true, passive: true, signal: ended.signal };
  const outside = (event: Event): void => {
    const path = event.composedPath();
    if (!path.includes(popup) && !path.includes(anchor)) leave();
  };
  document.addEventListener("pointerdown", outside, options);
  // Only scrolling that moves the anchor counts: a feed that scrolls elsewhere closes nothing.
  document.addEventListener(
    "scroll",
    (event) => {
      const scroller = event.target;
      if (scroller instanceof Node && scroller !== popup && scroller.contains(anchor)) leave();
    },
    options,
  );
  // Hosts announce a size that did not change, too: Voilà does at the end of its start, to have its outputs drawn.
  // A tall frame changes its height with each output of the notebook; there only a move of the anchor counts.
  const state = (): string =>
    [innerWidth, isTall() ? anchor.getBoundingClientRect().top : innerHeight].join();
  const before = state();
  const resized = (): void => {
    if (state() !== before) leave();
  };
  addEventListener("resize", resized, options);
  return () => ended.abort();
}
