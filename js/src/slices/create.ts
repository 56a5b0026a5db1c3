// Making something: the request under way, a refusal, and what is said to the user.
import { errorState, errorText } from "../lib/answer";
import { modelOf, paramsToSend } from "../lib/parameters";
import { t } from "../messages";
import type {
  BatchState,
  ErrorState,
  GenerationState,
  NoticeShown,
  RecipeState,
  SpendingState,
} from "../protocol.gen";
import { newestRunning } from "./queue";
import { referencesToSend } from "./references";
import type { Slice, State } from "./state";

export interface Notice {
  id: number;
  level: NoticeShown["level"];
  message: string;
  /** What a button beside it does, as long as it is shown: it takes something back, or is an `offer`. */
  action?: { label: string; run(): void; offer?: true };
}

export interface Announcement {
  id: number;
  text: string;
  /** It can be taken back by key. */
  undoable: boolean;
}

export interface CreateSlice {
  /** A request of this page is not answered yet. */
  busy: boolean;
  /** Why the last request was refused. */
  refusal: ErrorState | null;
  /** The batch that this page asked for last: its feed goes to the top. */
  madeBatchId: string | null;
  /** What this page asked for last: it tells whether the same would be asked for again. */
  asked: { batchId: string; request: string } | null;
  /** Where today's total stands. */
  spending: SpendingState;
  notices: Notice[];
  /** What a screen reader says, the newest last. */
  announcements: readonly Announcement[];

  generate(): Promise<void>;
  dismissRefusal(): void;
  /** Puts the prompt, the model and the parameters of a batch back into the panel. */
  reuse(batch: BatchState): void;
  /** Puts back what one image was made with, its seed too. */
  reuseRecipe(recipe: RecipeState): void;
  reuseSeed(batch: BatchState, seed: number): void;
  /** Says something. With an action it stands for ten seconds, else until it is dismissed. */
  addNotice(level: Notice["level"], message: string, action?: Notice["action"]): void;
  dismissNotice(id: number): void;
  /** Lets a screen reader say something, when it has said what it says now. */
  announce(text: string, undoable?: boolean): void;
  /** Says how a generation ended, together with those that end at about the same time. */
  announceEnd(generation: GenerationState): void;
}

const MAX_NOTICES = 3;
/** So many announcements are kept: a screen reader may be slower than what happens. */
const MAX_ANNOUNCEMENTS = 4;
/** How long the end of an image waits for others, to be said with them. */
export const ENDS_TOGETHER = 400;
/** How long a deletion can be taken back. */
export const UNDO_MILLISECONDS = 10_000;
/** How long a notice stands that only confirms what was done. A screen reader hears it in any case. */
export const READ_MILLISECONDS = 6000;

