// Making something: the request under way, a refusal, and what is said to the user.
import { errorState, errorText } from "../lib/answer";
import { modelOf, paramsToSend } from "../lib/parameters";
import { askedModels, countRequests, countText, isDoubtful, MAX_REQUESTS } from "../lib/several";
import { countVariants, patternOf, variants } from "../lib/variants";
import { t } from "../messages";
import type {
  BatchState,
  ErrorState,
  Generate,
  Generated,
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

/** One of the requests that a click makes. */
type Wish = Omit<Generate, "method" | "topicId">;

/** Why a request was refused. */
export interface Refusal extends ErrorState {
  /** Where the click made several: which one it was, those that were accepted before it, and how many were not
   * sent after it. */
  several?: { which: string; accepted: Accepted[]; left: number };
}

interface Accepted {
  name: string;
  batchId: string;
  /** What was sent, as one text. */
  wish: string;
}

export interface CreateSlice {
  /** A request of this page is not answered yet. */
  busy: boolean;
  /** Why the last request was refused. */
  refusal: Refusal | null;
  /** The batch that this page asked for last: its feed goes to the top. */
  madeBatchId: string | null;
  /** What the last click asked for, and its batches: it tells whether the same would be asked for again. */
  asked: { batchIds: string[]; request: string } | null;
  /** Where today's total stands. */
  spending: SpendingState;
  notices: Notice[];
  /** What a screen reader says, the newest last. */
  announcements: readonly Announcement[];

  /** Asks for what is shown: a batch for each prompt of each model. */
  generate(): Promise<void>;
  /** Asks for what is shown, without what was accepted before a refusal. */
  generateRest(): Promise<void>;
  /** Stops the newest batch that runs in the topic, with all that the same click asked for. */
  cancelNewest(): Promise<void>;
  dismissRefusal(): void;
  /** Puts the prompt, the model and the parameters of a batch back into the panel. */
  reuse(batch: BatchState): void;
  /** Puts back what one image was made with, its seed too. */
  reuseRecipe(recipe: RecipeState): void;
  reuseSeed(batch: BatchState, seed: number): void;
  /** Says something. With an action it stands for ten seconds, else until it is dismissed. */
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
  /** The click whose requests are being sent, from its first answer on. */
  let sending: { stopped: boolean } | null = null;

  /** Takes a notice away whose time is over, when nobody is at it any more. */
  const expire = (id: number, rest: number): void => {
    if (held && rest > 0) setTimeout(() => expire(id, rest - HELD_STEP), HELD_STEP);
    else get().dismissNotice(id);
  };

  /** Takes in what the kernel made of a request. */
  const take = ({ topic, batch }: Generated, request: string, before: readonly string[]): void => {
    get().changeTopic(topic);
    get().addBatch(batch);
    // What came of it by events may be newer than this answer.
    get().queueBatch(get().batches[batch.id] ?? batch);
    get().notePrompt(patternOf(batch.prompt));
    set({ madeBatchId: batch.id, asked: { batchIds: [...before, batch.id], request } });
  };

  /** The feed of a topic that a request made holds all that there is, and the draft goes with it. */
  const takeTopic = (id: string): void => {
    set((state) => {
      const feed = state.feeds[id];
      return feed ? { feeds: { ...state.feeds, [id]: { ...feed, loaded: true } } } : {};
    });
    get().moveDraft(id);
  };

  /** Sends one request after another, without those that were accepted before. One that is refused ends it. */
  const ask = async (before: readonly Accepted[]): Promise<void> => {
    // What is asked for is what is shown now: the user may go to another topic before all is uploaded.
    const shown = get();
    const models = askedModels(shown.models, shown.config);
    if (shown.busy || !shown.live || !shown.prompt.trim() || models.length === 0) return;
    const refusal = refusalOf(shown);
    set({ busy: refusal === null, refusal });
    if (refusal) return;
    const request = requestOf(shown);
    get().rememberModel(...models.map(({ name }) => name));
    const accepted = [...before];
    let left: Wish[] = [];
    let several = false;
    let late = false;
    let topicId = shown.activeTopicId;
    try {
      // Where nothing has to be waited for, the request is on its way before the click has ended.
      const ready = shown.references.every(({ status }) => status === "ready");
      late = !ready;
      const references = ready ? shown.references : await get().settleReferences();
      const wishes = wishesOf({ ...shown, references });
      several = wishes.length > 1;
      left = wishes.filter((wish) => !isAccepted(wish, before));
      for (let wish = left[0]; wish && !sending?.stopped; wish = left[0]) {
        const { result } = await send({ method: "generate", ...wish, topicId });
        if (result.type !== "generated") return;
        take(
          result,
          request,
          accepted.map(({ batchId }) => batchId),
        );
        accepted.push({
          name: nameOf(wish, shown),
          batchId: result.batch.id,
          wish: JSON.stringify(wish),
        });
        if (topicId === null) takeTopic(result.topic.id);
        topicId = result.topic.id;
        left = left.slice(1);
        // It was on its way when the click was taken back.
        if (sending?.stopped) void get().cancel(result.batch.id);
        sending ??= { stopped: false };
      }
    } catch (cause) {
      const which = several && left[0] && nameOf(left[0], shown);
      set({
        refusal: {
          ...errorState(cause),
          ...(which && { several: { which, accepted, left: left.length - 1 } }),
        },
      });
    } finally {
      sending = null;
      // Each request made its topic the active one; the user may have gone to another before it was sent.
      const here = get().activeTopicId;
      if ((several || late) && here !== topicId)
        send({ method: "select_topic", topicId: here }).catch(() => undefined);
      if (accepted.length > 0 && countVariants(shown.prompt) > 1) get().notePrompt(shown.prompt.trim());
      set({ busy: false });
    }
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
    asked: null,
    spending: { today: "0", unknown: 0, running: "0", budget: null },
    notices: [],
    announcements: [],

    generate: () => ask([]),
    generateRest: () => ask(get().refusal?.several?.accepted ?? []),
    cancelNewest: async () => {
      const ids = newestRunning(get()).map(({ id }) => id);
      if (sending && ids.some((id) => get().asked?.batchIds.includes(id))) sending.stopped = true;
      await Promise.all(ids.map((id) => get().cancel(id)));
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
        notices: crowded([...state.notices.filter((other) => !repeats(notice, other)), notice]),
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
function repeats(notice: Notice, other: Notice): boolean {
  return !notice.action && !other.action && notice.message === other.message;
}

/** Lets the oldest go where there are too many; what can still be taken back stays for its ten seconds. */
function crowded(notices: Notice[]): Notice[] {
  const plain = notices.filter(({ action }) => !action);
  const kept = new Set(plain.slice(-MAX_NOTICES));
  return notices.filter((notice) => notice.action || kept.has(notice));
}

/** What a click asks for. What a provider is likely to refuse comes first, so that nothing else is sent then. */
function wishesOf(state: State): Wish[] {
  const { models, config, providers, prompt, maxCount, references, mask } = state;
  const asked = askedModels(models, config);
  if (countRequests(prompt, asked) > MAX_REQUESTS) return [];
  const now = Date.now();
  const doubtful = asked.filter((model) => isDoubtful(model, providers, now));
  const inOrder = [...doubtful, ...asked.filter((model) => !doubtful.includes(model))];
  return variants(prompt.trim()).flatMap((text) =>
    inOrder.map((model) => ({
      model: model.name,
      prompt: text.trim(),
      n: Math.min(config.count, maxCount),
      params: paramsToSend(model, config),
      ...referencesToSend({ references, mask, models, config: { ...config, model: model.name } }),
    })),
  );
}

/** How many requests are still to be made after a refusal, where some of what is asked for was accepted before it. */
export function restOf(state: State): number {
  const accepted = state.refusal?.several?.accepted ?? [];
  const wishes = wishesOf(state);
  const rest = wishes.filter((wish) => !isAccepted(wish, accepted)).length;
  return rest < wishes.length ? rest : 0;
}

function isAccepted(wish: Wish, accepted: readonly Accepted[]): boolean {
  const text = JSON.stringify(wish);
  return accepted.some((one) => one.wish === text);
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

/** All that would be sent, as one text. */
function requestOf(state: State): string {
  return JSON.stringify(wishesOf(state));
}

/** The batches that the main button stops: the newest of the topic with all of its click, where generating now
 * would only repeat it. */
export function batchesToCancel(state: State): BatchState[] {
  const { asked } = state;
  const running = newestRunning(state);
  const newest = running.at(-1);
  if (!newest) return [];
  if (asked?.batchIds.includes(newest.id)) return asked.request === requestOf(state) ? running : [];
  const [wish, ...others] = wishesOf(state);
  const same = wish?.prompt === newest.prompt && wish.model === newest.model;
  return same && others.length === 0 ? running : [];
}
