// Finding topics by the words of their titles.
import { t } from "../messages";
import type { TopicState } from "../protocol.gen";

/** The most topics that the user sees at a glance: they need no search. */
export const AT_A_GLANCE = 6;

/** Return whether a title has all of the words, in any order. */
export function holdsWords({ title }: TopicState, words: string): boolean {
  const text = (title || t.topics.untitled).toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
