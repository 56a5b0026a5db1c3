import { describe, expect, it } from "vitest";
import { batch, generation } from "../dev/fixtures";
import {
  cellName,
  firstPlacement,
  gridOf,
  moved,
  piecesOf,
  placesOf,
  severalOf,
  sideOf,
  swapped,
} from "../src/lib/sweep-grid";
import { columnsNear, fitted, isNear, planOf, spotOf } from "../src/lib/sweep-room";
import type { SweepState } from "../src/protocol.gen";

const axis = (name: string, ...labels: string[]) => ({ name, labels });

function sweep(...axes: SweepState["axes"]): SweepState {
  const count = axes.reduce((product, { labels }) => product * labels.length, 1);
  const cells = Array.from({ length: count }, (_, cell) => `b${String(cell).padStart(3, "0")}`);
  return {
    id: "s1",
    topicId: "t1",
    template: "a {animal} in {style}",
    axes,
    cells,
    asked: cells,
    createdAt: 0,
  };
}

const ANIMAL = axis("animal", "fox", "owl", "bear");
const STYLE = axis("style", "oil", "ink");
const SEED = axis("seed", "0", "1");
const MODEL = axis("model", "demo:instant");

const square = () => ({ ratio: 1, count: 1 });
const count = (length: number, label = "v") =>
  axis("x", ...Array.from({ length }, (_, at) => `${label}${at}`));

describe("which axis stands where", () => {
  it("puts the shorter of two axes across, and what has one value nowhere", () => {
    expect(firstPlacement([STYLE, ANIMAL])).toEqual({ rows: 1, columns: 0 });
    expect(firstPlacement([STYLE, SEED])).toEqual({ rows: 0, columns: 1 });
    const long = axis("words", "a fox that sleeps in fresh snow in the morning", "an owl");
    expect(firstPlacement([long, ANIMAL])).toEqual({ rows: 0, columns: 1 });
    expect(firstPlacement([ANIMAL, STYLE])).toEqual({ rows: 0, columns: 1 });
    expect(firstPlacement([MODEL, ANIMAL, SEED, STYLE])).toEqual({ rows: 1, columns: 2 });
    expect(firstPlacement([MODEL, ANIMAL])).toEqual({ rows: null, columns: 1 });
    expect(firstPlacement([MODEL])).toEqual({ rows: null, columns: 0 });
    expect(firstPlacement([])).toEqual({ rows: null, columns: null });
    expect(severalOf([MODEL, ANIMAL])).toEqual([1]);
  });

  it("finds each cell by its values, the last axis changing first", () => {
    const made = sweep(ANIMAL, STYLE);
    const grid = gridOf(made, firstPlacement(made.axes));
    expect(grid.columns).toEqual(["oil", "ink"]);
    expect(grid.facets).toEqual([
      {
        title: "",
        lines: [
          { label: "fox", cells: [0, 1] },
          { label: "owl", cells: [2, 3] },
          { label: "bear", cells: [4, 5] },
        ],
      },
    ]);
    expect(cellName(made.axes, 3)).toBe("owl, ink");
  });

  it("swaps the axes", () => {
    const made = sweep(ANIMAL, STYLE);
    const placement = swapped(firstPlacement(made.axes));
    const grid = gridOf(made, placement);
    expect(grid.columns).toEqual(["fox", "owl", "bear"]);
    expect(grid.facets[0]?.lines.map(({ cells }) => cells)).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ]);
    expect(swapped(placement)).toEqual(firstPlacement(made.axes));
  });

  it("makes one grid of each combination of the other axes", () => {
    const made = sweep(ANIMAL, STYLE, SEED, MODEL);
    const { facets } = gridOf(made, firstPlacement(made.axes));
    expect(facets.map(({ title }) => title)).toEqual(["seed 0", "seed 1"]);
    expect(facets[1]?.lines[2]?.cells).toEqual([9, 11]);
    const grids = gridOf(made, { rows: null, columns: 0 }).facets;
    expect(grids.map(({ title }) => title)).toEqual([
      "oil, seed 0",
      "oil, seed 1",
      "ink, seed 0",
      "ink, seed 1",
    ]);
    expect(grids[3]?.lines).toEqual([{ label: "", cells: [3, 7, 11] }]);
  });

  it("holds each cell once, whatever stands where", () => {
    const made = sweep(SEED, ANIMAL, MODEL, STYLE);
    for (const rows of [null, 0, 1, 2, 3])
      for (const columns of [null, 0, 1, 2, 3]) {
        if (rows === columns && rows !== null) continue;
        const { facets } = gridOf(made, { rows, columns });
        const cells = facets.flatMap(({ lines }) => lines.flatMap((line) => line.cells));
        expect(cells.sort((a, b) => a - b)).toEqual(made.cells.map((_, at) => at));
      }
  });

  it("moves an axis, and the one that stood there takes its place", () => {
    const first = { rows: 0, columns: 1 };
    expect(moved(first, 0, "columns")).toEqual({ rows: 1, columns: 0 });
    expect(moved(first, 2, "rows")).toEqual({ rows: 2, columns: 1 });
    expect(moved(first, 1, "facets")).toEqual({ rows: 0, columns: null });
    expect(moved({ rows: 0, columns: null }, 1, "rows")).toEqual({ rows: 1, columns: 0 });
    expect(moved(first, 1, "columns")).toBe(first);
    expect(moved({ rows: 0, columns: null }, 0, "columns")).toEqual({ rows: null, columns: 0 });
    expect([0, 1, 2].map((each) => sideOf(first, each))).toEqual(["rows", "columns", "facets"]);
  });

  it("walks through the finished images as they stand", () => {
    const made = sweep(ANIMAL, STYLE);
    const batches = Object.fromEntries(
      made.cells.flatMap((id, at) =>
        id === null || at === 2
          ? []
          : [
              [
                id,
                batch(id, "t1", "", [
                  generation(id, 0),
                  generation(id, 1, at === 1 ? { status: "error" } : {}),
                ]),
              ],
            ],
      ),
    );
    const walk = (placement: Parameters<typeof placesOf>[1]) =>
      placesOf(made, placement, batches).map(({ generationId }) => generationId);
    expect(walk(firstPlacement(made.axes)).slice(0, 4)).toEqual(["b000-0", "b000-1", "b001-0", "b003-0"]);
    expect(walk({ rows: 1, columns: 0 }).slice(0, 4)).toEqual(["b000-0", "b000-1", "b004-0", "b004-1"]);
    expect(placesOf(made, firstPlacement(made.axes), batches)[0]?.sweepId).toBe("s1");
  });

  it("marks the names of axes in the template, and no other braces", () => {
    expect(piecesOf("a {animal} in {style}, {a|b} {other}", [ANIMAL, STYLE])).toEqual([
      { text: "a ", axis: false },
      { text: "animal", axis: true },
      { text: " in ", axis: false },
      { text: "style", axis: true },
      { text: ", {a|b} {other}", axis: false },
    ]);
    expect(piecesOf("", [])).toEqual([]);
  });
});

