// Where the cells of a sweep stand in pixels, and which of them are near the screen. Pure.
import { arranged } from "./arrange";
import type { Grid } from "./sweep-grid";

/** The shape of the images of a cell (width divided by height), and how many there are. */
export interface Shape {
  ratio: number;
  count: number;
}

/** The room for a grid, in pixels. */
export interface Space {
  width: number;
  height: number;
}

/**
 * How wide images are: all of them in sight as far as that is possible (`fit`), as in the feed by its size, or as wide
 * as the user says, in pixels.
 */
export type Width = { fit: true } | { size: number } | { pixels: number };

/** Where a line of cells stands within its facet. */
export interface LineSpot {
  top: number;
  height: number;
  /** The index of its first cell among those of the line of the grid, where a line goes on in further ones. */
  from: number;
  cells: number[];
  label: string;
}

export interface FacetSpot {
  title: string;
  top: number;
  /** With its heading. */
  height: number;
  lines: LineSpot[];
}

export interface Plan {
  width: number;
  height: number;
  /** The width of the labels of the rows; 0 where there are none. */
  labels: number;
  /** The height of the labels of the columns, and of the words above each cell of a grid that wraps. */
  heads: number;
  /** The height of the heading of a facet. */
  heading: number;
  /** The width of a cell, and of an image in it. */
  cell: number;
  image: number;
  /** How many images stand beside each other in a cell. */
  across: number;
  columns: number;
  wraps: boolean;
  facets: FacetSpot[];
}

/** The room between two cells, and between images of one cell, in pixels. */
const GAP = 8;
const INNER = 3;
/** The height of a heading, and of labels with one line or two. */
const HEADING = 34;
const HEADS = [26, 42] as const;
/** The width of a letter, of the narrowest and widest labels of rows, and the largest share of the room for them. */
const LETTER = 6.8;
const LABELS = [40, 150] as const;
const SHARE = 0.22;
/** The side of a square of the same area: what is enough for all to be in sight, the usual one, and the smallest. */
const ENOUGH = 104;
const USUAL = 210;
const LEAST = 84;
const SMALLEST = 40;
/** An image is at most so many times as high as it is wide: a narrower one has room beside it. */
const HIGHEST = 2;
/** The sides that the size of the feed stands for, and the one at which each image has a row of its own. */
const SIDES = [0, 120, 160, 220, 320];

/** Return where the cells of a grid stand in a room. */
export function planOf(grid: Grid, shapeOf: (cell: number) => Shape, space: Space, want: Width): Plan {
  const cells = grid.facets.flatMap(({ lines }) => lines.flatMap((line) => line.cells));
  const shapes = cells.map(shapeOf);
  const count = Math.max(1, ...shapes.map((shape) => shape.count));
  const across = count <= 1 ? 1 : Math.ceil(Math.sqrt(count));
  const ratio = usual(shapes.map((shape) => shape.ratio));
  const names = grid.facets[0]?.lines.map(({ label }) => label) ?? [];
  const labels = labelsOf(names, space.width);
  const heading = grid.facets.some(({ title }) => title) ? HEADING : 0;
  const unit: Unit = { across, lines: Math.ceil(count / across), ratio };
  const { columns, cell } = grid.wraps
    ? wrapped(grid, unit, space, want, heading)
    : crossed(grid, unit, { ...space, width: space.width - labels }, want, heading);
  const image = (cell - INNER * (across - 1)) / across;
  const longest = Math.max(0, ...grid.columns.map((label) => label.length));
  const named = grid.columns.length > 1;
  const heads = named ? (longest * LETTER > cell ? HEADS[1] : HEADS[0]) : 0;
  const heightOf = (index: number): number => {
    const shape = shapeOf(index);
    const rows = Math.ceil(Math.max(shape.count, 1) / across);
    return rows * Math.min(image / shape.ratio, image * HIGHEST) + (rows - 1) * INNER;
  };
  let top = 0;
  const facets = grid.facets.map(({ title, lines }): FacetSpot => {
    let below = heading + (grid.wraps ? 0 : heads);
    const spots: LineSpot[] = [];
    for (const line of lines)
      for (let from = 0; from < line.cells.length; from += columns) {
        const own = line.cells.slice(from, from + columns);
        const height = Math.max(0, ...own.map(heightOf)) + (grid.wraps ? heads : 0);
        spots.push({ top: below, height, from, cells: own, label: line.label });
        below += height + GAP;
      }
    const facet = { title, top, height: below - GAP, lines: spots };
    top += below - GAP + (heading ? GAP * 2 : GAP);
    return facet;
  });
  const height = Math.max(top - (heading ? GAP * 2 : GAP), 0);
  const width = labels + columns * cell + (columns - 1) * GAP;
  const { wraps } = grid;
  return { width, height, labels, heads, heading, cell, image, across, columns, wraps, facets };
}

