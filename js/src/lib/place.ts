// The place of a popover: below or above its anchor, and always wholly in the window.

const GAP = 4;
const MARGIN = 8;

/** The part of a `DOMRect` that matters here. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Return the place of a popup beside an anchor, and the most height it may take. Pure. */
export function placed(
  anchor: Box,
  popup: { width: number; height: number },
  room: { width: number; height: number },
  align: "start" | "end",
): { left: number; top: number; maxHeight: number } {
  const below = room.height - (anchor.top + anchor.height) - GAP - MARGIN;
  const above = anchor.top - GAP - MARGIN;
  const down = popup.height <= below || below >= above;
  const maxHeight = Math.max(down ? below : above, 80);
  const height = Math.min(popup.height, maxHeight);
  const wanted = align === "start" ? anchor.left : anchor.left + anchor.width - popup.width;
  const last = Math.max(room.width - popup.width - MARGIN, MARGIN);
  return {
    left: Math.min(Math.max(wanted, MARGIN), last),
    top: down ? anchor.top + anchor.height + GAP : Math.max(anchor.top - GAP - height, MARGIN),
    maxHeight,
  };
}

/** Put an element that is in the top layer beside its anchor. */
export function place(popup: HTMLElement, anchor: Element, align: "start" | "end" = "start"): void {
  popup.style.maxHeight = "";
  const { left, top, maxHeight } = placed(
    anchor.getBoundingClientRect(),
    { width: popup.offsetWidth, height: popup.offsetHeight },
    { width: innerWidth, height: innerHeight },
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
  const { innerWidth: width, innerHeight: height } = window;
  const resized = (): void => {
    if (innerWidth !== width || innerHeight !== height) leave();
  };
  addEventListener("resize", resized, options);
  return () => ended.abort();
}
