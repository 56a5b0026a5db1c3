// What is written and not sent yet: the draft of each topic, what a text model makes of it, and the prompts
// that were sent before.
import { errorState, errorText } from "../lib/answer";
import { modelOf } from "../lib/parameters";
import { patternOf } from "../lib/variants";
import { anyOf } from "../lib/words";
import { t } from "../messages";
import type { Draft, Improve } from "../protocol.gen";
import { referencesToSave } from "./references";
import type { Slice, State } from "./state";

/** How long a draft must rest before it is saved, in milliseconds. */
export const DRAFT_DELAY = 600;
/** How many earlier prompts the arrow keys walk through. */
export const MAX_PROMPTS = 100;

export interface DraftsSlice {
  /** What stands in the prompt box. */
  prompt: string;
  /** The drafts of topics that were shown, by topic; "" is the "new topic" screen. That of the topic which is
   * shown now is as old as its showing: `shownDraft` gives it. */
  drafts: Record<string, Draft>;
  /** Earlier prompts, the newest first; null as long as nobody asked for them. */
  prompts: string[] | null;
  /** An earlier prompt is shown: which one, and what stood there before. */
  walk: { at: number; unsent: string } | null;
  /** The prompt that a text model is rewriting, and where it stands. */
  improving: { topicId: string | null; prompt: string } | null;

  setPrompt(prompt: string): void;
  /** Shows the prompt that was sent before the one shown (1), or after it (-1). */
  walkPrompts(step: 1 | -1): Promise<void>;
  /** Takes in what was written for a prompt that was sent. */
  notePrompt(prompt: string): void;
  /** The user changed what would be sent: it is saved when it has rested. */
  scheduleDraft(): void;
  /** Saves now what waits to be saved. */
  saveDraft(): void;
  /** Shows a topic with its own draft; null is the "new topic" screen. */
  showTopic(id: string | null): void;
  /** Takes in a draft from the kernel, unless the user has a newer one here. */
  receiveDraft(topicId: string | null, draft: Draft): void;
  /** A topic was made from the "new topic" screen: the draft goes with it. */
  moveDraft(topicId: string): void;
  /** Has a text model rewrite the prompt. What was changed meanwhile is never written over. */
  improve(mode: Improve["mode"]): Promise<void>;
  /** The prompt stays, whatever the text model says. */
  cancelImproving(): void;
  /** Puts back the prompt that was improved, as long as nothing else was written. Says whether it did. */
  undoImproving(): boolean;
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

export const NO_DRAFT: Draft = { prompt: "", references: [], mask: null };
const NEW = "";

export const createDraftsSlice: Slice<DraftsSlice> = (set, get, send) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let changes = 0;
  let asks = 0;
  /** What the kernel does not have yet: the number of the last change, by topic. */
  const unsaved = new Map<string, number>();
  /** The newest last. */
  let improvements: Improvement[] = [];

  const save = (topicId: string | null): void => {
    const key = topicId ?? NEW;
    const change = unsaved.get(key);
    if (change === undefined || !get().live) return;
    const { prompt, references, mask } = draftOf(get(), topicId);
    send({
      method: "save_draft",
      topicId,
      prompt,
      references: references.map(({ digest }) => digest),
      mask: mask?.digest ?? null,
    })
      .then(() => {
        if (unsaved.get(key) === change) unsaved.delete(key);
      })
      // It stays here, and is sent with the next change or when the kernel is there again.
      .catch(() => undefined);
  };

  const changed = (topicId: string | null): void => {
    changes += 1;
    unsaved.set(topicId ?? NEW, changes);
  };

  const schedule = (topicId: string | null): void => {
    changed(topicId);
    clearTimeout(timer);
    timer = setTimeout(() => get().saveDraft(), DRAFT_DELAY);
  };

  /** Writes a prompt where it belongs; the user may be in another topic by now. */
  const write = (topicId: string | null, prompt: string): void => {
    const { activeTopicId, drafts, topics } = get();
    if (activeTopicId === topicId) get().setPrompt(prompt);
    else if (topicId === null || topics.some(({ id }) => id === topicId)) {
      set({ drafts: { ...drafts, [topicId ?? NEW]: { ...draftOf(get(), topicId), prompt } } });
      schedule(topicId);
    }
  };

  const putBack = (improvement: Improvement): void => {
    improvements = improvements.filter((other) => other !== improvement);
    if (improvement.notice !== undefined) get().dismissNotice(improvement.notice);
    write(improvement.topicId, improvement.before);
    get().announce(t.improve.undone);
  };

  const put = (draft: Draft): Partial<State> => ({ prompt: draft.prompt, walk: null });

  return {
    prompt: "",
    drafts: {},
    prompts: null,
    walk: null,
    improving: null,

    setPrompt: (prompt) => {
      if (isImproving(get())) get().cancelImproving();
      set({ prompt, walk: null });
      get().scheduleDraft();
    },

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
        // What was written meanwhile is not covered.
        if (get().prompt !== prompt || get().activeTopicId !== activeTopicId) return;
      }
      const { walk, prompt } = get();
      const prompts = get().prompts ?? [];
      const unsent = walk ? walk.unsent : prompt;
      let at = (walk?.at ?? -1) + step;
      // After a request its prompt still stands there: the first step would change nothing.
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

