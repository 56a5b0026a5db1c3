import { describe, expect, it } from "vitest";
import { arranged, GAP, ONE_A_ROW, placed, SIZES } from "../src/lib/arrange";

const CELL = { width: 792, height: 436 };
const PHONE = { width: 372, height: 416 };
const newest = (count: number, ratio: number, room = CELL) => arranged(count, ratio, room, 0, true);
const older = (count: number, ratio: number, room = CELL, size = 0) =>
  arranged(count, ratio, room, size, false);
/** Return the height of one tile. */
const high = ({ tile }: { tile: number }, ratio: number) => tile / ratio;

describe("the newest batch", () => {
  it("stands in as many columns as show its tiles largest, and is whole in sight", () => {
    expect(newest(4, 1)).toMatchObject({ columns: 2 });
    expect(newest(4, 1, { width: 792, height: 316 })).toMatchObject({ columns: 4, tile: 192 });
    expect(newest(4, 16 / 9)).toMatchObject({ columns: 2 });
    expect(newest(4, 9 / 16)).toMatchObject({ columns: 4 });
    expect(newest(2, 1)).toMatchObject({ columns: 2 });
  });
  it.each([1, 2, 3, 4, 5, 6, 8])("of %i is larger than in any other whole arrangement", (count) => {
    for (const ratio of [0.4, 9 / 16, 2 / 3, 1, 3 / 2, 16 / 9, 3]) {
      const whole = Array.from({ length: count }, (_, index) => {
        const lines = Math.ceil(count / (index + 1));
        const down = ((CELL.height - GAP * (lines - 1)) / lines) * ratio;
        return Math.min((CELL.width - GAP * index) / (index + 1), down);
      });
      const { columns, tile, height } = newest(count, ratio);
      const lines = Math.ceil(count / columns);
      expect(height).toBeCloseTo((lines * tile) / ratio + (lines - 1) * GAP);
      expect(columns * tile + (columns - 1) * GAP).toBeLessThanOrEqual(CELL.width + 0.01);
      if (Math.max(...whole) / Math.sqrt(ratio) < 160) continue;
      expect(height).toBeLessThanOrEqual(CELL.height + 0.01);
      expect(tile).toBeCloseTo(Math.max(...whole));
    }
  });
  it("uses the height for a single image", () => {
    expect(newest(1, 1).height).toBe(CELL.height);
    expect(newest(1, 3).tile).toBe(CELL.width);
  });
  it("is as the others where its tiles would be small", () => {
    expect(newest(16, 1)).toEqual(older(16, 1));
    expect(newest(4, 1, { width: 792, height: 16 })).toEqual(older(4, 1));
  });
  it("is as the others in a size that the user chose", () => {
    for (const size of [1, 2, 3, 4, 5])
      expect(arranged(4, 1, CELL, size, true)).toEqual(older(4, 1, CELL, size));
  });
});

