// The words of a preset around the prompt. Python joins them alike (`_rules/presets.py`). Pure.
import type { Config, PromptWords } from "../protocol.gen";

/** A prompt box, and the words around it. */
interface Worded {
  prompt: string;
  config: Pick<Config, "words">;
}

export const NO_WORDS: PromptWords = { prefix: "", suffix: "" };

/** Signs that stand directly after a word. Words after the prompt that begin with one get no space. */
const CLOSING = /^[,.;:!?…)\]，。；：！？、）]/;

/** Return what is sent for a text in the prompt box: the text with the words around it. */
export function wholePrompt({ prompt, config: { words } }: Worded): string {
  const before = words.prefix.trim();
  const after = words.suffix.trim();
  const own = prompt.trim();
  if (!own || !(before || after)) return prompt;
  return (before && `${before} `) + own + (after && !CLOSING.test(after) ? " " : "") + after;
}

/** Return what a sent prompt says beside the words, or the whole of it where it was sent without them. */
export function ownPrompt(sent: string, config: Worded["config"]): string {
  const [before = "", after = ""] = wholePrompt({ prompt: "\0", config }).split("\0");
  const end = sent.length - after.length;
  return sent.startsWith(before) && sent.endsWith(after) && end > before.length
    ? sent.slice(before.length, end)
    : sent;
}
