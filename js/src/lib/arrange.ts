// How the tiles of a batch stand in the feed: how many beside each other, and how large. Pure.

/** The room between two tiles, in pixels. */
export const GAP = 8;
/** The side of the smallest square in pixels. */
const SMALL = 120;
/** The side of a square in pixels, by the size that the user chose. The first one is the automatic size. */
const SIDES = [210, SMALL, 160, 220, 320];
/** The size at which each image has a row of its own. It is the last one. */
export const ONE_A_ROW = SIDES.length;
export const SIZES = SIDES.length + 1;
/** Below this side of a square of the same area, in pixels, tiles need not be in sight all at once. */
const LEAST = 160;
/** No tile is narrower than this share of a square, unless it would be higher than two squares. */
const NARROWEST = 0.75;

/** The room for the tiles of one batch in the visible part of the feed, in pixels. */
export interface Room {
  width: number;
  height: number;
}

export interface Arrangement {
  columns: number;
  /** The width of each tile, in pixels. */
  tile: number;
  /** The height of all tiles, in pixels. */
  height: number;
}

/** The least width of the words beside the tiles of a batch, and of the gap before them, in pixels. */
const WORDS = 236;
/** How many times as large the tiles must become for the words to go beside them. */
const WORTH = 1.06;

/**
 * Return how the tiles of a batch stand.
 *
 * The newest batch (`fills`) at the automatic size is as large as it can be while all of it is in sight. All others
 * are about as high as each other, and full rows of them end where the feed does, so that the feed is one calm grid.
 */
export function arranged(
  count: number,
  ratio: number,
  { width, height }: Room,
  size: number,
  fills: boolean,
): Arrangement {
  const share = (columns: number): number => (width - GAP * (columns - 1)) / columns;
  const stand = (columns: number, tile: number): Arrangement => {
    const lines = Math.ceil(count / columns);
    return { columns, tile, height: lines * (tile / ratio) + (lines - 1) * GAP };
  };
  if (size >= ONE_A_ROW) return stand(1, Math.min(width, Math.max(height, LEAST) * ratio));
  if (fills && size === 0) {
    let best = stand(1, 0);
    for (let lines = 1; lines <= count; lines++) {
      const columns = Math.ceil(count / lines);
      const high = (height - GAP * (lines - 1)) / lines;
      const tile = Math.min(share(columns), high * ratio);
      if (tile > best.tile) best = stand(columns, tile);
    }
    if (best.tile >= LEAST * Math.sqrt(ratio)) return best;
  }
  const fitting = (side: number): number => Math.max(Math.round((width + GAP) / (side + GAP)), 1);
  // On a narrow screen, squares stand two by two at the automatic size, and not one under the other.
  const pair = size === 0 && width >= 2 * SMALL + GAP ? 2 : 1;
  const side = Math.max(share(Math.max(fitting(SIDES[size] ?? 0), pair)), 0);
  const columns = fitting(side * Math.max(ratio, Math.min(NARROWEST, 2 * ratio)));
  const lines = Math.ceil(count / columns);
  // Of four tiles, two and two stand better than three and one.
  const even = count % columns === 1 ? Math.ceil(count / lines) : Math.min(columns, count);
  return stand(even, Math.max(share(columns), 0));
}

/** How a batch stands: its tiles, and its words above them or beside them. */
export interface Placed extends Arrangement {
  beside: boolean;
}

/**
 * Return how a batch stands, whose words are `head` pixels high above its tiles.
 *
 * The tiles of the newest batch (`fills`) often cannot use all of the width, because the height ends first. There the
 * words go beside the tiles, which become larger.
 */
export function placed(
  count: number,
  ratio: number,
  { width, height }: Room,
  head: number,
  size: number,
  fills: boolean,
): Placed {
  const below = arranged(count, ratio, { width, height: height - head }, size, fills);
  if (fills && size === 0) {
    const tiles = arranged(count, ratio, { width: width - WORDS, height }, size, fills);
    if (tiles.height <= height && tiles.tile > below.tile * WORTH) return { ...tiles, beside: true };
  }
  return { ...below, height: head + below.height, beside: false };
}
