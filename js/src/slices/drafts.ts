// What is written and not sent yet: the draft of each topic, and the prompts that were sent before.
import type { Draft } from "../protocol.gen";
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

  setPrompt(prompt: string): void;
  /** Shows the prompt that was sent before the one shown (1), or after it (-1). */
  walkPrompts(step: 1 | -1): Promise<void>;
  /** Takes in a prompt that was sent. */
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
}

export const NO_DRAFT: Draft = { prompt: "", references: [], mask: null };
const NEW = "";

export const createDraftsSlice: Slice<DraftsSlice> = (set, get, send) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let changes = 0;
  /** What the kernel does not have yet: the number of the last change, by topic. */
  const unsaved = new Map<string, number>();

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

  const put = (draft: Draft): Partial<State> => ({ prompt: draft.prompt, walk: null });

  return {
    prompt: "",
    drafts: {},
    prompts: null,
    walk: null,

    setPrompt: (prompt) => {
      set({ prompt, walk: null });
      get().scheduleDraft();
    },

    walkPrompts: async (step) => {
      if (get().prompts === null) {
        set({ prompts: [] });
        try {
          const { result } = await send({ method: "prompts", limit: MAX_PROMPTS });
          if (result.type === "prompts") {
            const newer = get().prompts ?? [];
            set({ prompts: [...newer, ...result.prompts.filter((prompt) => !newer.includes(prompt))] });
          }
        } catch {
          // Without them the arrow keys do nothing; the next press asks again.
          set({ prompts: null });
          return;
        }
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

    scheduleDraft: () => {
      changed(get().activeTopicId);
      clearTimeout(timer);
      timer = setTimeout(() => get().saveDraft(), DRAFT_DELAY);
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
        ...(here ? { activeTopicId: topicId, referencesOf: topicId } : {}),
        ...(state.activeTopicId === topicId ? put(draft) : {}),
      }));
      changed(null);
      changed(topicId);
      get().saveDraft();
    },
  };
};

/** What the user would send or come back to in the topic that is shown. */
export function shownDraft(state: State): Draft {
  const { prompt, walk } = state;
  return { prompt: walk ? walk.unsent : prompt, ...referencesToSave(state) };
}

function draftOf(state: State, topicId: string | null): Draft {
  return state.activeTopicId === topicId ? shownDraft(state) : (state.drafts[topicId ?? NEW] ?? NO_DRAFT);
}
