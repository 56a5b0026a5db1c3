// The room for what lies over the page: the window, or the part of the studio that the user sees.
//
// Some hosts draw all outputs of a notebook into one frame. This frame is far taller than the screen, and the host
// moves the frame behind a smaller window, whose place the frame cannot ask for. A cover over such a frame would lie
// out of sight, and over the outputs of other cells. So the room there is the part of the studio that is in sight.
import type { Box } from "./geometry";

/** The least room in pixels, as far as the studio has it: a strip of a few pixels would be of no use. */
const LEAST = { width: 260, height: 260 };

/** Milliseconds without a change after which the room follows: a cover that follows each step would tremble. */
const REST = 120;

/** The observer tells each time that one more of these shares of a strip came into sight or left it. */
const SHARES = Array.from({ length: 65 }, (_, index) => index / 64);
/** The window is a small share of the frame, so that these shares lie closer. */
const FRAME_SHARES = Array.from({ length: 401 }, (_, index) => index / 2000);

/** Return whether the page is in a frame that is taller than the screen, so that the user sees only a part of it. */
export function isTall(): boolean {
  return parent !== window && innerHeight > screen.height;
}

interface Room {
  box(): Box;
  put(): void;
}

const rooms = new WeakMap<Element, Room>();

function ownRoom(element: Element): Room | undefined {
  const root = element.closest(".imgplay");
  return root ? rooms.get(root) : undefined;
}

/**
 * Return the room around an element of the page, in the coordinates of the frame: the part of the studio in sight, or
 * the window for what stands in a dialog, and where little of the studio is in sight.
 */
export function roomOf(element: Element): Box {
  const own = ownRoom(element)?.box();
  if (own) return own;
  const studio = !element.closest("dialog") && element.closest(".ip-frame")?.getBoundingClientRect();
  const seen = { left: 0, top: 0, width: innerWidth, height: innerHeight };
  if (!studio) return seen;
  const [left, width] = shared(studio.left, studio.width, 0, innerWidth, 0);
  const [top, height] = shared(studio.top, studio.height, 0, innerHeight, 0);
  return width < LEAST.width || height < LEAST.height ? seen : { left, top, width, height };
}

/** Bring the variables of the style sheet up to date at once, because something opens. */
export function settleRoom(element: Element): void {
  ownRoom(element)?.put();
}

/** Return the part of a studio that a window shows, and at least `LEAST` of the studio. Pure. */
export function shownPart(studio: Box, seen: Box): Box {
  const [left, width] = shared(studio.left, studio.width, seen.left, seen.width, LEAST.width);
  const [top, height] = shared(studio.top, studio.height, seen.top, seen.height, LEAST.height);
  return { left, top, width, height };
}

/** Return the start and the length of the part of a line that lies in another line. */
function shared(start: number, length: number, from: number, room: number, wanted: number): [number, number] {
  const least = Math.min(length, wanted);
  const end = start + length;
  const first = Math.max(start, Math.min(from, end - least));
  return [first, Math.min(end, Math.max(from + room, first + least)) - first];
}

/**
 * Keep the room of a studio in a tall frame, for `roomOf` and as variables of the style sheet, until the returned
 * function is called.
 *
 * Only an observer of intersections knows what of the frame is in sight, also where the host has another origin. The
 * observer tells only when the share of an element in sight changes. A studio that is taller than the window can
 * move and keep its share. So the strips, which lie over the whole height of the studio, tell that something
 * moved, and an element as large as the frame then tells the window.
 */
export function followRoom(root: HTMLElement, strips: Iterable<Element>): () => void {
  const whole = document.createElement("div");
  whole.style.cssText = "position:fixed;inset:0;visibility:hidden;pointer-events:none";
  document.body.append(whole);
  let seen: Box | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;

  const visible = (): Box => seen ?? { ...root.getBoundingClientRect().toJSON(), height: screen.availHeight };
  const box = (): Box => shownPart(root.getBoundingClientRect(), visible());
  const put = (): void => {
    const { top, bottom } = root.getBoundingClientRect();
    const room = box();
    const pixels: Record<string, number> = {
      "--ip-x": room.left,
      "--ip-y": room.top,
      "--ip-w": room.width,
      "--ip-h": room.height,
      "--ip-above": room.top - top,
      "--ip-below": bottom - room.top - room.height,
      "--ip-editor": visible().height,
    };
    for (const [name, value] of Object.entries(pixels)) root.style.setProperty(name, `${value}px`);
  };
  const putSoon = (): void => {
    clearTimeout(waiting);
    waiting = setTimeout(put, REST);
  };

  const frame = new IntersectionObserver(
    (entries) => {
      const now = entries.at(-1)?.intersectionRect;
      // Nothing of the frame is in sight while another tab of the host is.
      if (!now?.height) return;
      const first = !seen;
      seen = now;
      if (first) put();
      else putSoon();
    },
    { threshold: FRAME_SHARES },
  );
  const moved = new IntersectionObserver(
    () => {
      frame.unobserve(whole);
      frame.observe(whole);
    },
    { threshold: SHARES },
  );
  frame.observe(whole);
  for (const strip of strips) moved.observe(strip);
  // The frame grows with the notebook, and what grew may lie above the studio.
  addEventListener("resize", putSoon);
  root.dataset.tall = "true";
  rooms.set(root, { box, put });
  put();
  return () => {
    clearTimeout(waiting);
    removeEventListener("resize", putSoon);
    frame.disconnect();
    moved.disconnect();
    whole.remove();
    rooms.delete(root);
  };
}
