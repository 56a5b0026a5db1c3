// The gallery: the finished images one by one, in an order of its own. It is in a part, and joins the store when it is
// shown. What the images look like stands in the batches of the store, which every action changes; the gallery follows
// these changes.
import type { StoreApi } from "zustand/vanilla";
import { errorState, errorText } from "../lib/answer";
import type { Place } from "../lib/neighbours";
import { t } from "../messages/gallery";
import type {
  BatchState,
  ErrorState,
  FeedOrder,
  GalleryResult,
  GenerationState,
  ReadGallery,
} from "../protocol.gen";
import { isRunning } from "./batches";
import { isUsed } from "./feed-pages";
import { FOUND, matches, SEARCH_DELAY } from "./filter";
import type { State } from "./state";

export type Order = "newest" | "starred" | FeedOrder;

/** An image of the gallery, with what its place depends on as it was when it came. */
export interface Picture extends Place {
  position: number;
  createdAt: number;
  /** Width divided by height. */
  ratio: number;
  /** What the order counts: a star as 1, or a score; null without the score. */
  mark: number | null;
}

/** The gallery while it stands in the place of the feed. */
export interface Gallery {
  order: Order;
  /** The images of all topics, not of the one that is shown. */
  everywhere: boolean;
  /** The images in their order. The batch of an image may have been dropped to save memory. */
  pictures: readonly Picture[];
  batchIds: ReadonlySet<string>;
  /** The cursor of the next page; null at the end. */
  before: string | null;
  loading: boolean;
  loaded: boolean;
  /** Why images did not come. The page asks for nothing more until the user does. */
  failed: ErrorState | null;

  choose(choice: Partial<Pick<Gallery, "order" | "everywhere">>): void;
  more(): Promise<void>;
  /** Return the ids of the images whose batches are known, in their order. */
  known(): string[];
  /** Ask again for batches that were dropped. */
  fetch(batchIds: readonly string[]): Promise<void>;
  retry(): void;
  /** Ask again for everything that is known: messages may have been lost. */
  catchUp(): Promise<void>;
}

const PAGE_SIZE = 60;
/** The most batches that are known, as in the feeds. Beyond that, batches far from the last loaded page are dropped. */
const KEPT_BATCHES = 360;
/** How many images on either side of the last loaded page keep their batches. */
const NEAR = KEPT_BATCHES / 3;
/** The most batches that one call asks for. */
const MAX_NAMED = 100;

/** What was chosen in the gallery, while the page is open. */
const choices = new WeakMap<StoreApi<State>, Pick<Gallery, "order" | "everywhere">>();

/** What the parts of the gallery share. */
interface Link extends Pick<StoreApi<State>, "setState"> {
  getState(): State;
  /** Return the gallery, of which the caller knows that it is open. */
  own(): Gallery;
  change(patch: Partial<Gallery>): void;
  /** Show why images did not come. */
  fail(cause: unknown): void;
}