/** The images of one cell. */
interface Unit {
  across: number;
  lines: number;
  ratio: number;
}

type Cut = Pick<Plan, "columns" | "cell">;

/** Return the width of the cells of a grid with both axes, or with one that goes down. */
function crossed(grid: Grid, unit: Unit, space: Space, want: Width, heading: number): Cut {
  const columns = Math.max(grid.columns.length, 1);
  const wide = imageOf((space.width + GAP) / columns - GAP, unit);
  const lines = grid.facets.reduce((sum, facet) => sum + facet.lines.length, 0);
  const words = grid.facets.length * (heading + HEADS[0] + GAP) + lines * GAP;
  const high =
    ((space.height - words - lines * (unit.lines - 1) * INNER) / Math.max(lines * unit.lines, 1)) *
    unit.ratio;
  return { columns, cell: cellOf(Math.floor(widthOf(want, wide, high, unit)), unit) };
}

/** Return how many cells of a single axis stand beside each other. */
function wrapped(grid: Grid, unit: Unit, { width, height }: Space, want: Width, heading: number): Cut {
  const count = Math.max(grid.columns.length, 1);
  const most = (cell: number): Cut => {
    const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (cell + GAP))));
    const share = (width - GAP * (columns - 1)) / columns;
    return { columns, cell: Math.floor(columns === count ? Math.min(share, cell) : share) };
  };
  if ("pixels" in want) return most(Math.min(cellOf(want.pixels, unit), width));
  const share = height / grid.facets.length - heading;
  const ratio = cellOf(100, unit) / ((100 / unit.ratio) * unit.lines + INNER * (unit.lines - 1) + HEADS[0]);
  const { columns, tile } = arranged(count, ratio, { width, height: share }, sizeOf(want), true);
  return { columns, cell: Math.floor(tile) };
}

function sizeOf(want: Width): number {
  return "size" in want ? want.size : 0;
}

/** Return the width of an image, from the widths at which the grid ends where the room does. */
function widthOf(want: Width, wide: number, high: number, { across, ratio }: Unit): number {
  const side = Math.sqrt(ratio) / (across > 1 ? Math.SQRT2 : 1);
  if ("pixels" in want) return want.pixels;
  const whole = Math.min(wide, high);
  if ("fit" in want) return Math.max(whole, SMALLEST);
  if (want.size >= SIDES.length) return Math.max(wide, LEAST * side);
  const chosen = SIDES[want.size] ?? 0;
  if (chosen > 0) return chosen * side;
  if (whole >= ENOUGH * side) return whole;
  return Math.max(Math.min(wide, USUAL * side), LEAST * side);
}

function imageOf(cell: number, { across }: Unit): number {
  return (cell - INNER * (across - 1)) / across;
}

function cellOf(image: number, { across }: Unit): number {
  return image * across + INNER * (across - 1);
}

/** Return the width of the labels of the rows. */
function labelsOf(names: readonly string[], width: number): number {
  const longest = Math.max(0, ...names.map((name) => name.length));
  if (longest === 0) return 0;
  const [least, most] = LABELS;
  return Math.round(Math.min(Math.max(longest * LETTER + 24, least), most, Math.max(width * SHARE, least)));
}

/** Return the shape that most images have. */
function usual(ratios: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const ratio of ratios) counts.set(ratio, (counts.get(ratio) ?? 0) + 1);
  const [first] = [...counts].sort(([, one], [, other]) => other - one);
  return first?.[0] || 1;
}

/** Return the width and height of an image in its place: its own shape, as large as the place allows. */
export function fitted(ratio: number, image: number): Space {
  const height = Math.min(image / ratio, image * HIGHEST);
  return { width: Math.min(image, height * ratio), height };
}

/** What of a grid is on the screen or near it. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Return which columns are near the screen: the first one, and the one after the last. */
export function columnsNear(plan: Plan, { left, width }: Frame, near: number): [number, number] {
  const step = plan.cell + GAP;
  const first = Math.floor((left - plan.labels - near) / step);
  const last = Math.ceil((left + width - plan.labels + near) / step);
  return [Math.max(first, 0), Math.min(Math.max(last, 0), plan.columns)];
}

/** Return whether something between two heights is near the screen. */
export function isNear({ top, height }: Frame, from: number, to: number, near: number): boolean {
  return to > top - near && from < top + height + near;
}

/** Return where a column begins, in pixels. */
export function leftOf(plan: Plan, column: number): number {
  return plan.labels + column * (plan.cell + GAP);
}

/** Return where a cell stands; undefined where the grid does not have it. */
export function spotOf(plan: Plan, cell: number): Frame | undefined {
  for (const facet of plan.facets)
    for (const line of facet.lines) {
      const at = line.cells.indexOf(cell);
      if (at < 0) continue;
      return { left: leftOf(plan, at), top: facet.top + line.top, width: plan.cell, height: line.height };
    }
  return undefined;
}
