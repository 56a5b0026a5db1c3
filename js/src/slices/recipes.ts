// The full recipe of an image, loaded on demand.
import type { Send } from "../lib/answer";
import { modelOf } from "../lib/parameters";
import { upload } from "../lib/upload";
import type { RecipeState } from "../protocol.gen";
import { addFiles, type NamedBlob } from "./adding";
import { offerFound } from "./offers";
import type { Reach } from "./state";

/** Return the recipe of an image. Rejects with a `RequestError`. */
export async function recipeOf(send: Send, generationId: string): Promise<RecipeState> {
  const { result } = await send({ method: "recipe", generationId });
  if (result.type !== "recipe") throw new Error("the answer is no recipe");
  return result.recipe;
}

/** Take files as references. What a single file says of how it was made is offered too. */
export async function takeFiles(page: Reach, files: readonly NamedBlob[]): Promise<void> {
  const [file, ...others] = files;
  const { models, config, usable } = page.store.getState();
  const one = others.length === 0 && usable ? file : undefined;
  // If the file cannot be a reference, the user brought it for its settings.
  if (one && !modelOf(models, config.model)?.references && (await offerRecipe(page, one))) return;
  await addFiles(page, files);
  const added = page.store.getState().references.map(({ source }) => source);
  // A reference is read on its way. One that the model refused is not on its way.
  const refused = one && !added.some((source) => source.kind === "file" && source.blob === one.blob);
  if (refused && modelOf(models, config.model)?.references) await offerRecipe(page, one);
}

/** Offer what a file says of how it was made. Return false if it says nothing. */
async function offerRecipe(page: Reach, { name, blob }: NamedBlob): Promise<boolean> {
  // Only pictures say how they were made. Some systems do not know the kind of a file.
  if (blob.type !== "" && !blob.type.startsWith("image/")) return false;
  try {
    const { signal } = new AbortController();
    const { found } = await upload({ blob, purpose: "recipe", send: page.send, signal });
    return found !== null && offerFound(page, name, found);
  } catch {
    // The offer was a courtesy. If the file is broken, its refusal as a reference tells why.
    return false;
  }
}
