// What one click asks for: each of its prompts from each of its models, each as a request of its own. Pure.
import type { Config, ModelState } from "../protocol.gen";
import { modelOf } from "./parameters";
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
