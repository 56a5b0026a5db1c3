// Prices in words. Pure.
import { t } from "../messages";
import type { PriceState } from "../protocol.gen";

const DOLLARS = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 4,
});

/** Return an amount of USD, a decimal string or a number: "$0.04". */
export function dollars(amount: string | number): string {
  return DOLLARS.format(Number(amount));
}

/** What a request costs by the list price, in USD: the least and the most. */
export interface Cost {
  least: number;
  most: number;
}

/** Return a range of amounts: "$0.006–0.211", or "$0.04". */
export function range({ least, most }: Cost): string {
  const [low, high] = [dollars(least), dollars(most)];
  return low === high ? low : `${low}–${high.slice(1)}`;
}

/** Return the price of one unit: "$0.04 / image", or an empty text. */
export function priceText(price: PriceState | null): string {
  if (!price) return "";
  const amount = range({ least: Number(price.least), most: Number(price.most) });
  return price.unit === "image" ? t.model.perImage(amount) : t.model.perMegapixel(amount);
}
