// What a model would not take of a click. Pure.
import { t } from "../messages/picker";
import type { ModelState, ProviderState } from "../protocol.gen";
import { dayText, isRetired } from "./models";
import { type Candidate, problemsOf } from "./references";
import { longest } from "./several";

function keyMissing({ provider }: ModelState, providers: readonly ProviderState[]): boolean {
  return providers.some(({ name, key }) => name === provider && key === "missing");
}

/** The parts of a request that a model may not take. */
interface Load {
  prompt: string;
  references: readonly Candidate[];
  masked: boolean;
}

/** Return which parts of a click a model does not take, each in a sentence. */
export function objections(
  model: ModelState,
  providers: readonly ProviderState[],
  now: number,
  { prompt, references, masked }: Load,
): string[] {
  const over = model.maxPrompt === null ? 0 : longest(prompt) - model.maxPrompt;
  const problems = problemsOf(references, model).filter((problem) => problem !== null);
  const words = [...new Set(problems)].map((word) =>
    t.references.notSent(problems.filter((problem) => problem === word).length, word),
  );
  return [
    keyMissing(model, providers) && t.model.keyMissing,
    isRetired(model, now) && t.model.retired(dayText(model.retiredOn ?? "")),
    over > 0 && t.model.promptTooLong(over),
    ...words,
    masked && model.references && !model.mask && t.mask.takesNone(model.title),
  ].filter((word) => typeof word === "string");
}
