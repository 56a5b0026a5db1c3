// What a request is expected to cost. Pure.
import { t } from "../messages";
import type { PriceState, SpendingState } from "../protocol.gen";
import type { Size } from "./geometry";

const DOLLARS = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 4,
});

/** The share of a budget from which on the page warns. */
const NEAR = 0.8;

/** Return an amount of USD, a decimal string or a number: "$0.04". */
export function dollars(amount: string | number): string {
  return DOLLARS.format(Number(amount));
}

/** Return the price of one unit: "$0.04 / image", or an empty text. */
export function priceText(price: PriceState | null): string {
  if (!price) return "";
  const amount = dollars(price.amount);
  return price.unit === "image" ? t.model.perImage(amount) : t.model.perMegapixel(amount);
}

/** A model's price, and the size that it is asked for; null where the provider chooses. */
export interface Priced {
  price: PriceState | null;
  size: Size | null;
}

/** Return the expected cost of some images in USD, or null if it is unknown. */
export function costOf({ price, size }: Priced, count: number): number | null {
  if (!price) return null;
  if (price.unit === "image") return Number(price.amount) * count;
  return size && (Number(price.amount) * count * size.width * size.height) / 1e6;
}

/** Return the expected cost of several models; models of unknown cost are left out. */
export function costOfAll(parts: readonly Priced[], count: number): number | null {
  const known = parts.map((part) => costOf(part, count)).filter((cost) => cost !== null);
  return known.length === 0 ? null : known.reduce((total, cost) => total + cost, 0);
}

/**
 * Return the expected cost in words. If the cost of one model depends on a size that is not known yet, return the
 * price of a unit; for several models, return the least cost. Empty if the cost is unknown.
 */
export function estimateText(parts: readonly Priced[], count: number): string {
  const [only, ...others] = parts;
  const cost = costOfAll(parts, count);
  if (cost === null) return only && others.length === 0 ? priceText(only.price) : "";
  const whole = parts.every((part) => costOf(part, count) !== null);
  return `${whole ? "≈" : "≥"} ${dollars(cost)}`;
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
