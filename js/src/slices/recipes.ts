// The full recipe of an image, loaded on demand.
import { modelOf } from "../lib/parameters";
import { t } from "../messages";
import type { RecipeState } from "../protocol.gen";
import type { NamedBlob } from "./references";
import type { Slice } from "./state";

export interface RecipesSlice {
  /** Return the recipe of an image. Rejects with a `RequestError`. */
  recipeOf(generationId: string): Promise<RecipeState>;
  /** Take files as references. If a single file was made here, offer its settings too. */
  takeFiles(files: readonly NamedBlob[]): Promise<void>;
  /** Offer the settings that an image file was made with. Return false if the file was not made here. */
  offerRecipe(file: Blob): Promise<boolean>;
}

export const createRecipesSlice: Slice<RecipesSlice> = (_set, get, send) => ({
  recipeOf: async (generationId) => {
    const { result } = await send({ method: "recipe", generationId });
    if (result.type !== "recipe") throw new Error("the answer is no recipe");
    return result.recipe;
  },
  takeFiles: async (files) => {
    const [file, ...others] = files;
    const one = others.length === 0 && get().usable ? file : undefined;
    const { models, config } = get();
    const offered = one && get().offerRecipe(one.blob);
    // If the file cannot be a reference, the user brought it for its settings.
    if (!modelOf(models, config.model)?.references && (await offered)) return;
    await Promise.all([get().addFiles(files), offered]);
  },
  offerRecipe: async (file) => {
    try {
      const digest = await digestOf(file);
      if (digest === null) return false;
      const { result } = await send({ method: "recipe_of", digest });
      if (result.type !== "recipe") return false;
      const { recipe } = result;
      const run = (): void => get().reuseRecipe(recipe);
      get().addNotice("info", t.references.madeHere, { label: t.references.useSettings, run, offer: true });
      return true;
    } catch {
      // The offer was a courtesy. If the file is broken, its upload tells why.
      return false;
    }
  },
});

/**
 * Return the sha256 of a file in hexadecimal digits; null on pages where browsers compute none (http, not
 * localhost).
 */
async function digestOf(file: Blob): Promise<string | null> {
  if (!crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
