import { describe, expect, it } from "vitest";
import { Rows } from "../src/lib/rows";

function shown(count: number, from = 0): { rows: Rows; keys: string[] } {
  const rows = new Rows();
  const keys = Array.from({ length: count }, (_, index) => `k${from + index}`);
  rows.show(keys, () => 100);
  return { rows, keys };
}

describe("rows", () => {
  it("stand by measured heights, and by estimates where nothing is measured", () => {
    const { rows } = shown(4);
    expect(rows.total).toBe(400);
    expect(rows.measure([["k1", 250]])).toBe(true);
    expect([0, 1, 2, 3].map((index) => rows.topOf(index))).toEqual([0, 100, 350, 450]);
    expect(rows.measure([["k1", 250.2]])).toBe(false);
    expect([0, 99, 100, 349, 350, 9999].map((offset) => rows.at(offset))).toEqual([0, 0, 1, 1, 2, 3]);
  });
  it("leave what is read in place when others come on top or grow above it", () => {
    const { rows, keys } = shown(10);
    const anchor = rows.anchorAt(530);
    expect(anchor).toEqual({ key: "k5", within: 30 });
    rows.show(["new", ...keys], () => 100);
    rows.measure([["k2", 180]]);
    expect(anchor && rows.offsetOf(anchor)).toBe(530 + 100 + 80);
    rows.show(keys.slice(6), () => 100);
    expect(anchor && rows.offsetOf(anchor)).toBeNull();
  });
  it("forget the heights of another width, but for those on the page", () => {
    const { rows } = shown(3);
    rows.measure([
      ["k0", 300],
      ["k2", 200],
    ]);
    rows.keep(new Set(["k2"]));
    expect(rows.total).toBe(100 + 100 + 200);
  });
  it("are found when there are none", () => {
    const { rows } = shown(0);
    expect([rows.total, rows.at(50), rows.anchorAt(50)]).toEqual([0, 0, null]);
  });
});
