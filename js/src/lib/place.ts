// The place of a popover: below or above its anchor, and always wholly in the room for what lies over the page. Where
// there is room for it neither below nor above, it covers its anchor.
import type { Box, Size } from "./geometry";
import { isTall, roomOf } from "./room";

const GAP = 4;
const MARGIN = 8;
/** A popover that is lower than this, in pixels, and has more to show, is of little use. */
const LEAST = 180;

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
  const beside = down ? below : above;
  const most = room.height - 2 * MARGIN;
  const maxHeight = beside < Math.min(popup.height, LEAST, most) ? most : beside;
  const height = Math.min(popup.height, maxHeight);
  const wanted = align === "start" ? anchor.left : anchor.left + anchor.width - popup.width;
  const first = room.left + MARGIN;
  const last = Math.max(room.left + room.width - popup.width - MARGIN, first);
  return {
    left: Math.min(Math.max(wanted, first), last),
    top: Math.max(
      Math.min(
        down ? anchor.top + anchor.height + GAP : anchor.top - GAP - height,
        room.top + room.height - MARGIN - height,
      ),
      room.top + MARGIN,
    ),
    maxHeight,
  };
}

/** Put an element that is in the top layer beside its anchor. */
export function place(popup: HTMLElement, anchor: Element, align: "start" | "end" = "start"): void {
  const room = roomOf(anchor);
  Object.assign(popup.style, { maxHeight: "", maxWidth: `${room.width - 2 * MARGIN}px` });
  const { left, top, maxHeight } = placed(
    anchor.getBoundingClientRect(),
    { width: popup.offsetWidth, height: popup.offsetHeight },
    room,
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
