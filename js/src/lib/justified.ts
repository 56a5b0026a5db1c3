// How the images of the gallery stand: in lines of one height that end where the gallery does. Pure.

/** The room between two images, in pixels. */
export const GAP = 6;
/**
 * The height of a line in pixels, by the size that the user chose. The first one stands for the automatic size; beyond
 * the last one, each image has a line of its own.
 */
const HEIGHTS = [0, 110, 160, 230, 340];
/** The automatic height: a share of the width, within limits in pixels. */
const SHARE = 0.3;
const LEAST = 190;
const MOST = 300;
/** Beyond these shapes an image is cut: a banner would leave no room for its buttons, or for other images. */
const NARROWEST = 0.6;
const WIDEST = 3.5;
/** The last line is filled if it grows by no more than this. */
const GROWS = 1.3;

export interface Spot {
  left: number;
  width: number;
}

export interface Line {
  /** The index of its first image. */
  from: number;
  height: number;
  spots: Spot[];
}

/** The room for the images in pixels: the height is that of the visible part. */
export interface Room {
  width: number;
  height: number;
}

/** Return the lines of images with these shapes, width divided by height. Further images change the last line alone. */
export function justified(ratios: readonly number[], { width, height }: Room, size: number): Line[] {
  const lines: Line[] = [];
  if (width <= 0) return lines;
  const shapes = ratios.map((ratio) => Math.min(Math.max(ratio, NARROWEST), WIDEST));
  const alone = size >= HEIGHTS.length;
  const wanted = (alone ? height : HEIGHTS[size]) || Math.min(Math.max(width * SHARE, LEAST), MOST);
  const full = (from: number, to: number): number =>
    (width - GAP * (to - from - 1)) / shapes.slice(from, to).reduce((sum, ratio) => sum + ratio, 0);
  const add = (from: number, to: number, high: number): void => {
    let left = 0;
    const spots = shapes.slice(from, to).map((ratio) => {
      const spot = { left, width: ratio * high };
      left += spot.width + GAP;
      return spot;
    });
    lines.push({ from, height: high, spots });
  };
  let from = 0;
  for (let to = 1; to <= shapes.length; to++) {
    const high = full(from, to);
    if (alone) add(from, to, Math.min(high, wanted));
    else if (high > wanted) continue;
    else {
      // With this image the line is too low, and without it too high: the lesser change wins.
      const before = to - from > 1 ? full(from, to - 1) : Number.POSITIVE_INFINITY;
      const end = before / wanted < wanted / high ? to - 1 : to;
      add(from, end, end < to ? before : high);
      to = end;
    }
    from = to;
  }
  if (from < shapes.length) {
    const high = full(from, shapes.length);
    add(from, shapes.length, high <= wanted * GROWS ? high : wanted);
  }
  return lines;
}