/** Show the gallery in the place of the feed, until the returned function is called. */
export function openGallery(store: StoreApi<State>): () => void {
  const { getState, setState } = store;
  const change = (patch: Partial<Gallery>): void => {
    const { gallery } = getState();
    if (!gallery) return;
    const { pictures } = patch;
    const batchIds = pictures && new Set(pictures.map(({ batchId }) => batchId));
    setState({ gallery: { ...gallery, ...patch, ...(batchIds && { batchIds }) } });
  };
  const fail = (cause: unknown): void => {
    if (!getState().gallery) return;
    const failed = errorState(cause);
    change({ failed });
    const text = t.feed.failed(errorText(failed));
    // The gallery shows the failure, unless a large view covers it.
    if (Object.keys(getState().held).length > 0) getState().addNotice("error", text);
    else getState().announce(text);
  };
  const link: Link = { getState, setState, own: () => getState().gallery as Gallery, change, fail };
  const pages = createPages(link);
  const fetch = createFetch(link);
  const choose: Gallery["choose"] = (choice) => {
    const { order, everywhere } = { ...link.own(), ...choice };
    choices.set(store, { order, everywhere });
    change({ order, everywhere });
  };
  setState({
    gallery: {
      order: "newest",
      everywhere: false,
      ...choices.get(store),
      pictures: [],
      batchIds: new Set(),
      before: null,
      loading: false,
      loaded: false,
      failed: null,
      choose,
      more: pages.more,
      known: () => {
        const { batches } = getState();
        return link
          .own()
          .pictures.flatMap(({ batchId, generationId }) => (batches[batchId] ? generationId : []));
      },
      fetch,
      retry: pages.retry,
      catchUp: async () => {
        await pages.renew();
        const { gallery, batches } = getState();
        if (gallery && !gallery.failed) await fetch([...gallery.batchIds].filter((id) => batches[id]));
      },
    },
  });
  if (getState().live) void pages.renew();
  const unwatch = store.subscribe((now, before) => {
    if (!now.gallery || !before.gallery) return;
    // Who chooses a topic wants to see it.
    if (now.activeTopicId !== before.activeTopicId && now.gallery.everywhere && now.activeTopicId !== null)
      choose({ everywhere: false });
    if (now.batches !== before.batches) pages.follow(before.batches);
    pages.watch();
  });
  return () => {
    pages.end();
    unwatch();
    // The filter may have changed since the feed was asked for what it finds.
    setState(({ feeds: { [FOUND]: _, ...feeds } }) => ({ feeds, gallery: null }));
  };
}

/** Return what asks for the pages, and keeps what came in step with the batches of the store. */
function createPages({ getState, setState, own, change, fail }: Link) {
  /** The questions that were asked and answered last. */
  let asked = "";
  let answered = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dropping = false;

  const question = (): string => (getState().gallery ? JSON.stringify(questionOf(getState())) : "");

  const ask = async (before: string | null): Promise<void> => {
    clearTimeout(timer);
    const key = question();
    const wanted = (): boolean => question() === key && (before === null || own().before === before);
    asked = key;
    change({ loading: true, failed: null });
    try {
      const { send } = getState();
      const { result } = await send({ ...questionOf(getState()), before, limit: PAGE_SIZE });
      if (result.type !== "gallery" || !wanted()) return;
      const again = before === null && own().loaded && answered === key;
      answered = key;
      take(result, before, again);
      const { learnTopics, announce } = getState();
      void learnTopics(result.batches.map(({ topicId }) => topicId));
      if (before === null && !again) announce(t.gallery.found(result.images.length, result.before !== null));
    } catch (cause) {
      if (wanted()) fail(cause);
    } finally {
      if (question() === key) change({ loading: false });
    }
  };

  /** Take in a page: the first one replaces all, or the beginning if the same was asked `again`; a later one joins. */
  const take = (page: GalleryResult, after: string | null, again: boolean): void => {
    const gallery = own();
    const fresh = picturesIn(page, gallery.order);
    const told = new Set(fresh.map(({ generationId }) => generationId));
    const isTold = ({ generationId }: Picture): boolean => told.has(generationId);
    let pictures = after === null ? fresh : [...gallery.pictures.filter((each) => !isTold(each)), ...fresh];
    let { before } = page;
    if (again && before !== null) {
      // What came after the beginning is still there, unless the beginning is all new.
      const rest = gallery.pictures.slice(gallery.pictures.map(isTold).lastIndexOf(true) + 1);
      if (rest.length > 0 && rest.length < gallery.pictures.length) {
        pictures = [...fresh, ...rest];
        before = gallery.before;
      }
    }
    // The page tells the present state of its batches, also of those that stand further up.
    const now = new Map(page.batches.map((batch) => [batch.id, batch]));
    pictures = pictures.filter((each) => isThere(now.get(each.batchId), each));
    dropping = true;
    setState((state) => {
      const batches = { ...state.batches };
      for (const batch of page.batches) batches[batch.id] = batch;
      // The gallery itself may drop what it does not show.
      return { batches: trimmed({ ...state, batches, gallery: null }, pictures, fresh[0]) };
    });
    dropping = false;
    change({ pictures, before, loaded: true, failed: null });
    // An image may have come while the first page was on its way.
    if (after === null && !again) follow({});
  };

  /** Follow the batches of the store: images come, go, and move to another topic. */
  const follow = (before: State["batches"]): void => {
    if (!own().loaded || dropping) return;
    const pictures = followed(getState(), own(), before);
    if (pictures) change({ pictures });
  };

  return {
    follow,
    renew: () => ask(null),
    more: async () => {
      const { before, loading } = own();
      if (before !== null && !loading) await ask(before);
    },
    retry: () => {
      change({ failed: null });
      if (!own().loaded) void ask(null);
    },
    /** Ask anew if the question has changed. While words are being typed, the search waits for a pause. */
    watch: () => {
      const key = question();
      if (!getState().live || asked === "" || key === asked) return;
      const { search: _, ...rest } = JSON.parse(key);
      const { search: __, ...old } = JSON.parse(asked);
      asked = key;
      // The images of another topic would be wrong; those of another filter stand until the new ones come.
      if (rest.topicId !== old.topicId) change({ pictures: [], before: null, loaded: false, loading: true });
      clearTimeout(timer);
      const typed = JSON.stringify(rest) === JSON.stringify(old);
      if (typed) timer = setTimeout(() => void ask(null), SEARCH_DELAY);
      else void ask(null);
    },
    end: () => clearTimeout(timer),
  };
}

