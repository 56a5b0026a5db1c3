// What the page says of a model. Pure.
import { language, t } from "../messages";
import type { ModelState } from "../protocol.gen";

/** One thing that a model can do: its icon and its word. */
export interface Capability {
  icon: "images" | "mask" | "preview" | "progress" | "cancelled" | "seed" | "several";
  text: string;
  /** The number beside the icon, where the word does not fit. */
  count: number | null;
}

/** Return what a model can do. */
export function capabilities(model: ModelState): Capability[] {
  const { references, nativeN, cancel } = model;
  const all: Capability[] = [];
  const add = (icon: Capability["icon"], text: string, count: number | null = null): void => {
    all.push({ icon, text, count });
  };
  if (references) {
    const { maxCount } = references;
    add("images", t.model.references(maxCount), maxCount);
  }
  if (model.mask) add("mask", t.model.mask);
  if (nativeN > 1) add("several", t.model.several(nativeN), nativeN);
  if (model.seed === "exact") add("seed", t.model.exactSeed);
  if (model.previews) add("preview", t.model.previews);
  if (model.progress) add("progress", t.model.progress);
  if (cancel === "full") add("cancelled", t.model.cancel);
  if (cancel === "queued") add("cancelled", t.model.cancelQueued);
  return all;
}

/** Return the name of the model that follows a retired one, or null. */
export function successorOf({ provider, successor }: ModelState): string | null {
  return successor && `${provider}:${successor}`;
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
