// What a request is expected to cost. Pure.
import { t } from "../messages";
import type { ModelState, PriceState } from "../protocol.gen";
import type { Size } from "./dimensions";

const DOLLARS = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 4,
});

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

/** What so many images of a size are expected to cost, or an empty text where nobody knows. */
export function estimateText(model: ModelState | undefined, count: number, size: Size | null): string {
  const price = model?.price;
  if (!price) return "";
  if (price.unit === "image") return `≈ ${dollars(Number(price.amount) * count)}`;
  // The provider chooses the size.
  if (!size) return priceText(price);
  return `≈ ${dollars((Number(price.amount) * count * size.width * size.height) / 1e6)}`;
}
