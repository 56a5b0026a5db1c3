// Which axis of a sweep goes across, which goes down, and what stands below each other. Pure.
import type { BatchState, GenerationState, SweepState } from "../protocol.gen";
import type { Place } from "./neighbours";

/** Where the values of an axis stand: beside each other, below each other, or each above a grid of its own. */
export type Side = "columns" | "rows" | "facets";
export const SIDES: readonly Side[] = ["columns", "rows", "facets"];

type Axes = SweepState["axes"];

/** The axes of the grid, by their index; all others are facets. */
export interface Placement {
  columns: number | null;
  rows: number | null;
}

/** One line of cells. Cells are indexes into those of the sweep. */
export interface GridLine {
  /** The value of the axis that goes down; empty without one. */
  label: string;
  cells: number[];
}

/** One grid of a sweep: the lines of one combination of what is neither across nor down. */
export interface Facet {
  /** The values that its cells share: "oil, seed 1"; empty where there is only one grid. */
  title: string;
  lines: GridLine[];
}

export interface Grid {
  /** The values across. */
  columns: readonly string[];
  facets: Facet[];
  /** The cells have only the axis across: they may go on in a further line. */
  wraps: boolean;
}

/** Return the indexes of the axes with several values. */
export function severalOf(axes: Axes): number[] {
  return axes.flatMap((_, index) => (isSeveral(axes, index) ? index : []));
}

/** The most values of an axis, and the most characters of one, that are easy to read across. */
const READABLE_COLUMNS = 8;
const READABLE_LABEL = 30;

/**
 * Return how a sweep stands at first, as in the output of a cell: of the first two axes, the shorter one that is easy to
 * read goes across. An axis alone goes across.
 */
export function firstPlacement(axes: Axes): Placement {
  const [first, second] = severalOf(axes);
  if (first === undefined || second === undefined)
    return { rows: null, columns: first ?? (axes.length > 0 ? 0 : null) };
  const hardness = (axis: number): number => {
    const { labels = [] } = axes[axis] ?? {};
    const easy = labels.length <= READABLE_COLUMNS && labels.every(({ length }) => length <= READABLE_LABEL);
    return easy ? labels.length : labels.length + 1e6;
  };
  return hardness(first) < hardness(second)
    ? { rows: second, columns: first }
    : { rows: first, columns: second };
}

export function sideOf({ columns, rows }: Placement, axis: number): Side {
  return axis === columns ? "columns" : axis === rows ? "rows" : "facets";
}

/** Return what was across going down, and what was down going across. */
export function swapped({ columns, rows }: Placement): Placement {
  return { columns: rows, rows: columns };
}

/** Return an axis on another side. The axis that stood there takes its place, or the other side if that is free. */
export function moved(placement: Placement, axis: number, side: Side): Placement {
  const from = sideOf(placement, axis);
  if (from === side) return placement;
  const next = { ...placement };
  if (from !== "facets") next[from] = side === "facets" ? null : placement[side];
  if (side !== "facets") {
    const other = side === "rows" ? "columns" : "rows";
    if (from === "facets" && placement[other] === null) next[other] = placement[side];
    next[side] = axis;
  }
  return next;
}

/** Return the cells of a sweep in their places. */
export function gridOf({ axes, cells }: Pick<SweepState, "axes" | "cells">, placement: Placement): Grid {
  const steps = stepsOf(axes);
  const { columns, rows } = placement;
  const across = columns === null ? [0] : range(axes[columns]?.labels.length);
  const down = rows === null ? [0] : range(axes[rows]?.labels.length);
  const step = (axis: number | null): number => (axis === null ? 0 : (steps[axis] ?? 0));
  const others = axes.map((_, index) => index).filter((index) => index !== columns && index !== rows);
  const facets = combined(axes, others).map((values): Facet => {
    const start = others.reduce((sum, axis, at) => sum + (values[at] ?? 0) * step(axis), 0);
    const title = others
      .flatMap((axis, at) => (isSeveral(axes, axis) ? labelText(axes, axis, values[at] ?? 0) : []))
      .join(", ");
    const lines = down.map((value) => ({
      label: rows === null ? "" : labelText(axes, rows, value),
      cells: across
        .map((other) => start + value * step(rows) + other * step(columns))
        .filter((cell) => cell < cells.length),
    }));
    return { title, lines };
  });
  return {
    columns: across.map((value) => (columns === null ? "" : labelText(axes, columns, value))),
    facets,
    wraps: rows === null && columns !== null,
  };
}

