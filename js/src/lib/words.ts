// Numbers and times as people read them, in the language of the page.
import { language, t } from "../messages";
import type { Difference, GenerationState } from "../protocol.gen";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Return how long ago something was: "now", "5 min", "3 h", "2 d", then the date. */
export function ago(then: number, now: number): string {
  const passed = Math.max(now - then, 0);
  if (passed < MINUTE) return t.time.now;
  if (passed < HOUR) return t.time.minutes(Math.floor(passed / MINUTE));
  if (passed < DAY) return t.time.hours(Math.floor(passed / HOUR));
  if (passed < 14 * DAY) return t.time.days(Math.floor(passed / DAY));
  return new Date(then).toLocaleDateString(language(), { year: "numeric", month: "short", day: "numeric" });
}

/** Return the time that something has run so far: "7 s", "1:05". */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(Math.floor(milliseconds / 1000), 0);
  if (seconds < 60) return t.time.seconds(String(seconds));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Return the time that something usually takes, rounded as people say it: "4 s", "20 s", "2 min". */
export function roughly(seconds: number): string {
  if (seconds >= 57.5) return t.time.minutes(Math.max(Math.round(seconds / 60), 1));
  const step = seconds < 10 ? 1 : 5;
  return t.time.seconds(String(Math.max(Math.round(seconds / step) * step, 1)));
}

/** Return the time that something took: "0.4 s", "12 s", "2:10". */
export function took(milliseconds: number): string {
  return milliseconds < 9950
    ? t.time.seconds((Math.max(milliseconds, 0) / 1000).toFixed(1))
    : elapsed(milliseconds);
}

export function sizeText(width: number | null, height: number | null): string {
  return width && height ? `${width} × ${height}` : "";
}

export function differenceText(difference: Difference): string {
  const { parameter } = difference;
  return `${t.parameter.titles[parameter] ?? parameter}: ${valuesText(difference)}`;
}

/** Return a difference in words so short that its name is left out. */
export function changeText(difference: Difference): string {
  // The names of models are too long for a tile.
  return difference.parameter === "model" ? t.tile.otherModel : valuesText(difference);
}

function valuesText({ requested, applied }: Difference): string {
  const word = (value: Difference["applied"]): string => (value === null ? t.tile.none : String(value));
  return `${word(requested)} → ${word(applied)}`;
}

/** Return names as alternatives: "OpenAI, fal, or Replicate". */
export function anyOf(names: readonly string[]): string {
  return new Intl.ListFormat(language(), { type: "disjunction" }).format(names);
}

/** Return a score in few digits: "0.31", "1240", "1.2e-7". */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Return the scores and tags of an image in words, the scores first. */
export function labelsOf({ scores, tags }: Pick<GenerationState, "scores" | "tags">): string[] {
  // Both are missing in notebooks of older versions.
  return [
    ...Object.entries(scores ?? {}).map(([name, value]) => `${name} ${numberText(value)}`),
    ...(tags ?? []),
  ];
}
