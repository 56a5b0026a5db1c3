// Numbers and times as people read them. Pure.
import type { Difference } from "../protocol.gen";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was: "now", "5 min", "3 h", "2 d", then the date. */
export function ago(then: number, now: number): string {
  const passed = Math.max(now - then, 0);
  if (passed < MINUTE) return "now";
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h`;
  if (passed < 14 * DAY) return `${Math.floor(passed / DAY)} d`;
  return new Date(then).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

/** A running time: "7 s", "1:05". */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(Math.floor(milliseconds / 1000), 0);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A time that is over: "0.4 s", "12 s", "2:10". */
export function took(milliseconds: number): string {
  return milliseconds < 9950 ? `${(Math.max(milliseconds, 0) / 1000).toFixed(1)} s` : elapsed(milliseconds);
}

export function sizeText(width: number | null, height: number | null): string {
  return width && height ? `${width} × ${height}` : "";
}

export function differenceText({ parameter, requested, applied }: Difference): string {
  const word = (value: Difference["applied"]): string => (value === null ? "none" : String(value));
  return `${parameter}: ${word(requested)} → ${word(applied)}`;
}

/** A number of bytes: "812 KB", "1.4 MB". */
export function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(Math.round(bytes / 1e3), 1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A moment in full, in the host's form. */
export function moment(milliseconds: number): string {
  return new Date(milliseconds).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
