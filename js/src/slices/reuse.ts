// Putting back how a batch or an image was made.
import { modelOf } from "../lib/parameters";
import { NO_WORDS } from "../lib/presets";
import { patternOf } from "../lib/variants";
import { t } from "../messages";
import type { BatchState, RecipeState } from "../protocol.gen";
import type { Slice } from "./state";

export interface ReuseSlice {
  /** Put the prompt, the model and the parameters of a batch back into the panel. */
  reuse(batch: BatchState): void;
  /** Put the recipe of one image back into the panel, with its seed. */
  reuseRecipe(recipe: Reused): void;
  reuseSeed(batch: BatchState, seed: number): void;
}

/** What is reused of a recipe. */
type Reused = Pick<RecipeState, "prompt" | "model" | "modelTitle" | "requested" | "references" | "mask">;

type Made = Pick<BatchState, "prompt" | "model" | "modelTitle" | "params" | "references" | "mask">;

export const createReuseSlice: Slice<ReuseSlice> = (_set, get) => {
  /** Put a recipe back into the panel. Return false if its model is not offered any more. */
  const takeOver = (made: Made): boolean => {
    // The prompt of the recipe is whole.
    get().changeConfig({ words: NO_WORDS });
    get().setPrompt(patternOf(made.prompt));
    const model = modelOf(get().models, made.model);
    if (!model) {
      get().addNotice("warning", t.composer.modelGone(made.modelTitle));
      return false;
    }
    // The recipe is one request of one model.
    for (const name of get().config.alsoModels) get().toggleAlso(name);
    if (get().config.model !== model.name) get().chooseModel(model.name);
    get().resetParameters();
    const known = model.parameters.filter((parameter) => parameter.name in made.params);
    get().setParameters(
      Object.fromEntries(known.map(({ name }) => [name, made.params[name] ?? null] as const)),
    );
    get().takeReferences(made.references, made.mask);
    return true;
  };

  return {
    reuse: (batch) => {
      if (takeOver(batch)) get().setCount(batch.generations.length);
    },
    reuseRecipe: ({ requested, ...recipe }) => void takeOver({ ...recipe, params: requested }),

    reuseSeed: (batch, seed) => {
      const { models, config } = get();
      const seedOf = (name: string) =>
        modelOf(models, name)?.parameters.find((parameter) => parameter.kind === "seed");
      const own = seedOf(config.model);
      if (own) get().setParameter(own.name, seed);
      else {
        const other = seedOf(batch.model);
        if (!other) return;
        get().chooseModel(batch.model);
        get().setParameter(other.name, seed);
      }
      get().addNotice("info", t.composer.seedSet(seed));
    },
  };
};
