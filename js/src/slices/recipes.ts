// The full recipe of an image, loaded on demand.
import type { Send } from "../lib/answer";
import { modelOf } from "../lib/parameters";
import { t } from "../messages/adding";
import type { RecipeState } from "../protocol.gen";
import { addFiles, type NamedBlob } from "./adding";
import type { Reach } from "./state";

/** Return the recipe of an image. Rejects with a `RequestError`. */
export async function recipeOf(send: Send, generationId: string): Promise<RecipeState> {
  const { result } = await send({ method: "recipe", generationId });
  if (result.type !== "recipe") throw new Error("the answer is no recipe");
  return result.recipe;
}

/** Take files as references. If a single file was made here, offer its settings too. */
export async function takeFiles(page: Reach, files: readonly NamedBlob[]): Promise<void> {
  const [file, ...others] = files;
  const { models, config, usable } = page.store.getState();
  const one = others.length === 0 && usable ? file : undefined;
  const offered = one && offerRecipe(page, one.blob);
  // If the file cannot be a reference, the user brought it for its settings.
  if (!modelOf(models, config.model)?.references && (await offered)) return;
  await Promise.all([addFiles(page, files), offered]);
}

/** Offer the settings that an image file was made with. Return false if the file was not made here. */
async function offerRecipe({ store, send }: Reach, file: Blob): Promise<boolean> {
  try {
    const digest = await digestOf(file);
    if (digest === null) return false;
    const { result } = await send({ method: "recipe_of", digest });
    if (result.type !== "recipe") return false;
    const { recipe } = result;
    const { addNotice, reuseRecipe } = store.getState();
    const run = (): void => reuseRecipe(recipe);
    addNotice("info", t.references.madeHere, { label: t.references.useSettings, run, offer: true });
    return true;
  } catch {
    // The offer was a courtesy. If the file is broken, its upload tells why.
    return false;
  }
}

/**
 * Return the sha256 of a file in hexadecimal digits; null on pages where browsers compute none (http, not
 * localhost).
 */
async function digestOf(file: Blob): Promise<string | null> {
  if (!crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
