// Width and height: what a model allows, and how the two move together. Pure.
import { t } from "../messages";
import type { ParameterState, SizeRuleState } from "../protocol.gen";
import type { Size } from "./geometry";

const FREE_MINIMUM = 64;
const FREE_MAXIMUM = 4096;

/** Return the nearest allowed value of a number parameter: inside its range, on its step, one of its choices. */
export function snap(value: number, parameter: ParameterState): number {
  const choices = parameter.choices.filter((choice) => typeof choice === "number");
  if (choices.length > 0) {
    return choices.reduce((best, choice) =>
      Math.abs(choice - value) < Math.abs(best - value) ? choice : best,
    );
  }
  const { minimum, maximum, step } = parameter;
  const base = minimum ?? 0;
  let result = value;
  if (step) result = base + Math.round((value - base) / step) * step;
  if (maximum !== null && result > maximum) {
    result = step ? base + Math.floor((maximum - base) / step + 1e-9) * step : maximum;
  }
  if (minimum !== null && result < minimum) result = minimum;
  if (parameter.type === "integer") return Math.round(result);
  // Steps like 0.1 leave a rounding error (0.30000000000000004).
  return Number(result.toPrecision(12));
}

/** Return every allowed value of a dimension, in rising order. */
export function allowed(parameter: ParameterState): number[] {
  const choices = parameter.choices.filter((choice) => typeof choice === "number");
  if (choices.length > 0) return [...choices].sort((a, b) => a - b);
  const first = parameter.minimum ?? FREE_MINIMUM;
  const last = parameter.maximum ?? FREE_MAXIMUM;
  const step = parameter.step || 1;
  const count = Math.floor((last - first) / step + 1e-9) + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, index) => first + index * step);
}

/** Return why a size breaks the rule, in a sentence, or null where it does not. */
export function problem({ width, height }: Size, rule: SizeRuleState | null): string | null {
  if (!rule) return null;
  const { minPixels, maxPixels, maxRatio } = rule;
  const pixels = width * height;
  if (maxPixels !== null && pixels > maxPixels) return t.size.atMost(megapixels(maxPixels));
  if (minPixels !== null && pixels < minPixels) return t.size.atLeast(megapixels(minPixels));
  if (maxRatio !== null && Math.max(width / height, height / width) > maxRatio + 1e-9) {
    return t.size.tooLong(maxRatio);
  }
  return null;
}

/** Return the rule in words, or an empty text. */
export function explain(rule: SizeRuleState | null): string {
  if (!rule) return "";
  const { minPixels, maxPixels, maxRatio } = rule;
  return t.size.rule(minPixels && megapixels(minPixels), maxPixels && megapixels(maxPixels), maxRatio);
}

export function megapixels(pixels: number): string {
  const value = pixels / 1e6;
  const few = value < 0.01 ? value.toPrecision(1) : value.toFixed(value < 1 ? 2 : 1);
  return `${value >= 10 ? Math.round(value) : Number(few)} MP`;
}

/** The limits that the two dimensions share. */
export interface Limits {
  width: ParameterState;
  height: ParameterState;
  rule: SizeRuleState | null;
}

/**
 * Return the size after one edge was changed: the edge gets the nearest allowed value, the other one follows the
 * ratio (width / height) if one is locked, and otherwise changes only as far as the rule requires.
 */
export function withEdge(
  edge: "width" | "height",
  value: number,
  current: Size,
  limits: Limits,
  ratio: number | null,
): Size {
  const other = edge === "width" ? "height" : "width";
  const size = (edgeValue: number, otherValue: number): Size =>
    edge === "width" ? { width: edgeValue, height: otherValue } : { width: otherValue, height: edgeValue };
  // The length of the other edge for each pixel of this edge.
  const share = ratio === null ? null : edge === "width" ? 1 / ratio : ratio;
  const own = snap(value, limits[edge]);
  const wanted = share === null ? current[other] : own * share;

  let result = size(own, snap(wanted, limits[other]));
  const { minimum, maximum, step } = limits[other];
  const outside = wanted < (minimum ?? wanted) || wanted > (maximum ?? wanted);
  if (share !== null && (outside || Math.abs(wanted - result[other]) > (step || 1))) {
    // If the other edge met its limit, this edge is shortened again, so that the ratio stays.
    result = size(snap(result[other] / share, limits[edge]), result[other]);
  }
  if (!problem(result, limits.rule)) return result;
  if (ratio !== null) {
    const kept = closest(ratio, result.width * result.height, limits);
    if (kept) return kept;
  }
  const byDistance = (values: number[], target: number): number[] =>
    values.sort((a, b) => Math.abs(a - target) - Math.abs(b - target));
  const others = byDistance(allowed(limits[other]), wanted);
  for (const edgeValue of byDistance(allowed(limits[edge]), result[edge])) {
    const fitting = others.find((candidate) => !problem(size(edgeValue, candidate), limits.rule));
    if (fitting !== undefined) return size(edgeValue, fitting);
  }
  return result;
}