describe("the other batches", () => {
  it("are about as high as each other, whatever their number and shape", () => {
    const height = high(older(1, 1), 1);
    for (const count of [1, 2, 3, 4, 7]) {
      for (const ratio of [0.75, 1, 4 / 3, 3 / 2, 16 / 9]) {
        const share = high(older(count, ratio), ratio) / height;
        expect(share).toBeGreaterThan(0.85);
        expect(share).toBeLessThan(1.2);
      }
    }
  });
  it("end where the feed does, in a full row", () => {
    for (const room of [CELL, PHONE]) {
      for (const ratio of [0.5, 2 / 3, 1, 3 / 2, 16 / 9, 3]) {
        const { columns, tile } = older(64, ratio, room);
        expect(columns * tile + (columns - 1) * GAP).toBeCloseTo(room.width);
      }
    }
    expect(older(10, 1)).toMatchObject({ columns: 4, tile: 192, height: 3 * 192 + 2 * GAP });
    expect(older(4, 1, PHONE)).toMatchObject({ columns: 2, tile: 182 });
    // A few are as large as they would be in a full row.
    expect(older(1, 1)).toMatchObject({ columns: 1, tile: 192 });
  });
  it("leave no tile alone in the last row where fewer columns need no more rows", () => {
    const narrow = { width: 570, height: 436 };
    expect(older(3, 1, narrow)).toMatchObject({ columns: 3 });
    expect(older(4, 1, narrow)).toMatchObject({ columns: 2, tile: older(3, 1, narrow).tile });
    expect(older(5, 1)).toMatchObject({ columns: 3, tile: older(4, 1).tile });
    expect(older(9, 1)).toMatchObject({ columns: 3, tile: older(4, 1).tile });
    // Two columns have no better way for three, and ten need three columns here.
    expect(older(3, 16 / 9)).toMatchObject({ columns: 2 });
  });
  it("stand two by two in a narrow feed and on a narrow screen", () => {
    for (const width of [532, 336, 316, 248]) {
      const { columns, tile } = older(4, 1, { width, height: 400 });
      expect([width, columns, tile]).toEqual([width, 2, (width - GAP) / 2]);
    }
    expect(older(4, 1, { width: 240, height: 400 })).toMatchObject({ columns: 1 });
  });

  it("are no narrow strips", () => {
    expect(older(2, 4, PHONE)).toMatchObject({ columns: 1, tile: PHONE.width });
    expect(older(4, 9 / 16).tile).toBeGreaterThan(140);
    expect(high(older(4, 1 / 4), 1 / 4)).toBeLessThan(400);
  });
  it("grow with the size, up to one a row that is whole in sight", () => {
    const tiles = [1, 2, 3, 4, ONE_A_ROW].map((size) => older(4, 1, CELL, size).tile);
    expect(tiles).toEqual([...tiles].sort((a, b) => a - b));
    expect(new Set(tiles).size).toBe(SIZES - 1);
    const one = older(4, 1, CELL, ONE_A_ROW);
    expect(one).toMatchObject({ columns: 1, tile: CELL.height });
    expect(older(4, 3, CELL, ONE_A_ROW).tile).toBe(CELL.width);
  });
  it("have a place before the width is known", () => {
    for (const size of [0, 1, ONE_A_ROW]) {
      const { columns, tile, height } = older(4, 1, { width: 0, height: 0 }, size);
      expect(columns).toBeGreaterThanOrEqual(1);
      expect(tile).toBeGreaterThanOrEqual(0);
      expect(height).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("the words of a batch", () => {
  const room = { width: 807, height: 506 };
  const HEAD = 70;

  it("stand beside the tiles of the newest batch where this makes the tiles larger", () => {
    const { beside, tile, columns, height } = placed(4, 1, room, HEAD, 0, true);
    expect(beside).toBe(true);
    expect(columns).toBe(2);
    expect(tile).toBe((room.height - GAP) / 2);
    expect(height).toBe(room.height);
    expect(tile).toBeGreaterThan(placed(4, 1, { ...room, width: 500 }, HEAD, 0, true).tile);
  });
  it("keep room for themselves", () => {
    for (const ratio of [0.4, 9 / 16, 2 / 3, 1, 3 / 2, 16 / 9, 3])
      for (const count of [1, 2, 3, 4, 6, 8]) {
        const { beside, tile, columns } = placed(count, ratio, room, HEAD, 0, true);
        if (beside) expect(room.width - columns * (tile + GAP)).toBeGreaterThan(220);
      }
  });
  it("stand above where the width ends first, in other batches and in a size that the user chose", () => {
    const above = (width: number, size: number, fills: boolean) =>
      placed(4, 1, { ...room, width }, HEAD, size, fills);
    expect(above(500, 0, true).beside).toBe(false);
    expect(above(807, 0, false)).toEqual({ ...older(4, 1, room), height: HEAD + 195.75, beside: false });
    for (const size of [1, 2, 3, 4, 5]) expect(above(807, size, true).beside).toBe(false);
  });
});
