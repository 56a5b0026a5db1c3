// Width and height: what a model allows, and how the two move together. Pure.
import type { ParameterState, SizeRuleState } from "../protocol.gen";

export interface Size {
  width: number;
  height: number;
}

const FREE_MINIMUM = 64;
const FREE_MAXIMUM = 4096;

/** The nearest allowed value of a number parameter: inside its range, on its step, one of its choices. */
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
  // Steps like 0.1 leave a tail (0.30000000000000004) that nobody asked for.
  return Number(result.toPrecision(12));
}

/** Every value that a dimension may have, rising. */
export function allowed(parameter: ParameterState): number[] {
  const choices = parameter.choices.filter((choice) => typeof choice === "number");
  if (choices.length > 0) return [...choices].sort((a, b) => a - b);
  const first = parameter.minimum ?? FREE_MINIMUM;
  const last = parameter.maximum ?? FREE_MAXIMUM;
  const step = parameter.step || 1;
  const count = Math.floor((last - first) / step + 1e-9) + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, index) => first + index * step);
}

/** Why a size breaks the rule, in a sentence, or null where it does not. */
export function problem({ width, height }: Size, rule: SizeRuleState | null): string | null {
  if (!rule) return null;
  const pixels = width * height;
  if (rule.maxPixels !== null && pixels > rule.maxPixels) {
    return `At most ${megapixels(rule.maxPixels)} in all.`;
  }
  if (rule.minPixels !== null && pixels < rule.minPixels) {
    return `At least ${megapixels(rule.minPixels)} in all.`;
  }
  const ratio = Math.max(width / height, height / width);
  if (rule.maxRatio !== null && ratio > rule.maxRatio + 1e-9) {
    return `The longer edge is at most ${rule.maxRatio} times the shorter one.`;
  }
  return null;
}

/** The rule in words, or an empty text. */
export function explain(rule: SizeRuleState | null): string {
  if (!rule) return "";
  const parts: string[] = [];
  if (rule.minPixels !== null && rule.maxPixels !== null) {
    parts.push(`${megapixels(rule.minPixels)} to ${megapixels(rule.maxPixels)}`);
  } else if (rule.maxPixels !== null) parts.push(`up to ${megapixels(rule.maxPixels)}`);
  else if (rule.minPixels !== null) parts.push(`from ${megapixels(rule.minPixels)}`);
  if (rule.maxRatio !== null) parts.push(`ratio up to ${rule.maxRatio} : 1`);
  const text = parts.join(", ");
  return text && `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function megapixels(pixels: number): string {
  const value = pixels / 1e6;
  return `${value >= 10 ? Math.round(value) : Number(value.toFixed(value < 1 ? 2 : 1))} MP`;
}

/** The limits that the two dimensions share. */
export interface Limits {
  width: ParameterState;
  height: ParameterState;
  rule: SizeRuleState | null;
}

/**
 * The size after one edge was changed: the edge gets the nearest allowed value, the other one follows the
 * ratio where it is locked, and moves as little as the rule makes it otherwise.
 */
export function withEdge(
  edge: "width" | "height",
  value: number,
  current: Size,
  limits: Limits,
  ratioLocked: boolean,
): Size {
  const other = edge === "width" ? "height" : "width";
  const wanted = ratioLocked ? (value * current[other]) / current[edge] : current[other];
  const size = (edgeValue: number, otherValue: number): Size =>
    edge === "width" ? { width: edgeValue, height: otherValue } : { width: otherValue, height: edgeValue };

  let result = size(snap(value, limits[edge]), snap(wanted, limits[other]));
  if (ratioLocked) {
    // Where the other edge met its limit, this one comes back, so that the ratio stays.
    const back = (result[other] * current[edge]) / current[other];
    if (Math.abs(wanted - result[other]) > (limits[other].step || 1)) {
      result = size(snap(back, limits[edge]), result[other]);
    }
  }
  if (!problem(result, limits.rule)) return result;
  if (ratioLocked) {
    const kept = closest(current.width / current.height, result.width * result.height, limits);
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

/** The size with the given ratio (width / height) and about the area of the current one. */
export function withRatio(ratio: number, current: Size, limits: Limits): Size {
  return closest(ratio, current.width * current.height, limits) ?? current;
}

/** The allowed size that is nearest to a ratio and an area; a wrong ratio weighs more than a wrong area. */
function closest(ratio: number, area: number, limits: Limits): Size | null {
  let best: Size | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const width of allowed(limits.width)) {
    const height = snap(width / ratio, limits.height);
    if (problem({ width, height }, limits.rule)) continue;
    const distance =
      10 * Math.abs(Math.log(width / height / ratio)) + Math.abs(Math.log((width * height) / area));
    if (distance < bestDistance) {
      bestDistance = distance;
      best = { width, height };
    }
  }
  return best;
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

/** Which preset a size is, near enough for steps of 64 pixels, as an index into `RATIOS`, or -1. */
export function presetOf({ width, height }: Size): number {
  let best = -1;
  let bestDistance = 0.03;
  RATIOS.forEach(([across, down], index) => {
    const distance = Math.abs(Math.log(width / height / (across / down)));
    if (distance < bestDistance) {
      bestDistance = distance;
      best = index;
    }
  });
  return best;
}