export const createCreateSlice: Slice<CreateSlice> = (set, get, send) => {
  let notices = 0;
  let announcements = 0;
  let ended: GenerationState[] = [];

  /** Takes over how something was made; false where its model is gone. */
  const take = (
    made: Pick<BatchState, "prompt" | "model" | "modelTitle" | "params" | "references" | "mask">,
  ): boolean => {
    get().setPrompt(made.prompt);
    const model = modelOf(get().models, made.model);
    if (!model) {
      get().addNotice("warning", t.composer.modelGone(made.modelTitle));
      return false;
    }
    if (get().config.model !== model.name) get().chooseModel(model.name);
    get().resetParameters();
    const known = model.parameters.filter((parameter) => parameter.name in made.params);
    get().setParameters(
      Object.fromEntries(known.map(({ name }) => [name, made.params[name] ?? null] as const)),
    );
    get().takeReferences(made.references, made.mask);
    return true;
  };

  return {
    busy: false,
    refusal: null,
    madeBatchId: null,
    asked: null,
    spending: { today: "0", unknown: 0, running: "0", budget: null },
    notices: [],
    announcements: [],

    generate: async () => {
      // What is asked for is what is shown now: the user may go to another topic before all is uploaded.
      const { busy, live, models, config, activeTopicId, mask } = get();
      const prompt = get().prompt.trim();
      const model = modelOf(models, config.model);
      if (busy || !live || !prompt || !model) return;
      const request = requestOf(get());
      set({ busy: true, refusal: null });
      get().rememberModel(model.name);
      try {
        // Where nothing has to be waited for, the request is on its way before the click has ended.
        const ready = get().references.every(({ status }) => status === "ready");
        const references = ready ? get().references : await get().settleReferences();
        const { result } = await send({
          method: "generate",
          model: model.name,
          prompt,
          n: Math.min(config.count, get().maxCount),
          params: paramsToSend(model, config),
          topicId: activeTopicId,
          ...referencesToSend({ references, mask, models, config }),
        });
        if (result.type !== "generated") return;
        const { topic, batch } = result;
        get().changeTopic(topic);
        get().addBatch(batch);
        get().queueBatch(batch);
        get().notePrompt(prompt);
        set({ madeBatchId: batch.id, asked: { batchId: batch.id, request } });
        if (activeTopicId !== null) return;
        set((state) => {
          const feed = state.feeds[topic.id];
          return feed ? { feeds: { ...state.feeds, [topic.id]: { ...feed, loaded: true } } } : {};
        });
        get().moveDraft(topic.id);
      } catch (cause) {
        set({ refusal: errorState(cause) });
      } finally {
        set({ busy: false });
      }
    },

    dismissRefusal: () => set({ refusal: null }),

    reuse: (batch) => {
      if (take(batch)) get().setCount(batch.generations.length);
    },
    reuseRecipe: ({ requested, ...recipe }) => void take({ ...recipe, params: requested }),

    reuseSeed: (batch, seed) => {
      const { models, config } = get();
      const seedOf = (name: string) =>
        modelOf(models, name)?.parameters.find((parameter) => parameter.kind === "seed");
      const own = seedOf(config.model);
      if (own) get().setParameter(own.name, seed);
      else {
        const other = seedOf(batch.model);
        if (!other) return;
        get().chooseModel(batch.model);
        get().setParameter(other.name, seed);
      }
      get().addNotice("info", t.composer.seedSet(seed));
    },

    addNotice: (level, message, action) => {
      notices += 1;
      const notice: Notice = { id: notices, level, message, ...(action && { action }) };
      const stands = action ? UNDO_MILLISECONDS : level === "info" ? READ_MILLISECONDS : null;
      if (stands !== null) setTimeout(() => get().dismissNotice(notice.id), stands);
      set((state) => ({
        notices: crowded([...state.notices.filter((other) => !repeats(notice, other)), notice]),
      }));
      get().announce(message, action !== undefined && !action.offer);
    },
    dismissNotice: (id) => set((state) => ({ notices: state.notices.filter((notice) => notice.id !== id) })),

    announce: (text, undoable = false) => {
      announcements += 1;
      const next = { id: announcements, text, undoable };
      set((state) => ({ announcements: [...state.announcements, next].slice(-MAX_ANNOUNCEMENTS) }));
    },
    announceEnd: (generation) => {
      if (ended.push(generation) > 1) return;
      setTimeout(() => {
        get().announce(endsText(ended));
        ended = [];
      }, ENDS_TOGETHER);
    },
  };
};

/** How some generations ended: so many finished, so many failed for each reason, so many cancelled. */
function endsText(ended: readonly GenerationState[]): string {
  const { finished, failed, cancelled } = t.composer;
  const counts = new Map<string, [count: number, text: (count: number) => string]>();
  for (const { status, error } of ended) {
    const reason = error ? errorText(error) : "";
    const text = { success: finished, cancelled }[status as string] ?? ((count) => failed(count, reason));
    const key = `${status} ${status === "error" ? reason : ""}`;
    counts.set(key, [(counts.get(key)?.[0] ?? 0) + 1, text]);
  }
  return [...counts.values()].map(([count, text]) => text(count)).join(" ");
}

/** Whether a notice says no more than the one before. What can be taken back is never the same. */
function repeats(notice: Notice, other: Notice): boolean {
  return !notice.action && !other.action && notice.message === other.message;
}

/** Lets the oldest go where there are too many; what can still be taken back stays for its ten seconds. */
function crowded(notices: Notice[]): Notice[] {
  const plain = notices.filter(({ action }) => !action);
  const kept = new Set(plain.slice(-MAX_NOTICES));
  return notices.filter((notice) => notice.action || kept.has(notice));
}

/** All that would be sent, as one text. */
function requestOf(state: State): string {
  const { models, config, prompt } = state;
  const model = modelOf(models, config.model);
  const params = model && paramsToSend(model, config);
  return JSON.stringify([config.model, prompt.trim(), config.count, params, referencesToSend(state)]);
}

/** The batch that the main button stops: the newest of the topic, where generating now would only repeat it. */
export function batchToCancel(state: State): BatchState | undefined {
  const { asked, prompt, config } = state;
  const batch = newestRunning(state);
  if (!batch) return undefined;
  if (asked?.batchId === batch.id) return asked.request === requestOf(state) ? batch : undefined;
  return batch.prompt === prompt.trim() && batch.model === config.model ? batch : undefined;
}
