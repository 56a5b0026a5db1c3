// What one click asks for: each of its prompts from each of its models, each as a request of its own. Pure.
import { t } from "../messages";
import type { Config, ModelState, ProviderState } from "../protocol.gen";
import { dayText } from "./models";
import { modelOf } from "./parameters";
import { type Candidate, problemsOf } from "./references";
import { countVariants, lengthOf, longestVariant } from "./variants";

/** The most requests of one click. */
export const MAX_REQUESTS = 16;

/** Return the names of the models that a click asks, the chosen model first. */
export function askedNames({ model, alsoModels }: Pick<Config, "model" | "alsoModels">): string[] {
  return [...new Set([model, ...alsoModels])];
}

/** Return the known models that a click asks, the chosen one first; none if the chosen model is not known. */
export function askedModels(models: readonly ModelState[], config: Config): ModelState[] {
  const found = askedNames(config).flatMap((name) => modelOf(models, name) ?? []);
  return found[0]?.name === config.model ? found : [];
}

/** Return how many requests a click makes. */
export function countRequests(prompt: string, models: readonly ModelState[]): number {
  return countVariants(prompt) * models.length;
}

/** Return a count as a text; above 999 only that there are more. */
export function countText(count: number): string {
  return count > 999 ? "999+" : String(count);
}

/** Return the model with the lowest limit of characters, if any model has a limit. */
export function strictest(models: readonly ModelState[]): { model: ModelState; limit: number } | null {
  let found: { model: ModelState; limit: number } | null = null;
  for (const model of models) {
    const limit = model.maxPrompt;
    if (limit !== null && (found === null || limit < found.limit)) found = { model, limit };
  }
  return found;
}

/** Return the most characters that would be sent as a prompt. */
export function longest(prompt: string): number {
  return lengthOf(longestVariant(prompt).trim());
}

function keyMissing({ provider }: ModelState, providers: readonly ProviderState[]): boolean {
  return providers.some(({ name, key }) => name === provider && key === "missing");
}

function isRetired({ retiredOn }: ModelState, now: number): boolean {
  return retiredOn !== null && Date.parse(retiredOn) <= now;
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
