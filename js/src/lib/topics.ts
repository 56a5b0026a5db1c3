// Topics are found by the words of their titles.
import { t } from "../messages";
import type { TopicState } from "../protocol.gen";

/** Up to so many topics are seen at a glance, and need no search. */
export const AT_A_GLANCE = 6;

/** Whether a title has all of the words, in any order. */
export function holdsWords({ title }: TopicState, words: string): boolean {
  const text = (title || t.topics.untitled).toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
