// The presets of the user: a model, its parameters and words around the prompt, kept under a name.
import { causeText, errorState, errorText } from "../lib/answer";
import { isChanged, modelOf, type Values } from "../lib/parameters";
import { t } from "../messages/picker";
import type { ErrorState, PresetState, PromptWords } from "../protocol.gen";
import type { Reach, State } from "./state";

/** What the panel would keep in a preset. */
export interface Kept extends PromptWords {
  model: string;
  params: Values;
}

/** Return all presets, sorted by name. */
export async function readPresets({ send }: Reach): Promise<PresetState[]> {
  const { result } = await send({ method: "presets" });
  return result.type === "presets" ? result.presets : [];
}

/** Return what the panel holds now: its model, and the parameters that differ from the defaults. */
export function kept({ models, config }: Pick<State, "models" | "config">): Kept {
  const values = config.params[config.model];
  const changed = modelOf(models, config.model)?.parameters.filter((one) => isChanged(one, values)) ?? [];
  const params = Object.fromEntries(changed.map(({ name }) => [name, values?.[name] ?? null]));
  return { model: config.model, params, ...config.words };
}

/** Return whether the panel holds just what a preset would bring. */
export function isApplied(state: Pick<State, "models" | "config">, preset: PresetState): boolean {
  const now = kept(state);
  const { model, params, prefix, suffix } = preset;
  if (now.prefix !== prefix || now.suffix !== suffix) return false;
  const names = Object.keys(params);
  const same = names.length === Object.keys(now.params).length;
  return (
    model === null ||
    (model === now.model && same && names.every((name) => params[name] === now.params[name]))
  );
}

/** Put a preset into the panel, in one step: its model alone, its parameters and its words. */
export async function applyPreset({ store }: Reach, preset: PresetState): Promise<void> {
  const { name, model, params, prefix, suffix } = preset;
  const { learnModel, addNotice, announce } = store.getState();
  const failure = model === null ? null : await learnModel(model);
  if (failure) {
    addNotice("error", errorText(failure));
    return;
  }
  const { config, changeConfig, saveConfig } = store.getState();
  const chosen = model !== null && { model, alsoModels: [], params: { ...config.params, [model]: params } };
  changeConfig({ ...chosen, words: { prefix, suffix } });
  if (model !== null) store.getState().rememberModel(model);
  saveConfig();
  announce(t.preset.applied(name));
}

/** Remove the words on one side of the prompt. */
export function dropWords({ store }: Reach, side: keyof PromptWords): void {
  const { config, changeConfig } = store.getState();
  changeConfig({ words: { ...config.words, [side]: "" } });
}

/** Keep what the panel holds, with these words, under a name. Return why the kernel refused it, or null. */
export async function savePreset(
  { store, send }: Reach,
  name: string,
  words: PromptWords,
  replace: boolean,
): Promise<ErrorState | null> {
  const { prefix, suffix } = { prefix: words.prefix.trim(), suffix: words.suffix.trim() };
  try {
    await send({ method: "save_preset", name, ...kept(store.getState()), prefix, suffix, replace });
  } catch (cause) {
    return errorState(cause);
  }
  const { changeConfig, announce } = store.getState();
  // The preset that was just saved is what the panel holds from now on.
  changeConfig({ words: { prefix, suffix } });
  announce(t.preset.saved(name));
  return null;
}

/** Give a preset another name. Return why the kernel refused it, or null. */
export async function renamePreset({ send }: Reach, name: string, to: string): Promise<ErrorState | null> {
  try {
    await send({ method: "rename_preset", name, to });
    return null;
  } catch (cause) {
    return errorState(cause);
  }
}

/** Delete a preset. The notice about it brings it back. Return whether it was deleted. */
export async function deletePreset({ store, send }: Reach, preset: PresetState): Promise<boolean> {
  const { addNotice, announce } = store.getState();
  const { gone: _, ...whole } = preset;
  try {
    await send({ method: "delete_preset", name: preset.name });
  } catch (cause) {
    addNotice("error", causeText(cause));
    return false;
  }
  const run = async (): Promise<void> => {
    try {
      await send({ method: "restore_preset", ...whole });
      announce(t.notice.undone);
    } catch (cause) {
      addNotice("error", causeText(cause));
    }
  };
  addNotice("info", t.preset.deleted(preset.name), { label: t.notice.undo, run: () => void run() });
  return true;
}
