// The prompts that were sent before, and the walk through them with the arrow keys.
import { ownPrompt } from "../lib/presets";
import { patternOf } from "../lib/variants";
import type { Slice } from "./state";

/** How many earlier prompts the arrow keys walk through. */
export const MAX_PROMPTS = 100;

export interface PromptsSlice {
  /** Earlier prompts, the newest first; null until they are loaded. */
  prompts: string[] | null;
  /** The index of the earlier prompt that is shown, and the text that it replaced. */
  walk: { at: number; unsent: string } | null;

  /** Show the prompt that was sent before the shown one (1), or after it (-1). */
  walkPrompts(step: 1 | -1): Promise<void>;
  /** Note a prompt that was sent, as it was written. */
  notePrompt(prompt: string): void;
}

export const createPromptsSlice: Slice<PromptsSlice> = (set, get, send) => ({
  prompts: null,
  walk: null,

  walkPrompts: async (step) => {
    if (get().prompts === null) {
      const { prompt, activeTopicId } = get();
      set({ prompts: [] });
      try {
        const { result } = await send({ method: "prompts", limit: MAX_PROMPTS });
        if (result.type === "prompts") {
          const newer = get().prompts ?? [];
          const sent = result.prompts.map(patternOf);
          set({ prompts: [...newer, ...sent.filter((prompt) => !newer.includes(prompt))] });
        }
      } catch {
        // Without them the arrow keys do nothing; the next press asks again.
        set({ prompts: null });
        return;
      }
      // A text that the user wrote meanwhile is not replaced.
      if (get().prompt !== prompt || get().activeTopicId !== activeTopicId) return;
    }
    const { walk, prompt, config } = get();
    // The words of a preset stand around the prompt already.
    const prompts = (get().prompts ?? []).map((sent) => ownPrompt(sent, config));
    const unsent = walk ? walk.unsent : prompt;
    let at = (walk?.at ?? -1) + step;
    // After a request its prompt is still in the box: the first step would change nothing.
    while (at >= 0 && prompts[at] === prompt) at += step;
    if (at < 0) {
      if (walk) set({ prompt: unsent, walk: null });
      return;
    }
    const earlier = prompts[at];
    if (earlier !== undefined) set({ prompt: earlier, walk: { at, unsent } });
  },

  notePrompt: (prompt) =>
    set(({ prompts }) =>
      prompts === null || prompts[0] === prompt
        ? {}
        : { prompts: [prompt, ...prompts.filter((other) => other !== prompt)].slice(0, MAX_PROMPTS) },
    ),
});
