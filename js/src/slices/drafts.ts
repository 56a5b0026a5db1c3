// The drafts: the prompt, references and mask of each topic that were not sent yet.
import type { DraftState } from "../protocol.gen";
import { referencesToSave } from "./references";
import type { Slice, State } from "./state";

/** How long a draft must rest before it is saved, in milliseconds. */
export const DRAFT_DELAY = 600;

export interface DraftsSlice {
  /** The text in the prompt box. */
  prompt: string;
  /** The drafts of topics that were shown, by topic; "" is the "new topic" screen. The draft of the topic that is
   * shown now is out of date here: `shownDraft` returns it. */
  drafts: Record<string, DraftState>;

  setPrompt(prompt: string): void;
  /** Save the draft when it was not changed for a while. */
  scheduleDraft(): void;
  /** Write a prompt into the draft of a topic, whether the topic is shown or not. */
  writePrompt(topicId: string | null, prompt: string): void;
  /** Save at once what waits to be saved. */
  saveDraft(): void;
  /** Show a topic with its own draft; null is the "new topic" screen. */
  showTopic(id: string | null): void;
  /** Note that a draft is asked for, and return the number of the question. */
  askDrafts(): number;
  /**
   * Take in a draft from the kernel, unless the user has a newer one here.
   * @param asked the number of the question that is answered: a draft that was saved after it may be newer
   */
  receiveDraft(topicId: string | null, draft: DraftState, asked?: number): void;
  /** Move the draft of the "new topic" screen to the topic that was made from it. */
  moveDraft(topicId: string): void;
}

export const NO_DRAFT: DraftState = { prompt: "", references: [], mask: null };
const NEW = "";

export const createDraftsSlice: Slice<DraftsSlice> = (set, get, send) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let changes = 0;
  /** The number of the last change that the kernel does not have yet, by topic. */
  const unsaved = new Map<string, number>();
  /** How often a draft was asked for. */
  let asks = 0;
  /** The number of the last question before the kernel had the draft, by topic. */
  const savedAfter = new Map<string, number>();

  const save = (topicId: string | null): void => {
    const key = topicId ?? NEW;
    const change = unsaved.get(key);
    if (change === undefined) return;
    const { prompt, references, mask } = draftOf(get(), topicId);
    send({
      method: "save_draft",
      topicId,
      prompt,
      references: references.map(({ digest }) => digest),
      mask: mask?.digest ?? null,
    })
      .then(() => {
        savedAfter.set(key, asks);
        if (unsaved.get(key) === change) unsaved.delete(key);
      })
      // The draft stays here, and is sent with the next change or when the kernel answers again.
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

  const put = (draft: DraftState): Partial<State> => ({ prompt: draft.prompt, walk: null });

  return {
    prompt: "",
    drafts: {},

    setPrompt: (prompt) => {
      if (isImproving(get())) get().cancelImproving();
      set({ prompt, walk: null });
      get().scheduleDraft();
    },

    scheduleDraft: () => schedule(get().activeTopicId),

    writePrompt: (topicId, prompt) => {
      const { activeTopicId, drafts, topics } = get();
      if (activeTopicId === topicId) get().setPrompt(prompt);
      else if (topicId === null || topics.some(({ id }) => id === topicId)) {
        set({ drafts: { ...drafts, [topicId ?? NEW]: { ...draftOf(get(), topicId), prompt } } });
        schedule(topicId);
      }
    },

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

    askDrafts: () => {
      asks += 1;
      return asks;
    },

    receiveDraft: (topicId, draft, asked) => {
      const key = topicId ?? NEW;
      if (unsaved.has(key) || (asked && (savedAfter.get(key) ?? 0) >= asked)) return;
      const { activeTopicId, drafts, walk, prompt } = get();
      const shown = activeTopicId === topicId;
      set({ drafts: { ...drafts, [key]: draft } });
      // While the user looks at an earlier prompt, the draft is the text to come back to.
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
      }));
      get().moveImproving(topicId);
      changed(null);
      changed(topicId);
      get().saveDraft();
    },
  };
};

/** Return what the user would send or come back to in the topic that is shown. */
export function shownDraft(state: State): DraftState {
  const { prompt, walk } = state;
  return { prompt: walk ? walk.unsent : prompt, ...referencesToSave(state) };
}

/** Return the draft of a topic. */
function draftOf(state: State, topicId: string | null): DraftState {
  return state.activeTopicId === topicId ? shownDraft(state) : (state.drafts[topicId ?? NEW] ?? NO_DRAFT);
}

/** Return the prompt of a topic, whether the topic is shown or not. */
export function promptOf(state: State, topicId: string | null): string {
  return state.activeTopicId === topicId ? state.prompt : draftOf(state, topicId).prompt;
}

/** Return whether a text model is improving the prompt that is shown. */
export function isImproving({ improving, activeTopicId, prompt }: State): boolean {
  return improving !== null && improving.topicId === activeTopicId && improving.prompt === prompt;
}
