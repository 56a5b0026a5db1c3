// What the head of a sweep says: counts, cost, models. Pure.
import type { BatchState, SweepState } from "../protocol.gen";
import { type Piece, piecesOf } from "./sweep-grid";

export interface SweepFacts {
  /** The images that are finished, that it has in all, and that failed or were cancelled. */
  done: number;
  all: number;
  failed: number;
  /** Whether something can be cancelled. */
  stoppable: boolean;
  /** What the sweep asked for has cost in USD as far as it is known; null where nothing is known. */
  cost: number | null;
  costEstimated: boolean;
  /** The models by their titles, each once. */
  models: string[];
  /** The batches with a failed image, and the finished images. */
  failedBatches: string[];
  finished: string[];
}

/** Return what is known of a sweep. A cell whose batch is not known counts as many images as the others have. */
export function factsOf(
  { id, cells }: Pick<SweepState, "id" | "cells">,
  batches: Readonly<Record<string, BatchState>>,
): SweepFacts {
  const known = cells.flatMap((cell) => batches[cell ?? ""] ?? []);
  const images = known.flatMap(({ generations }) => generations);
  const usual = Math.max(1, ...known.map(({ generations }) => generations.length));
  const failures = new Set(["error", "cancelled"]);
  const finished = images.filter(({ status }) => status === "success");
  const own = known.filter(({ sweepId, cost }) => sweepId === id && cost !== null);
  return {
    done: finished.length,
    all: images.length + (cells.length - known.length) * usual,
    failed: images.filter(({ status }) => failures.has(status)).length,
    stoppable: images.some(
      ({ status, cancellable }) => cancellable && (status === "pending" || status === "processing"),
    ),
    cost: own.length > 0 ? own.reduce((sum, { cost }) => sum + Number(cost), 0) : null,
    costEstimated: own.some(({ costEstimated }) => costEstimated),
    models: [...new Set(known.map(({ modelTitle }) => modelTitle))],
    failedBatches: known
      .filter(({ generations }) => generations.some(({ status }) => failures.has(status)))
      .map((batch) => batch.id),
    finished: finished.map((each) => each.id),
  };
}

/** What a choice of a prompt must not hold, and what means choices where no axis is. */
const SIGNS = /[{}|"'\\:…]/;
const BRACES = /[{}]/;
/** The most prompts of one click. */
const MOST = 16;

/**
 * Return the prompt with choices that stands for the prompts of a sweep: "a {fox|owl} in {oil|ink}". Return null where
 * there is none: no axis is in the template, it has other braces, there are more prompts than one click can ask for, or a
 * value cannot be a choice.
 */
export function choicesOf({ template, axes }: Pick<SweepState, "template" | "axes">): string | null {
  const labelsOf = ({ text }: Piece): string[] => axes.find(({ name }) => name === text)?.labels ?? [];
  const pieces = piecesOf(template, axes);
  const chosen = pieces.filter(({ axis }) => axis).map(labelsOf);
  const count = chosen.reduce((product, { length }) => product * length, 1);
  if (count < 2 || count > MOST || chosen.flat().some((label) => SIGNS.test(label))) return null;
  if (pieces.some(({ axis, text }) => !axis && BRACES.test(text))) return null;
  return pieces
    .map((piece) => {
      if (!piece.axis) return piece.text;
      const labels = labelsOf(piece);
      return labels.length > 1 ? `{${labels.join("|")}}` : labels.join();
    })
    .join("");
}
