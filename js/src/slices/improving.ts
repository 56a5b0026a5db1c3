// The prompt that a text model improves, and how it was before. `improve` asks the model.
import { modelOf } from "../lib/parameters";
import { anyOf } from "../lib/words";
import { t } from "../messages";
import type { Slice, State } from "./state";

export interface ImprovingSlice {
  /** The prompt that a text model is improving, and its topic. `ask` is the number of the question. */
  improving: { topicId: string | null; prompt: string; ask: number } | null;
  /** The prompts that were improved, the newest last. */
  improvements: readonly Improvement[];

  /** Keep the prompt as it is, whatever the text model answers. */
  cancelImproving(): void;
  /**
   * Put back the prompt from before the improvement, unless the user changed the text since. Return whether it was
   * put back.
   */
  undoImproving(): boolean;
  /** Put back the prompt from before an improvement. */
  putBackPrompt(improvement: Improvement): void;
  /** Note that the "new topic" screen became a topic: what is improved there belongs to the topic now. */
  moveImproving(topicId: string): void;
}

/** A prompt that was improved, and can be put back. */
export interface Improvement {
  topicId: string | null;
  before: string;
  after: string;
  notice: number | undefined;
}

export const createImprovingSlice: Slice<ImprovingSlice> = (set, get) => ({
  improving: null,
  improvements: [],

  cancelImproving: () => {
    if (!get().improving) return;
    set({ improving: null });
    get().announce(t.improve.cancelled);
  },
  undoImproving: () => {
    const { activeTopicId, prompt, improvements } = get();
    const last = improvements.at(-1);
    if (!last || last.topicId !== activeTopicId || last.after !== prompt) return false;
    get().putBackPrompt(last);
    return true;
  },
  putBackPrompt: (improvement) => {
    set(({ improvements }) => ({ improvements: improvements.filter((other) => other !== improvement) }));
    if (improvement.notice !== undefined) get().dismissNotice(improvement.notice);
    get().writePrompt(improvement.topicId, improvement.before);
    get().announce(t.improve.undone);
  },
  moveImproving: (topicId) => {
    const { improving, improvements } = get();
    if (improving?.topicId === null) set({ improving: { ...improving, topicId } });
    // In place: the notice about an improvement holds it.
    for (const improvement of improvements) improvement.topicId ??= topicId;
  },
});

/** Return the name of the text model that improves prompts for the chosen model, or null if no key opens one. */
export function writerOf({ models, config, providers }: State): string | null {
  const own = modelOf(models, config.model)?.provider;
  // A snapshot in a saved notebook may be of an older version.
  const [provider, ...id] = providers.find(({ name }) => name === own)?.writer?.split(":") ?? [];
  if (provider === undefined) return null;
  const title = providers.find(({ name }) => name === provider)?.title ?? provider;
  return `${title} ${id.join(":")}`;
}

/** Return why no text model can improve a prompt, with the providers whose keys would help. */
export function writerMissing({ providers }: State): string {
  return t.improve.needs(anyOf(providers.filter(({ writes }) => writes).map(({ title }) => title)));
}