/** Return what asks again for batches by their ids. */
function createFetch({ getState, setState, own, change, fail }: Link): Gallery["fetch"] {
  const fetching = new Set<string>();
  return async (batchIds) => {
    const missing = batchIds.filter((id) => !fetching.has(id));
    for (const id of missing) fetching.add(id);
    try {
      for (let from = 0; from < missing.length; from += MAX_NAMED) {
        const some = missing.slice(from, from + MAX_NAMED);
        const { result } = await getState().send({ method: "named_batches", batchIds: some });
        if (result.type !== "batches" || !getState().gallery) return;
        const found = Object.fromEntries(result.batches.map((batch) => [batch.id, batch]));
        setState(({ batches }) => ({ batches: { ...batches, ...found } }));
        // The others are gone. The store may not know them, and then tells nobody of it.
        const gone = new Set(some.filter((id) => !found[id]));
        for (const id of gone) getState().removeBatch(id);
        if (gone.size > 0) change({ pictures: own().pictures.filter(({ batchId }) => !gone.has(batchId)) });
      }
    } catch (cause) {
      fail(cause);
    } finally {
      for (const id of missing) fetching.delete(id);
    }
  };
}

/** Return the question for the images, the same for all pages. */
function questionOf(state: State): Omit<ReadGallery, "before" | "limit"> {
  const { search, model, status, starred, tag, score } = state.filter;
  const { order = "newest" } = state.gallery ?? {};
  return {
    method: "gallery",
    topicId: topicOf(state),
    search: search.trim(),
    model,
    status,
    starred,
    tag,
    scores: score ? [score] : [],
    sort: typeof order === "string" ? null : order,
    starredFirst: order === "starred",
  };
}

/** Return the topic whose images are shown; null for all topics, also where no topic is open. */
export function topicOf({ gallery, activeTopicId }: Pick<State, "gallery" | "activeTopicId">): string | null {
  return gallery?.everywhere ? null : activeTopicId;
}

/** Return whether the filter leaves images out. */
export function isNarrowed(state: State): boolean {
  const { search, model, status, starred, tag, scores } = questionOf(state);
  return Boolean(search || model || status || starred || tag || scores.length);
}

/** Return whether an image is finished, as far as its batch is known. */
function isThere(batch: BatchState | undefined, { generationId }: Picture): boolean {
  return !batch || batch.generations.some(({ id, status }) => id === generationId && status === "success");
}

function isInReach(state: State, batch: BatchState): boolean {
  const topicId = topicOf(state);
  return topicId === null || batch.topicId === topicId;
}

