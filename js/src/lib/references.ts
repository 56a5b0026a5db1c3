// Which references a model takes, and why it does not take others. Pure.
import { t } from "../messages";
import type { ModelState } from "../protocol.gen";

/** What is known of an image before it is sent. */
export interface Candidate {
  /** Empty if the file is not an image, null if that is not known yet. */
  mediaType: string | null;
  /** Null if the page does not know the size: the kernel then checks it. */
  bytes: number | null;
}

/** Return why a model does not take an image as its reference number `place` (0: the first); null where it does. */
export function problemOf(candidate: Candidate, place: number, model: ModelState | undefined): string | null {
  const rule = model?.references;
  if (!model || !rule) return t.references.takesNone(model?.title ?? "");
  const { mediaType, bytes } = candidate;
  if (mediaType === "") return t.references.noImage;
  if (mediaType !== null && rule.mediaTypes.length > 0 && !rule.mediaTypes.includes(mediaType))
    return t.references.wrongKind(kindText(mediaType), rule.mediaTypes.map(kindText));
  if (bytes !== null && bytes > rule.maxBytes)
    return t.references.tooLarge(megabytes(bytes), megabytes(rule.maxBytes));
  return place >= rule.maxCount ? t.references.tooMany(rule.maxCount) : null;
}

/**
 * Return for each reference why it is not sent, or null if it is. The first references that the model takes are
 * sent.
 */
export function problemsOf(items: readonly Candidate[], model: ModelState | undefined): (string | null)[] {
  let place = 0;
  return items.map((item) => {
    const problem = problemOf(item, place, model);
    if (problem === null) place += 1;
    return problem;
  });
}

/** "PNG", "JPEG"… */
export function kindText(mediaType: string): string {
  return (mediaType.split("/")[1] ?? mediaType).replace(/\+.*/, "").toUpperCase();
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1).replace(/\.0$/, "")} MB`;
}

/** Return the link in a text that was dropped or typed; null if the kernel may not fetch it. */
export function linkOf(text: string): string | null {
  const line = text.split("\n").find((each) => each.trim() !== "" && !each.startsWith("#")) ?? "";
  try {
    const url = new URL(line.trim());
    return url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Return the list with one entry moved to another place. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.filter((_, index) => index !== from);
  const entry = list[from];
  const place = Math.min(Math.max(to, 0), rest.length);
  return entry === undefined ? [...list] : [...rest.slice(0, place), entry, ...rest.slice(place)];
}
