// How an image was made, in full: asked for when somebody wants to know.
import type { RecipeState } from "../protocol.gen";
import type { Slice } from "./state";

export interface RecipesSlice {
  /** The recipe of an image. Rejects with a `RequestError`. */
  recipeOf(generationId: string): Promise<RecipeState>;
}

export const createRecipesSlice: Slice<RecipesSlice> = (_set, _get, send) => ({
  recipeOf: async (generationId) => {
    const { result } = await send({ method: "recipe", generationId });
    if (result.type !== "recipe") throw new Error("the answer is no recipe");
    return result.recipe;
  },
});