describe("where the cells stand", () => {
  const room = { width: 800, height: 600 };
  const plan = (made: SweepState, want: Parameters<typeof planOf>[3], space = room, shape = square) =>
    planOf(gridOf(made, firstPlacement(made.axes)), shape, space, want);

  it("has all of a small grid in sight, as large as the room allows", () => {
    const three = plan(sweep(ANIMAL, axis("style", "oil", "ink", "pastel")), { size: 0 });
    expect(three.columns).toBe(3);
    expect(three.height).toBeLessThanOrEqual(room.height);
    expect(three.height).toBeGreaterThan(room.height * 0.9);
    expect(three.width).toBeLessThanOrEqual(room.width);
  });

  it("fills the width where the height would make images too small", () => {
    const many = plan(sweep(count(20, "row"), axis("style", "oil", "ink", "pastel", "chalk")), { size: 0 });
    expect(many.image).toBeGreaterThan(160);
    expect(many.width).toBeLessThanOrEqual(room.width);
    expect(many.height).toBeGreaterThan(room.height);
  });

  it("keeps images in a size that can be seen, and lets many columns go on to the side", () => {
    const made = sweep(ANIMAL, count(30));
    const wide = planOf(gridOf(made, { rows: 0, columns: 1 }), square, room, { size: 0 });
    expect(wide.image).toBeGreaterThanOrEqual(84);
    expect(wide.width).toBeGreaterThan(room.width);
    const whole = plan(sweep(ANIMAL, count(12)), { fit: true });
    expect(whole.width).toBeLessThanOrEqual(room.width);
  });

  it("lets a single axis go on in further lines", () => {
    const rows = plan(sweep(count(50)), { size: 0 });
    expect(rows.wraps).toBe(true);
    expect(rows.columns).toBeGreaterThan(2);
    expect(rows.width).toBeLessThanOrEqual(room.width);
    expect(rows.facets[0]?.lines.flatMap(({ cells }) => cells)).toHaveLength(50);
    expect(plan(sweep(count(50)), { pixels: 5000 }).columns).toBe(1);
  });

  it("takes the size that the user chose", () => {
    const made = sweep(ANIMAL, STYLE);
    expect(plan(made, { size: 1 }).image).toBe(120);
    expect(plan(made, { size: 4 }).image).toBe(320);
    expect(plan(made, { pixels: 500 }).image).toBe(500);
    expect(plan(made, { size: 5 }).width).toBeGreaterThan(room.width - 8);
  });

  it("gives several images of a cell a place each, and a line the height of its highest image", () => {
    const made = sweep(ANIMAL, STYLE);
    const four = plan(made, { pixels: 100 }, room, () => ({ ratio: 1, count: 4 }));
    expect(four.across).toBe(2);
    expect(four.cell).toBe(203);
    expect(four.facets[0]?.lines[0]?.height).toBe(203);
    const shapes = planOf(
      gridOf(made, firstPlacement(made.axes)),
      (cell) => ({ ratio: cell === 1 ? 0.5 : 1, count: 1 }),
      room,
      {
        pixels: 100,
      },
    );
    expect(shapes.facets[0]?.lines.map(({ height }) => height)).toEqual([200, 100, 100]);
    expect(fitted(0.25, 100)).toEqual({ width: 50, height: 200 });
    expect(fitted(2, 100)).toEqual({ width: 100, height: 50 });
  });

  it("tells what is near the screen", () => {
    const made = plan(sweep(count(40, "row"), count(40)), { pixels: 92 });
    const view = { left: 1000, top: 2000, width: 800, height: 600 };
    const [from, to] = columnsNear(made, view, 100);
    expect(from).toBeGreaterThan(5);
    expect(to).toBeLessThan(20);
    expect(isNear(view, 0, 100, 300)).toBe(false);
    expect(isNear(view, 2700, 2800, 300)).toBe(true);
    const spot = spotOf(made, 41);
    expect(spot).toMatchObject({ left: made.labels + 100, width: 92 });
    expect(spotOf(made, 9999)).toBeUndefined();
  });

  it("stands in a room without any width", () => {
    const none = plan(sweep(ANIMAL, STYLE), { size: 0 }, { width: 0, height: 0 });
    expect(none.image).toBeGreaterThan(0);
    expect(plan(sweep(count(9)), { size: 0 }, { width: 0, height: 0 }).columns).toBe(1);
  });
});
