// What a request is expected to cost. Pure.
import { t } from "../messages";
import type { ModelState, PriceState, SpendingState } from "../protocol.gen";
import type { Size } from "./dimensions";

const DOLLARS = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 4,
});

/** The share of a budget from which on its end is near. */
const NEAR = 0.8;

/** An amount of USD, a decimal string or a number: "$0.04". */
export function dollars(amount: string | number): string {
  return DOLLARS.format(Number(amount));
}

/** What one unit costs: "$0.04 / image", or an empty text. */
export function priceText(price: PriceState | null): string {
  if (!price) return "";
  const amount = dollars(price.amount);
  return price.unit === "image" ? t.model.perImage(amount) : t.model.perMegapixel(amount);
}

/** What so many images of a size are expected to cost in USD, or null where nobody knows. */
export function estimateOf(model: ModelState | undefined, count: number, size: Size | null): number | null {
  const price = model?.price;
  if (!price || (price.unit !== "image" && !size)) return null;
  const units = price.unit === "image" || !size ? count : (count * size.width * size.height) / 1e6;
  return Number(price.amount) * units;
}

/** The same for people; where the provider chooses the size, what a unit costs. Empty where nobody knows. */
export function estimateText(model: ModelState | undefined, count: number, size: Size | null): string {
  const amount = estimateOf(model, count, size);
  return amount === null ? priceText(model?.price ?? null) : `≈ ${dollars(amount)}`;
}

/** What was spent today, and of how much, or an empty text where there is nothing to say. */
export function spentText({ today, unknown, budget }: SpendingState): string {
  if (budget === null && Number(today) === 0) return "";
  const spent = t.composer.spent(dollars(today), budget === null ? null : dollars(budget));
  return unknown > 0 ? `${spent} · ${t.composer.spentUnknown(unknown)}` : spent;
}

/** How much of the budget is spent, as short as it can be: "$1.24 / $5.00", or an empty text without one. */
export function budgetText({ today, budget }: SpendingState): string {
  return budget === null ? "" : `${dollars(today)} / ${dollars(budget)}`;
}

/** Whether today's budget does not allow a request any more. What runs counts as spent. */
export function overBudget({ today, running, budget }: SpendingState, estimate: number | null): boolean {
  if (budget === null || !estimate) return false;
  // As decimals do, without the error of binary fractions.
  return Number(today) + Number(running) + estimate > Number(budget) + 1e-9;
}

/** Whether most of today's budget is spent. */
export function nearBudget({ today, budget }: SpendingState): boolean {
  return budget !== null && Number(today) >= NEAR * Number(budget);
}
