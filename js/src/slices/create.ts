// Generating: the click that is on its way, and why a click was refused.
import { errorState } from "../lib/answer";
import { modelOf, paramsToSend } from "../lib/parameters";
import { wholePrompt } from "../lib/presets";
import { askedModels, countRequests, countText, MAX_REQUESTS } from "../lib/several";
import { countVariants, patternOf, variants } from "../lib/variants";
import { t } from "../messages";
import type { ErrorState, Generated, SpendingState, Wish, WishRefused } from "../protocol.gen";
import { referencesToSend } from "./references";
import type { Slice, State } from "./state";

/** Why a click was refused. */
export interface Refusal extends ErrorState {
  /** Which of several requests of the click was refused. */
  which?: string;
}

/** A click that is not answered yet. */
interface Click {
  /** The user has taken the click back. */
  stopped: boolean;
}

export interface CreateSlice {
  /** A click of this page is not answered yet. */
  busy: boolean;
  /** The click waits for references that are still on their way: nothing was sent yet. */
  waits: boolean;
  /** Why the last click was refused. */
  refusal: Refusal | null;
  /** The newest batch that this page asked for. Its feed scrolls to the top. */
  madeBatchId: string | null;
  /** Today's spending and the budget. */
  spending: SpendingState;

  /**
   * Ask for a batch for each prompt of each model, all of them or none. `confirm` agrees to pay an unknown price.
   */
  generate(confirm?: boolean): Promise<void>;
  /** Take back the click that waits for references: nothing of it is sent. */
  takeBack(): void;
  dismissRefusal(): void;
}

export const createCreateSlice: Slice<CreateSlice> = (set, get, send) => {
  let sending: Click | null = null;

  /** Take in the batches that the kernel made for a click. */
  const take = ({ topic, batches }: Generated, shown: State): void => {
    get().changeTopic(topic);
    for (const batch of batches) {
      get().addBatch(batch);
      // What events told of the batch may be newer than this answer.
      get().queueBatch(get().batches[batch.id] ?? batch);
      if (batch.prompt) get().notePrompt(patternOf(batch.prompt));
    }
    if (countVariants(shown.prompt) > 1) get().notePrompt(shown.prompt.trim());
    set({ madeBatchId: batches.at(-1)?.id ?? null });
    if (shown.activeTopicId === null) takeTopic(topic.id);
    // The click made its topic the active one, but the user may have gone to another topic meanwhile.
    const here = get().activeTopicId;
    if (here !== topic.id) send({ method: "select_topic", topicId: here }).catch(() => undefined);
  };

  /** Note that the feed of a new topic is complete, and move the draft into the topic. */
  const takeTopic = (id: string): void => {
    set((state) => {
      const feed = state.feeds[id];
      return feed ? { feeds: { ...state.feeds, [id]: { ...feed, loaded: true } } } : {};
    });
    get().moveDraft(id);
  };

  /** End a click. Another click may have begun by now. */
  const end = (click: Click): void => {
    if (sending !== click) return;
    sending = null;
    set({ busy: false, waits: false });
  };

  return {
    busy: false,
    refusal: null,
    madeBatchId: null,
    waits: false,
    spending: { today: "0", unknown: 0, running: "0", budget: null },

    generate: async (confirm = false) => {
      // The click asks for what is shown now: the user may go to another topic before all references are uploaded.
      const shown = { ...get(), prompt: wholePrompt(get()) };
      const models = askedModels(shown.models, shown.config);
      if (shown.busy || !shown.usable || !speaks(shown)) return;
      const refusal = refusalOf(shown);
      const ready = shown.references.every(({ status }) => status === "ready");
      set({ busy: refusal === null, waits: refusal === null && !ready, refusal });
      if (refusal) return;
      const click: Click = { stopped: false };
      sending = click;
      get().rememberModel(...models.map(({ name }) => name));
      let wishes: Wish[] = [];
      try {
        // If the click waits for nothing, the request is sent before the click has ended.
        const references = ready ? shown.references : await get().settleReferences();
        if (click.stopped) return;
        set({ waits: false });
        wishes = wishesOf({ ...shown, references });
        const { result } = await send({
          method: "generate",
          wishes,
          n: countOf(shown),
          topicId: shown.activeTopicId,
          confirm,
        });
        if (result.type !== "generated") return;
        take(result, shown);
      } catch (cause) {
        if (!click.stopped) set({ refusal: refusalBy(cause, wishes, shown) });
      } finally {
        end(click);
      }
    },
    takeBack: () => {
      if (!sending || !get().waits) return;
      sending.stopped = true;
      end(sending);
    },

    dismissRefusal: () => set({ refusal: null }),
  };
};

/** Return the requests of a click. */
function wishesOf(state: State): Wish[] {
  const { models, config, prompt, references, mask } = state;
  const asked = askedModels(models, config);
  if (countRequests(prompt, asked) > MAX_REQUESTS) return [];
  return variants(prompt.trim()).flatMap((text, place) =>
    // A model that takes no words is asked once.
    asked
      .filter((model) => model.prompt !== "none" || place === 0)
      .map((model) => ({
        model: model.name,
        prompt: model.prompt === "none" ? "" : text.trim(),
        params: paramsToSend(model, config),
        ...referencesToSend({ references, mask, models, config: { ...config, model: model.name } }),
      })),
  );
}

/** Return whether a click has the words that its models need. There is no click without a model. */
export function speaks({ models, config, prompt, references }: State): boolean {
  const asked = askedModels(models, config);
  const silent = references.length > 0 && asked.every((model) => model.prompt !== "needed");
  return asked.length > 0 && (silent || prompt.trim() !== "");
}

/** Return how many images a click asks for, for each prompt and model. */
function countOf({ config, maxCount }: State): number {
  return Math.min(config.count, maxCount);
}

/** Return why the kernel, or the way to it, refused a click. */
function refusalBy(cause: unknown, wishes: readonly Wish[], shown: State): Refusal {
  const error: ErrorState & Partial<WishRefused> = errorState(cause);
  const wish = wishes.length > 1 && error.wish !== undefined ? wishes[error.wish] : undefined;
  return wish ? { ...error, which: nameOf(wish, shown) } : error;
}

/** Return the name of a request among the requests of its click: its model, its prompt, or both. */
function nameOf(wish: Wish, { models, config, prompt }: State): string {
  const title = modelOf(models, wish.model)?.title ?? wish.model;
  if (countVariants(prompt) === 1) return title;
  const text = t.composer.quoted(shortened(wish.prompt));
  return askedModels(models, config).length === 1 ? text : t.composer.ofModel(text, title);
}

const LONGEST_NAME = 60;

function shortened(prompt: string): string {
  const signs = [...prompt];
  return signs.length > LONGEST_NAME ? `${signs.slice(0, LONGEST_NAME).join("")}…` : prompt;
}

/** Return why a click cannot be sent; null if it can. */
function refusalOf({ models, config, prompt }: State): Refusal | null {
  const asked = askedModels(models, config);
  const count = countRequests(prompt, asked);
  const own = { ...errorState(null), code: "several", fault: "you", retryable: false } as const;
  if (count <= MAX_REQUESTS) return null;
  const message = t.composer.tooMany(countText(countVariants(prompt)), asked.length, MAX_REQUESTS);
  return { ...own, message, nextStep: t.composer.tooManyStep };
}
