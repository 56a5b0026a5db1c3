// What a batch is called. Pure.
import { t } from "../messages";
import type { BatchState } from "../protocol.gen";

/** Return the prompt; of a request without words, what it does, or its model. */
export function wordsOf({ prompt, action, modelTitle }: BatchState): string {
  return prompt || (action && t.batch.actions[action]) || modelTitle;
}
