// What a request is expected to cost. Pure.
import { t } from "../messages";
import type { ModelState, RateState, SpendingState } from "../protocol.gen";
import type { Size } from "./geometry";
import { shownValue, type Values } from "./parameters";
import { type Cost, dollars, priceText, range } from "./price";

/** The share of a budget from which on the page warns. */
const NEAR = 0.8;

/** A request for a model. */
export interface Priced {
  model: Pick<ModelState, "price" | "parameters" | "nativeN" | "does">;
  values?: Values;
  /** The size that is asked for; null where the provider chooses. */
  size: Size | null;
  references?: readonly Size[];
}

/** Return the cost of some images, or null if it is unknown. The kernel computes the same: `catalog/_price.py`. */
export function costOf({ model, values, size: asked, references = [] }: Priced, count: number): Cost | null {
  const { price } = model;
  if (!price) return null;
  const [width, height] = price.size ?? [];
  const size = asked ?? grown(model, values, references[0]) ?? (width && height ? { width, height } : null);
  const shown: Values = {};
  for (const one of model.parameters) shown[one.name] = shownValue(one, values);
  const inputs = references.map((one) => (price.referenceUnit === "image" ? 1 : begun(one)));
  const input =
    Number(price.reference) * inputs.reduce((sum, one) => sum + one, 0) * Math.ceil(count / model.nativeN);
  const costs: number[] = [];
  for (const rate of price.rates) {
    const sure = holds(rate, shown, size);
    if (sure === false) continue;
    const units = unitsOf(rate, size);
    if (units === null) return null;
    const further = Number(rate.further ?? 0) * (rate.further && size ? begun(size) - 1 : 0);
    for (const amount of [rate.amount, rate.most])
      costs.push((Number(amount) * units + further) * count + input);
    if (sure) break;
  }
  return { least: Math.min(...costs), most: Math.max(...costs) };
}

/** Return the size of an image that a model enlarges or extends; null if the request does not tell it. */
export function grown(
  { parameters, does }: Pick<ModelState, "parameters" | "does">,
  values: Values | undefined,
  first: Size | undefined,
): Size | null {
  const scale = parameters.find(({ kind }) => kind === "scale");
  if (!first || !(scale || does.includes("outpaint"))) return null;
  const of = (name: string): number => {
    const side = parameters.find((one) => one.name === name);
    return side ? Number(shownValue(side, values)) : 0;
  };
  const factor = scale ? Number(shownValue(scale, values)) || 1 : 1;
  return {
    width: Math.round(first.width * factor) + of("left") + of("right"),
    height: Math.round(first.height * factor) + of("top") + of("bottom"),
  };
}

/** Return whether a price holds, or null where the choice of the provider decides. */
function holds({ when, upTo }: RateState, shown: Values, size: Size | null): boolean | null {
  let sure: true | null = upTo === null || size ? true : null;
  if (upTo !== null && size && size.width * size.height > upTo) return false;
  for (const [name, values] of Object.entries(when)) {
    const value = shown[name] ?? null;
    if (values.includes(value)) continue;
    if (value !== "auto") return false;
    sure = null;
  }
  return sure;
}

/** Return how many units of its price an image has, or null where its size is not known. */
function unitsOf({ unit, further, grid }: RateState, size: Size | null): number | null {
  if (unit === "image") return 1;
  if (!size) return null;
  const { width, height } = size;
  if (unit === "megapixel") return further === null ? (width * height) / 1e6 : 1;
  const exact = (grid * Math.min(width, height)) / Math.max(width, height);
  const edge = exact % 1 === 0.5 ? 2 * Math.round(exact / 2) : Math.round(exact);
  return Math.ceil((grid * edge * (2e6 + width * height)) / 4e6);
}

/** Return the megapixels of 1024 × 1024 pixels that have begun. */
function begun({ width, height }: Size): number {
  return Math.ceil((width * height) / 2 ** 20);
}

/** Return the cost of several models; models of unknown cost are left out. */
export function costOfAll(parts: readonly Priced[], count: number): Cost | null {
  const known = parts.map((part) => costOf(part, count)).filter((cost) => cost !== null);
  if (known.length === 0) return null;
  return known.reduce((sum, cost) => ({ least: sum.least + cost.least, most: sum.most + cost.most }));
}

/**
 * Return the cost in words: "≈ $0.16" or "$0.01–0.25". If the cost of one model depends on a size that is not known
 * yet, return the price of a unit; for several models, return the least cost. Empty if the cost is unknown.
 */
export function estimateText(parts: readonly Priced[], count: number): string {
  const [only, ...others] = parts;
  const cost = costOfAll(parts, count);
  if (cost === null) return only && others.length === 0 ? priceText(only.model.price) : "";
  if (parts.some((part) => costOf(part, count) === null)) return `≥ ${dollars(cost.least)}`;
  const text = range(cost);
  return text.includes("–") ? text : `≈ ${text}`;
}

/** Return today's spending and the budget in words; empty without a budget while nothing is spent. */
export function spentText({ today, unknown, budget }: SpendingState): string {
  if (budget === null && Number(today) === 0) return "";
  const spent = t.composer.spent(dollars(today), budget === null ? null : dollars(budget));
  return unknown > 0 ? `${spent} · ${t.composer.spentUnknown(unknown)}` : spent;
}

/** Return the spent part of the budget as short as possible: "$1.24 / $5.00", or an empty text without one. */
export function budgetText({ today, budget }: SpendingState): string {
  return budget === null ? "" : `${dollars(today)} / ${dollars(budget)}`;
}

/** Return whether today's budget does not allow a request any more. What runs counts as spent. */
export function overBudget({ today, running, budget }: SpendingState, estimate: number | null): boolean {
  if (budget === null || !estimate) return false;
  // The comparison is one of decimals, without the error of binary fractions.
  return Number(today) + Number(running) + estimate > Number(budget) + 1e-9;
}

/** Return whether most of today's budget is spent. */
export function nearBudget({ today, budget }: SpendingState): boolean {
  return budget !== null && Number(today) >= NEAR * Number(budget);
}