/** Return the size with the given ratio (width / height) and area, as well as the limits allow. */
export function withRatio(ratio: number, area: number, limits: Limits): Size | null {
  return closest(ratio, area, limits);
}

/** Return the size with its edges swapped: exactly if that is allowed, else the nearest allowed size. */
export function swapped({ width, height }: Size, limits: Limits): Size {
  const size = { width: height, height: width };
  const exact = snap(height, limits.width) === height && snap(width, limits.height) === width;
  return exact && !problem(size, limits.rule)
    ? size
    : (closest(height / width, width * height, limits) ?? size);
}

/** How far an area may miss the wanted one for a better ratio. */
const AREA_SLACK = 0.07;
const RATIO_SLACK = 0.01;

/**
 * Return the allowed size that is nearest to a ratio and an area. Sizes that miss either by more than the steps
 * require come last; among equals, a wrong ratio weighs more than a wrong area.
 */
function closest(ratio: number, area: number, limits: Limits): Size | null {
  const halfSteps =
    gap(limits.width) / Math.sqrt(area * ratio) / 2 + gap(limits.height) / Math.sqrt(area / ratio) / 2;
  const heights = allowed(limits.height);
  let best: Size | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const width of allowed(limits.width)) {
    for (const height of around(within(width / ratio, width, limits.rule), heights)) {
      if (problem({ width, height }, limits.rule)) continue;
      const off = Math.abs(Math.log(width / height / ratio));
      const missed = Math.abs(Math.log((width * height) / area));
      const far = off > halfSteps + RATIO_SLACK || missed > Math.max(halfSteps, AREA_SLACK);
      const distance = (far ? 1000 : 0) + 10 * off + missed;
      if (distance < bestDistance) {
        bestDistance = distance;
        best = { width, height };
      }
    }
  }
  return best;
}

/** Return the height nearest to a wanted one that the rule allows beside a width. */
function within(height: number, width: number, rule: SizeRuleState | null): number {
  const ratio = rule?.maxRatio ?? Number.POSITIVE_INFINITY;
  const least = Math.max((rule?.minPixels ?? 0) / width, width / ratio);
  const most = Math.min((rule?.maxPixels ?? Number.POSITIVE_INFINITY) / width, width * ratio);
  return Math.max(Math.min(height, most), least);
}

/** Return the two values of a rising list that enclose a number. */
function around(value: number, values: readonly number[]): number[] {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return values.slice(Math.max(low - 1, 0), low + 1);
}

/** Return the largest distance between two neighbours among the values of a dimension. */
function gap(parameter: ParameterState): number {
  if (parameter.choices.length === 0) return parameter.step || 1;
  const values = allowed(parameter);
  return Math.max(0, ...values.slice(1).map((value, index) => value - (values[index] ?? value)));
}

/** The presets of the ratio chips. */
export const RATIOS: readonly (readonly [number, number])[] = [
  [1, 1],
  [4, 3],
  [3, 4],
  [3, 2],
  [2, 3],
  [16, 9],
  [9, 16],
];

/** Return which preset a ratio is, near enough for steps of 64 pixels, as an index into `RATIOS`, or -1. */
export function presetOf(ratio: number): number {
  let best = -1;
  let bestDistance = 0.03;
  RATIOS.forEach(([across, down], index) => {
    const distance = Math.abs(Math.log((ratio * down) / across));
    if (distance < bestDistance) {
      bestDistance = distance;
      best = index;
    }
  });
  return best;
}

/** Return the ratio that a size stands for: the ratio of the preset that it nearly has, else its own ratio. */
export function meantRatio({ width, height }: Size): number {
  const [across, down] = RATIOS[presetOf(width / height)] ?? [width, height];
  return across / down;
}

/** Return whether a size has a ratio, as exactly as the eye can see. */
export function hasRatio({ width, height }: Size, ratio: number): boolean {
  return Math.abs(Math.log(width / height / ratio)) < 0.015;
}

const LARGEST_TERM = 21;

/** Return a ratio as people write it: "16:9", or "1.85:1" where no short fraction is near. */
export function ratioText(ratio: number): string {
  let best = "";
  let bestDistance = 0.004;
  for (let down = 1; down <= LARGEST_TERM; down++) {
    const across = Math.round(ratio * down);
    const distance = Math.abs(Math.log(across / down / ratio));
    if (across > 0 && across <= LARGEST_TERM && distance < bestDistance - 1e-9) {
      bestDistance = distance;
      best = `${across}:${down}`;
    }
  }
  if (best) return best;
  const long = Number(Math.max(ratio, 1 / ratio).toFixed(2));
  return ratio > 1 ? `${long}:1` : `1:${long}`;
}
