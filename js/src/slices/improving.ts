// Improving a prompt with a text model, and Undo.
import { errorState } from "../lib/answer";
import { modelOf } from "../lib/parameters";
import { anyOf } from "../lib/words";
import { t } from "../messages";
import type { Improve } from "../protocol.gen";
import { promptOf } from "./drafts";
import type { Slice, State } from "./state";

export interface ImprovingSlice {
  /** The prompt that a text model is improving, and its topic. */
  improving: { topicId: string | null; prompt: string } | null;

  /**
   * Let a text model improve the prompt. If the user changes the prompt meanwhile, the change stays. `confirm` agrees
   * to pay an unknown price.
   */
  improve(mode: Improve["mode"], confirm?: boolean): Promise<void>;
  /** Keep the prompt as it is, whatever the text model answers. */
  cancelImproving(): void;
  /**
   * Put back the prompt from before the improvement, unless the user changed the text since. Return whether it was
   * put back.
   */
  undoImproving(): boolean;
  /** Note that the "new topic" screen became a topic: what is improved there belongs to the topic now. */
  moveImproving(topicId: string): void;
}

/** A prompt that was improved, and can be put back. */
interface Improvement {
  topicId: string | null;
  before: string;
  after: string;
  notice: number | undefined;
}
/** How many improvements can be taken back, one after the other. */
const MAX_IMPROVEMENTS = 8;

export const createImprovingSlice: Slice<ImprovingSlice> = (set, get, send) => {
  let asks = 0;
  /** The newest last. */
  let improvements: Improvement[] = [];

  const putBack = (improvement: Improvement): void => {
    improvements = improvements.filter((other) => other !== improvement);
    if (improvement.notice !== undefined) get().dismissNotice(improvement.notice);
    get().writePrompt(improvement.topicId, improvement.before);
    get().announce(t.improve.undone);
  };

  /** Tell that a prompt was improved, and offer Undo. */
  function tell(mode: Improve["mode"], improvement: Improvement): void {
    const { topicId } = improvement;
    const { topics, activeTopicId } = get();
    const title = topics.find(({ id }) => id === topicId)?.title ?? t.frame.newTopic;
    const text = mode === "expand" ? t.improve.improved : t.improve.translated;
    improvements = [...improvements.slice(1 - MAX_IMPROVEMENTS), improvement];
    get().addNotice("info", text(topicId === activeTopicId ? null : title), {
      label: t.notice.undo,
      run: () => putBack(improvement),
    });
    improvement.notice = get().notices.at(-1)?.id;
  }

  return {
    improving: null,

    improve: async (mode, confirm = false) => {
      const { usable, prompt, activeTopicId, config } = get();
      if (!usable || prompt.trim() === "") return;
      asks += 1;
      const number = asks;
      // The prompt may move to another topic, so that only the number tells whether this answer is still wanted.
      const wanted = (): ImprovingSlice["improving"] => (number === asks ? get().improving : null);
      set({ improving: { topicId: activeTopicId, prompt } });
      get().announce(t.improve.working);
      try {
        const { result } = await send({ method: "improve", prompt, mode, model: config.model, confirm });
        const now = wanted();
        if (!now || result.type !== "improved") return;
        set({ improving: null });
        const late = promptOf(get(), now.topicId) !== prompt;
        if (late || result.prompt === prompt.trim()) {
          get().addNotice("info", late ? t.improve.cancelled : t.improve.same);
          return;
        }
        get().writePrompt(now.topicId, result.prompt);
        tell(mode, { topicId: now.topicId, before: prompt, after: result.prompt, notice: undefined });
      } catch (cause) {
        if (!wanted()) return;
        const error = errorState(cause);
        // The kernel's own words are meant for code.
        if (error.code === "missing_key" && writerOf(get()) === null)
          get().addNotice("info", writerMissing(get()));
        else get().addRefusal(cause, t.improve.anyway, () => void get().improve(mode, true));
      } finally {
        if (wanted()) set({ improving: null });
      }
    },
    cancelImproving: () => {
      if (!get().improving) return;
      set({ improving: null });
      get().announce(t.improve.cancelled);
    },
    undoImproving: () => {
      const last = improvements.at(-1);
      const { activeTopicId, prompt } = get();
      if (!last || last.topicId !== activeTopicId || last.after !== prompt) return false;
      putBack(last);
      return true;
    },
    moveImproving: (topicId) => {
      const { improving } = get();
      if (improving?.topicId === null) set({ improving: { ...improving, topicId } });
      for (const improvement of improvements) improvement.topicId ??= topicId;
    },
  };
};

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
