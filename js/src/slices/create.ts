// Making something: the request under way, a refusal, and what is said to the user.
import { errorState, errorText } from "../lib/answer";
import { modelOf, paramsToSend } from "../lib/parameters";
import { askedModels, countRequests, countText, MAX_REQUESTS } from "../lib/several";
import { countVariants, patternOf, variants } from "../lib/variants";
import { t } from "../messages";
import type {
  BatchState,
  ErrorState,
  Generated,
  GenerationState,
  NoticeShown,
  RecipeState,
  SpendingState,
  Wish,
  WishRefused,
} from "../protocol.gen";
import { clickOf, newestRunning } from "./queue";
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
  notices: Notice[];
  /** What a screen reader says, the newest last. */
  announcements: readonly Announcement[];

  /** Asks for what is shown, all of it or nothing: a batch for each prompt of each model. */
  generate(): Promise<void>;
  /** Stops the newest click: the one that is not answered yet, else the newest batch that runs in the topic with
   * all of its click. */
  cancelNewest(): Promise<void>;
  dismissRefusal(): void;
  /** Puts the prompt, the model and the parameters of a batch back into the panel. */
  reuse(batch: BatchState): void;
  /** Puts back what one image was made with, its seed too. */
  reuseRecipe(recipe: RecipeState): void;
  reuseSeed(batch: BatchState, seed: number): void;
  /** Says something, for a time: see `STANDS`; with an action for ten seconds. */
  addNotice(level: Notice["level"], message: string, action?: Notice["action"]): void;
  dismissNotice(id: number): void;
  /** Whether somebody is at the notices, so that none goes from under the hand. */
  holdNotices(held: boolean): void;
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
/** How long a notice stands that warns. An error stands until it is dismissed. */
export const WARN_MILLISECONDS = 20_000;
/** How much longer a notice stands under the pointer or with the focus; the kernel keeps what was deleted for 60 s. */
export const HELD_MILLISECONDS = 40_000;
const HELD_STEP = 1000;
const STANDS: Record<Notice["level"], number | null> = {
  info: READ_MILLISECONDS,
  warning: WARN_MILLISECONDS,
  error: null,
};

export const createCreateSlice: Slice<CreateSlice> = (set, get, send) => {
  let notices = 0;
  let held = false;
  let announcements = 0;
  let ended: GenerationState[] = [];
  let sending: Click | null = null;

  /** Takes a notice away whose time is over, when nobody is at it any more. */
  const expire = (id: number, rest: number): void => {
    if (held && rest > 0) setTimeout(() => expire(id, rest - HELD_STEP), HELD_STEP);
    else get().dismissNotice(id);
  };

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

  /** Takes over how something was made; false where its model is gone. */
  const takeOver = (
    made: Pick<BatchState, "prompt" | "model" | "modelTitle" | "params" | "references" | "mask">,
  ): boolean => {
    get().setPrompt(patternOf(made.prompt));
    const model = modelOf(get().models, made.model);
    if (!model) {
      get().addNotice("warning", t.composer.modelGone(made.modelTitle));
      return false;
    }
    // It was one request of one model.
    for (const name of get().config.alsoModels) get().toggleAlso(name);
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
    waits: false,
    spending: { today: "0", unknown: 0, running: "0", budget: null },
    notices: [],
    announcements: [],

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

    reuse: (batch) => {
      if (takeOver(batch)) get().setCount(batch.generations.length);
    },
    reuseRecipe: ({ requested, ...recipe }) => void takeOver({ ...recipe, params: requested }),

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
      const stands = action ? UNDO_MILLISECONDS : STANDS[level];
      if (stands !== null) setTimeout(() => expire(notice.id, HELD_MILLISECONDS), stands);
      set((state) => ({
        notices: crowded([...state.notices.filter((other) => !isRepeated(notice, other)), notice]),
      }));
      get().announce(message, action !== undefined && !action.offer);
    },
    dismissNotice: (id) => {
      // What goes from under the pointer may not tell that it was left.
      held = false;
      set((state) => ({ notices: state.notices.filter((notice) => notice.id !== id) }));
    },
    holdNotices: (hold) => {
      held = hold;
    },

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
function isRepeated(notice: Notice, other: Notice): boolean {
  return !notice.action && !other.action && notice.message === other.message;
}

/** Lets the oldest go where there are too many; what can still be taken back stays for its ten seconds. */
function crowded(notices: Notice[]): Notice[] {
  const plain = notices.filter(({ action }) => !action);
  const kept = new Set(plain.slice(-MAX_NOTICES));
  return notices.filter((notice) => notice.action || kept.has(notice));
}

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
