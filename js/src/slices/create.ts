// Making something: the request under way, and a refusal.
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
  /** Where it made several requests and one of them was: which one. */
  which?: string;
}

/** A click that is not answered yet. */
interface Click {
  /** It was taken back. */
  stopped: boolean;
}

export interface CreateSlice {
  /** A click of this page is not answered yet. */
  busy: boolean;
  /** It waits for references that are still on their way: nothing of it was sent. */
  waits: boolean;
  /** Why the last click was refused. */
  refusal: Refusal | null;
  /** The batch that this page asked for last: its feed goes to the top. */
  madeBatchId: string | null;
  /** Where today's total stands. */
  spending: SpendingState;

  /** Asks for what is shown, all of it or nothing: a batch for each prompt of each model. */
  generate(): Promise<void>;
  /** Stops the newest click: the one that is not answered yet, else the newest batch that runs in the topic with
   * all of its click. */
  cancelNewest(): Promise<void>;
  dismissRefusal(): void;
}

export const createCreateSlice: Slice<CreateSlice> = (set, get, send) => {
  let sending: Click | null = null;

  /** Takes in what the kernel made of a click. */
  const take = ({ topic, batches }: Generated, shown: State): void => {
    get().changeTopic(topic);
    for (const batch of batches) {
      get().addBatch(batch);
      // What came of it by events may be newer than this answer.
      get().queueBatch(get().batches[batch.id] ?? batch);
      get().notePrompt(patternOf(batch.prompt));
    }
    if (countVariants(shown.prompt) > 1) get().notePrompt(shown.prompt.trim());
    set({ madeBatchId: batches.at(-1)?.id ?? null });
    if (shown.activeTopicId === null) takeTopic(topic.id);
    // The click made its topic the active one; the user may have gone to another meanwhile.
    const here = get().activeTopicId;
    if (here !== topic.id) send({ method: "select_topic", topicId: here }).catch(() => undefined);
  };

  /** The feed of a topic that a request made holds all that there is, and the draft goes with it. */
  const takeTopic = (id: string): void => {
    set((state) => {
      const feed = state.feeds[id];
      return feed ? { feeds: { ...state.feeds, [id]: { ...feed, loaded: true } } } : {};
    });
    get().moveDraft(id);
  };

  /** The click is over; there may be another one by now. */
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

    generate: async () => {
      // What is asked for is what is shown now: the user may go to another topic before all is uploaded.
      const shown = get();
      const models = askedModels(shown.models, shown.config);
      if (shown.busy || !shown.live || !shown.prompt.trim() || models.length === 0) return;
      const refusal = refusalOf(shown);
      const ready = shown.references.every(({ status }) => status === "ready");
      set({ busy: refusal === null, waits: refusal === null && !ready, refusal });
      if (refusal) return;
      const click: Click = { stopped: false };
      sending = click;
      get().rememberModel(...models.map(({ name }) => name));
      let wishes: Wish[] = [];
      try {
        // Where nothing has to be waited for, the request is on its way before the click has ended.
        const references = ready ? shown.references : await get().settleReferences();
        if (click.stopped) return;
        set({ waits: false });
        wishes = wishesOf({ ...shown, references });
        const { result } = await send({
          method: "generate",
          wishes,
          n: countOf(shown),
          topicId: shown.activeTopicId,
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
      // What is on its way is stopped as soon as its batches are known.
      sending.stopped = true;
      if (get().waits) end(sending);
    },

    dismissRefusal: () => set({ refusal: null }),
  };
};

/** What a click asks for. */
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

/** How many images a click asks of each prompt of each model. */
function countOf({ config, maxCount }: State): number {
  return Math.min(config.count, maxCount);
}

/** Why the kernel, or the way to it, refused a click. */
function refusalBy(cause: unknown, wishes: readonly Wish[], shown: State): Refusal {
  const error: ErrorState & Partial<WishRefused> = errorState(cause);
  const wish = wishes.length > 1 && error.wish !== undefined ? wishes[error.wish] : undefined;
  return wish ? { ...error, which: nameOf(wish, shown) } : error;
}

/** What tells a request from the others of its click: its model, its prompt, or both. */
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

/** Why a click asks for nothing that can be sent; null where it does. */
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

/** The batches that the main button stops: the newest of the topic with all of its click, where generating now
 * would only repeat it. */
export function batchesToCancel(state: State): BatchState[] {
  const running = newestRunning(state);
  const newest = running.at(-1);
  return newest && repeats(state, newest) ? running : [];
}

/** Whether a click would ask for just what the click of a batch did. */
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

/** Whether a batch is what the kernel would make of a wish. */
function isOf(made: BatchState, { model, prompt, params, references, mask }: Wish, state: State): boolean {
  const { parameters } = modelOf(state.models, model) ?? { parameters: [] };
  return (
    made.model === model &&
    made.prompt === prompt &&
    made.generations.length === countOf(state) &&
    made.references.map(({ digest }) => digest).join() === references.join() &&
    (made.mask?.digest ?? null) === mask &&
    // The kernel fills in the defaults, and leaves out what is null.
    parameters.every(({ name, default: preset }) => {
      const wanted = name in params ? params[name] : preset;
      return (made.params[name] ?? null) === wanted;
    })
  );
}
