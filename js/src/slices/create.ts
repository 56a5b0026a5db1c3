// Generating: the click that is on its way, and why a click was refused.
import { errorState } from "../lib/answer";
import { modelOf, paramsToSend } from "../lib/parameters";
import { askedModels, countRequests, countText, MAX_REQUESTS } from "../lib/several";
import { countVariants, patternOf, variants } from "../lib/variants";
import { t } from "../messages";
import type { BatchState, ErrorState, Generated, SpendingState, Wish, WishRefused } from "../protocol.gen";
import { clickOf, newestRunning } from "./queue";
import { referencesToSend } from "./references";
import type { Slice, State } from "./state";

/** Why a click was refused. */
export interface Refusal extends ErrorState {
  /** Which of several requests of the click was refused. */
  which?: string;
}

/** A click that is not answered yet. */
interface Click {
  /** The user has cancelled the click. */
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
  /** Stop the newest click: the click that is not answered yet, else the newest running batch of the topic with
   * all of its click. */
  cancelNewest(): Promise<void>;
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
      get().notePrompt(patternOf(batch.prompt));
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
      const shown = get();
      const models = askedModels(shown.models, shown.config);
      if (shown.busy || !shown.usable || !shown.prompt.trim() || models.length === 0) return;
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
        if (click.stopped) void get().cancel(result.batches.map(({ id }) => id));
      } catch (cause) {
        if (!click.stopped) set({ refusal: refusalBy(cause, wishes, shown) });
      } finally {
        end(click);
      }
    },
    cancelNewest: async () => {
      if (!sending) return get().cancel(newestRunning(get()).map(({ id }) => id));
      // A click on its way is stopped as soon as its batches are known.
      sending.stopped = true;
      if (get().waits) end(sending);
    },

    dismissRefusal: () => set({ refusal: null }),
  };
};

/** Return the requests of a click. */
function wishesOf(state: State): Wish[] {
  const { models, config, prompt, references, mask } = state;
  const asked = askedModels(models, config);
  if (countRequests(prompt, asked) > MAX_REQUESTS) return [];
  return variants(prompt.trim()).flatMap((text) =>
    asked.map((model) => ({
      model: model.name,
      prompt: text.trim(),
      params: paramsToSend(model, config),
      ...referencesToSend({ references, mask, models, config: { ...config, model: model.name } }),
    })),
  );
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
  if (count > MAX_REQUESTS) {
    const message = t.composer.tooMany(countText(countVariants(prompt)), asked.length, MAX_REQUESTS);
    return { ...own, message, nextStep: t.composer.tooManyStep };
  }
  if (variants(prompt.trim()).every((text) => text.trim() !== "")) return null;
  return { ...own, message: t.composer.emptyVariant, nextStep: t.composer.emptyVariantStep };
}

/**
 * Return the batches that the main button stops: the newest of the topic with all of its click, where generating
 * now would only repeat it.
 */
export function batchesToCancel(state: State): BatchState[] {
  const running = newestRunning(state);
  const newest = running.at(-1);
  return newest && repeats(state, newest) ? running : [];
}

/** Return whether a click would only repeat the click of a batch. */
function repeats(state: State, batch: BatchState): boolean {
  const { batches, queue, feeds } = state;
  const click = clickOf(batch);
  const known = { ...batches, ...Object.fromEntries(queue.map((each) => [each.id, each])) };
  const left = wishesOf(state);
  for (const made of Object.values(known)) {
    if (clickOf(made) !== click) continue;
    const index = left.findIndex((wish) => isOf(made, wish, state));
    if (index < 0) return false;
    left.splice(index, 1);
  }
  // After a reload the end of a long click may lie on an older page of the feed.
  const feed = feeds[batch.topicId];
  const oldest = feed?.before ? known[feed.ids.at(-1) ?? ""] : undefined;
  return left.length === 0 || (oldest !== undefined && clickOf(oldest) === click);
}

/** Return whether the kernel would make this batch of a request. */
function isOf(made: BatchState, { model, prompt, params, references, mask }: Wish, state: State): boolean {
  const { parameters } = modelOf(state.models, model) ?? { parameters: [] };
  return (
    made.model === model &&
    made.prompt === prompt &&
    made.generations.length === countOf(state) &&
    made.references.map(({ digest }) => digest).join() === references.join() &&
    (made.mask?.digest ?? null) === mask &&
    // The kernel fills in the defaults, and leaves out null values.
    parameters.every(({ name, default: preset }) => {
      const wanted = name in params ? params[name] : preset;
      return (made.params[name] ?? null) === wanted;
    })
  );
}
