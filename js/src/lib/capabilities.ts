// What a model can do, in words. Pure.
import { t } from "../messages/picker";
import type { ModelState } from "../protocol.gen";

/** Return what a model can do, the things first that decide which model one takes. */
export function capabilities(model: ModelState): string[] {
  const { references, mask, seed, previews, progress, cancel, nativeN } = model;
  return [
    references && t.model.references(references.maxCount),
    mask && t.model.mask,
    seed === "exact" && t.model.exactSeed,
    nativeN > 1 && t.model.several(nativeN),
    // Who shows previews shows the progress too.
    previews ? t.model.previews : progress && t.model.progress,
    cancel === "full" && t.model.cancel,
    cancel === "queued" && t.model.cancelQueued,
  ].filter((word) => typeof word === "string");
}