/** Return whether the filter finds an image, by the same rules as the kernel. */
function passes(state: State, batch: BatchState, generation: GenerationState): boolean {
  const filter = { ...state.filter, everywhere: true };
  return matches({ filter, activeTopicId: null }, { ...batch, generations: [generation] });
}

function picturesIn({ images, batches }: GalleryResult, order: Order): Picture[] {
  const known = new Map(
    batches.flatMap((batch) =>
      batch.generations.map((each) => [each.id, pictureOf(batch, each, order)] as const),
    ),
  );
  return images.flatMap((id) => known.get(id) ?? []);
}

function pictureOf(batch: BatchState, generation: GenerationState, order: Order): Picture {
  const { id: generationId, position, starred, scores } = generation;
  const width = generation.width ?? batch.width;
  const height = generation.height ?? batch.height;
  return {
    batchId: batch.id,
    generationId,
    position,
    createdAt: batch.createdAt,
    ratio: width && height ? width / height : 1,
    mark: typeof order === "string" ? Number(order === "starred" && starred) : (scores[order.name] ?? null),
  };
}

/** Return the images after batches changed, or undefined where the images are the same. */
function followed(state: State, gallery: Gallery, before: State["batches"]): Picture[] | undefined {
  const { batches } = state;
  const changed = new Set(Object.keys({ ...before, ...batches }).filter((id) => batches[id] !== before[id]));
  const mine = new Set(gallery.pictures.map(({ generationId }) => generationId));
  const there = new Set<string>();
  const come: Picture[] = [];
  for (const id of changed) {
    const batch = batches[id];
    if (!batch || !isInReach(state, batch)) continue;
    for (const generation of batch.generations) {
      if (generation.status !== "success") continue;
      there.add(generation.id);
      if (!mine.has(generation.id) && passes(state, batch, generation))
        come.push(pictureOf(batch, generation, gallery.order));
    }
  }
  const kept = gallery.pictures.filter(
    ({ batchId, generationId }) => !changed.has(batchId) || there.has(generationId),
  );
  const pictures = come.reduce((list, picture) => joined(list, picture, gallery), kept);
  const same = pictures.length === mine.size && pictures.every(({ generationId }) => mine.has(generationId));
  return same ? undefined : pictures;
}

/** Return the images with one more, unless its place is on a page that was not loaded. */
function joined(pictures: Picture[], one: Picture, { order, before }: Gallery): Picture[] {
  const index = pictures.findIndex((other) => stands(one, other, order));
  if (index >= 0) return [...pictures.slice(0, index), one, ...pictures.slice(index)];
  return before === null ? [...pictures, one] : pictures;
}

/** Return whether an image stands before another one, in the order of the kernel. */
function stands(one: Picture, other: Picture, order: Order): boolean {
  const lowest = typeof order !== "string" && order.lowestFirst;
  if (one.mark !== other.mark) {
    if (one.mark === null || other.mark === null) return other.mark === null;
    return lowest ? one.mark < other.mark : one.mark > other.mark;
  }
  if (typeof order !== "string" && one.mark !== null)
    return lowest ? one.generationId < other.generationId : one.generationId > other.generationId;
  return one.batchId === other.batchId ? one.position < other.position : one.batchId > other.batchId;
}

/**
 * Return the batches without those whose images are far from one image. Running batches and those in use are kept, and
 * those between here and where a range begins.
 */
function trimmed(
  state: State,
  pictures: readonly Picture[],
  near: Picture | undefined,
): Record<string, BatchState> {
  const all = Object.values(state.batches);
  if (near === undefined || all.length <= KEPT_BATCHES) return state.batches;
  const index = pictures.indexOf(near);
  const begin = pictures.findIndex(({ generationId }) => generationId === state.anchor);
  const [from, to] = begin < 0 ? [index, index] : [Math.min(index, begin), Math.max(index, begin)];
  const kept = new Set(pictures.slice(Math.max(from - NEAR, 0), to + NEAR).map(({ batchId }) => batchId));
  return Object.fromEntries(
    all
      .filter((batch) => kept.has(batch.id) || batch.generations.some(isRunning) || isUsed(state, batch))
      .map((batch) => [batch.id, batch]),
  );
}
