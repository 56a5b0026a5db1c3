// Making something: the prompt, the request under way, a refusal, and what is said to the user.
import { errorState } from "../lib/answer";
import { modelOf, paramsToSend } from "../lib/parameters";
import type { BatchState, ErrorState, GenerationState, NoticeShown } from "../protocol.gen";
import type { Slice } from "./state";

export interface Notice {
  id: number;
  level: NoticeShown["level"];
  message: string;
  /** What a button beside it does, as long as it is shown. */
  action?: { label: string; run(): void };
}

export interface CreateSlice {
  prompt: string;
  /** A request of this page is not answered yet. */
  busy: boolean;
  /** Why the last request was refused. */
  refusal: ErrorState | null;
  /** The batch that this page asked for last: its feed goes to the top. */
  madeBatchId: string | null;
  notices: Notice[];
  /** What a screen reader says next. */
  announcement: string;

  setPrompt(prompt: string): void;
  generate(): Promise<void>;
  /** Puts the prompt, the model and the parameters of a batch back into the panel. */
  reuse(batch: BatchState): void;
  reuseSeed(batch: BatchState, seed: number): void;
  /** Says something. With an action it stands for ten seconds, else until it is dismissed. */
  addNotice(level: Notice["level"], message: string, action?: Notice["action"]): void;
  dismissNotice(id: number): void;
  announce(generation: GenerationState): void;
}

const MAX_NOTICES = 3;
/** How long a deletion can be taken back. */
export const UNDO_MILLISECONDS = 10_000;

export const createCreateSlice: Slice<CreateSlice> = (set, get, send) => {
  let notices = 0;

  return {
    prompt: "",
    busy: false,
    refusal: null,
    madeBatchId: null,
    notices: [],
    announcement: "",

    setPrompt: (prompt) => set({ prompt }),

    generate: async () => {
      const { busy, live, models, config, activeTopicId } = get();
      const prompt = get().prompt.trim();
      const model = modelOf(models, config.model);
      if (busy || !live || !prompt || !model) return;
      set({ busy: true, refusal: null });
      try {
        const { result } = await send({
          method: "generate",
          model: model.name,
          prompt,
          n: Math.min(config.count, get().maxCount),
          params: paramsToSend(model, config),
          topicId: activeTopicId,
          references: [],
          mask: null,
        });
        if (result.type !== "generated") return;
        const { topic, batch } = result;
        get().changeTopic(topic);
        get().addBatch(batch);
        set({ madeBatchId: batch.id });
        if (activeTopicId === null) {
          set((state) => {
            const feed = state.feeds[topic.id];
            return {
              // The user may have gone to another topic meanwhile.
              activeTopicId: state.activeTopicId ?? topic.id,
              feeds: feed ? { ...state.feeds, [topic.id]: { ...feed, loaded: true } } : state.feeds,
            };
          });
        }
      } catch (cause) {
        set({ refusal: errorState(cause) });
      } finally {
        set({ busy: false });
      }
    },

    reuse: (batch) => {
      set({ prompt: batch.prompt });
      const model = modelOf(get().models, batch.model);
      if (!model) {
        get().addNotice("warning", `${batch.modelTitle} is not offered any more; only the prompt was taken.`);
        return;
      }
      const { config } = get();
      if (config.model !== model.name) get().chooseModel(model.name);
      get().resetParameters();
      const known = model.parameters.filter((parameter) => parameter.name in batch.params);
      get().setParameters(
        Object.fromEntries(known.map(({ name }) => [name, batch.params[name] ?? null] as const)),
      );
      get().setCount(batch.generations.length);
    },

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
      get().addNotice("info", `Seed ${seed} is set.`);
    },

    addNotice: (level, message, action) => {
      notices += 1;
      const notice: Notice = { id: notices, level, message, ...(action && { action }) };
      if (action) setTimeout(() => get().dismissNotice(notice.id), UNDO_MILLISECONDS);
      set((state) => ({
        notices: [...state.notices.filter((other) => other.message !== message), notice].slice(-MAX_NOTICES),
        announcement: message,
      }));
    },
    dismissNotice: (id) => set((state) => ({ notices: state.notices.filter((notice) => notice.id !== id) })),

    announce: ({ position, status, error }) => {
      const name = `Image ${position + 1}`;
      if (status === "success") set({ announcement: `${name} is finished.` });
      else if (status === "error") set({ announcement: `${name} failed: ${error?.message ?? ""}` });
      else if (status === "cancelled") set({ announcement: `${name} was cancelled.` });
    },
  };
};
