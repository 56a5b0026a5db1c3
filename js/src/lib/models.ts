// What the page says of a model. Pure.
import { language, t } from "../messages";
import type { ModelState } from "../protocol.gen";

/** Return the name of the model that follows a retired one, or null. */
export function successorOf({ provider, successor }: ModelState): string | null {
  return successor && `${provider}:${successor}`;
}

/** Return whether the provider no longer offers a model. */
export function isRetired({ retiredOn }: ModelState, now: number): boolean {
  return retiredOn !== null && Date.parse(retiredOn) <= now;
}

const MINUTE = 60_000;

/**
 * Return the notice beside a model. The page has words of its own for the demo; other notices are shown as they
 * are.
 */
export function noticeOf({ provider, notice }: ModelState): string {
  return (notice && provider === "demo" && t.model.demo) || notice;
}

/** Return a date of the kernel's as the page writes it. */
export function dayText(date: string): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeZone: "UTC" }).format(
    Date.parse(date),
  );
}

/** Return how long ago something was, in words: "5 minutes ago". */
export function since(then: number, now: number): string {
  const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  const minutes = Math.max(Math.floor((now - then) / MINUTE), 0);
  if (minutes < 1) return words.format(0, "second");
  if (minutes < 60) return words.format(-minutes, "minute");
  if (minutes < 24 * 60) return words.format(-Math.floor(minutes / 60), "hour");
  return words.format(-Math.floor(minutes / 24 / 60), "day");
}