    scheduleDraft: () => schedule(get().activeTopicId),

    saveDraft: () => {
      clearTimeout(timer);
      timer = undefined;
      for (const key of unsaved.keys()) save(key === NEW ? null : key);
    },

    showTopic: (id) => {
      const { activeTopicId, drafts } = get();
      if (activeTopicId === id) return;
      if (timer !== undefined) get().saveDraft();
      const left = shownDraft(get());
      set({
        activeTopicId: id,
        refusal: null,
        drafts: { ...drafts, [activeTopicId ?? NEW]: left },
        ...put(drafts[id ?? NEW] ?? NO_DRAFT),
      });
      const { references, mask } = drafts[id ?? NEW] ?? NO_DRAFT;
      get().showReferences(id, references, mask);
    },

    receiveDraft: (topicId, draft) => {
      const key = topicId ?? NEW;
      if (unsaved.has(key)) return;
      const { activeTopicId, drafts, walk, prompt } = get();
      const shown = activeTopicId === topicId;
      set({ drafts: { ...drafts, [key]: draft } });
      // While an earlier prompt is looked at, the draft is what one comes back to.
      if (shown && walk) set({ walk: { ...walk, unsent: draft.prompt }, prompt });
      else if (shown) set(put(draft));
      if (shown) get().showReferences(topicId, draft.references, draft.mask);
    },

    moveDraft: (topicId) => {
      const draft = draftOf(get(), null);
      const here = get().activeTopicId === null;
      set((state) => ({
        drafts: { ...state.drafts, [NEW]: NO_DRAFT, [topicId]: draft },
        // The user may have gone to another topic meanwhile.
        ...(here ? { activeTopicId: topicId, referencesOf: topicId, choices: state.choices + 1 } : {}),
        ...(state.activeTopicId === topicId ? put(draft) : {}),
        improving:
          state.improving?.topicId === null ? { topicId, prompt: state.improving.prompt } : state.improving,
      }));
      for (const improvement of improvements) improvement.topicId ??= topicId;
      changed(null);
      changed(topicId);
      get().saveDraft();
    },

    improve: async (mode) => {
      const { live, prompt, activeTopicId, config } = get();
      if (!live || prompt.trim() === "") return;
      asks += 1;
      const number = asks;
      // It goes with its topic, so that only its number tells whether it is still waited for.
      const waited = (): DraftsSlice["improving"] => (number === asks ? get().improving : null);
      set({ improving: { topicId: activeTopicId, prompt } });
      get().announce(t.improve.working);
      try {
        const { result } = await send({ method: "improve", prompt, mode, model: config.model });
        const now = waited();
        if (!now || result.type !== "improved") return;
        set({ improving: null });
        const late = promptOf(get(), now.topicId) !== prompt;
        if (late || result.prompt === prompt.trim()) {
          get().addNotice("info", late ? t.improve.cancelled : t.improve.same);
          return;
        }
        write(now.topicId, result.prompt);
        tell(mode, { topicId: now.topicId, before: prompt, after: result.prompt, notice: undefined });
      } catch (cause) {
        if (!waited()) return;
        const error = errorState(cause);
        // The kernel's own words are for code.
        if (error.code === "missing_key" && writerOf(get()) === null)
          get().addNotice("info", writerMissing(get()));
        else get().addNotice("error", errorText(error));
      } finally {
        if (waited()) set({ improving: null });
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
  };

  /** Says that a prompt was improved, and offers to take it back. */
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
};

/** Whether a text model is rewriting what stands in the prompt box. */
export function isImproving({ improving, activeTopicId, prompt }: State): boolean {
  return improving !== null && improving.topicId === activeTopicId && improving.prompt === prompt;
}

/** The text model that rewrites prompts for the chosen model, in words, or null where no key opens one. */
export function writerOf({ models, config, providers }: State): string | null {
  const own = modelOf(models, config.model)?.provider;
  // A snapshot in a saved notebook may be of an older version.
  const [provider, ...id] = providers.find(({ name }) => name === own)?.writer?.split(":") ?? [];
  if (provider === undefined) return null;
  const title = providers.find(({ name }) => name === provider)?.title ?? provider;
  return `${title} ${id.join(":")}`;
}

/** Why nobody can rewrite a prompt, with the providers whose keys would help. */
export function writerMissing({ providers }: State): string {
  return t.improve.needs(anyOf(providers.filter(({ writes }) => writes).map(({ title }) => title)));
}

/** What the user would send or come back to in the topic that is shown. */
export function shownDraft(state: State): Draft {
  const { prompt, walk } = state;
  return { prompt: walk ? walk.unsent : prompt, ...referencesToSave(state) };
}

/** What stands or would stand in the prompt box of a topic. */
function promptOf(state: State, topicId: string | null): string {
  return state.activeTopicId === topicId ? state.prompt : draftOf(state, topicId).prompt;
}

function draftOf(state: State, topicId: string | null): Draft {
  return state.activeTopicId === topicId ? shownDraft(state) : (state.drafts[topicId ?? NEW] ?? NO_DRAFT);
}