/** Return the values that a cell stands for, without those that all cells share: "fox, oil". */
export function cellName(axes: Axes, cell: number): string {
  const steps = stepsOf(axes);
  return severalOf(axes)
    .map((axis) => {
      const value = Math.floor(cell / (steps[axis] ?? 1)) % (axes[axis]?.labels.length ?? 1);
      return labelText(axes, axis, value);
    })
    .join(", ");
}

/** Return the images of a sweep as they stand, grid by grid and line by line: also those that are not finished. */
export function imagesOf(
  sweep: SweepState,
  placement: Placement,
  batches: Readonly<Record<string, BatchState>>,
): GenerationState[] {
  return gridOf(sweep, placement)
    .facets.flatMap(({ lines }) => lines.flatMap(({ cells }) => cells))
    .flatMap((cell) => batches[sweep.cells[cell] ?? ""]?.generations ?? []);
}

/** Return the finished images of a sweep as they stand. */
export function placesOf(...of: Parameters<typeof imagesOf>): Place[] {
  const [{ id: sweepId }] = of;
  return imagesOf(...of)
    .filter(({ status }) => status === "success")
    .map(({ id, batchId }) => ({ batchId, generationId: id, sweepId }));
}

/** A piece of a template: text, or the name of an axis. */
export interface Piece {
  text: string;
  axis: boolean;
}

/** Return a template in pieces. Only the names of axes in braces are axes; all other braces are text. */
export function piecesOf(template: string, axes: Axes): Piece[] {
  const names = new Set(axes.map(({ name }) => name));
  const pieces: Piece[] = [];
  let text = "";
  for (const part of template.split(/(\{[^{}]*\})/)) {
    const name = part.slice(1, -1);
    if (!part.startsWith("{") || !names.has(name)) text += part;
    else {
      if (text) pieces.push({ text, axis: false });
      pieces.push({ text: name, axis: true });
      text = "";
    }
  }
  if (text) pieces.push({ text, axis: false });
  return pieces;
}

/** Return how far the next value of each axis is in the list of cells: the last axis changes first. */
function stepsOf(axes: Axes): number[] {
  return axes.map((_, index) =>
    axes.slice(index + 1).reduce((product, { labels }) => product * labels.length, 1),
  );
}

/** Return every combination of the values of some axes, the last one changing first. */
function combined(axes: Axes, chosen: readonly number[]): number[][] {
  return chosen.reduce<number[][]>(
    (all, axis) =>
      all.flatMap((values) => range(axes[axis]?.labels.length).map((value) => [...values, value])),
    [[]],
  );
}

/** What says nothing without the name of its axis: a number, or whether something is on. */
const BARE = /^(-?[\d.]+(e[-+]?\d+)?|true|false|none|null)$/i;

/** Return a value in words: "fox", "seed 3". */
function labelText(axes: Axes, axis: number, value: number): string {
  const { name = "", labels = [] } = axes[axis] ?? {};
  const label = labels[value] ?? "";
  return label === "" || BARE.test(label) ? `${name} ${label}`.trim() : label;
}

function isSeveral(axes: Axes, axis: number): boolean {
  return (axes[axis]?.labels.length ?? 0) > 1;
}

function range(length = 0): number[] {
  return Array.from({ length }, (_, index) => index);
}
