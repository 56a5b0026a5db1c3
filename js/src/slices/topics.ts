// The topics, pinned ones and newest use first, and which one is shown.
import { causeText } from "../lib/answer";
import { t } from "../messages";
import type { TopicState } from "../protocol.gen";
import { batchOf } from "./batches";
import type { Slice } from "./state";

/** An image to choose a cover from. */
export interface FinishedImage {
  id: string;
  prompt: string;
}

/** How many batches are looked through for a page of finished images. */
const COVERS_PAGE = 24;

/** Whether there is any batch at all. */
const ANYTHING = {
  method: "feed",
  before: null,
  limit: 1,
  search: "",
  model: null,
  status: null,
  favourite: false,
} as const;

export interface TopicsSlice {
  topics: TopicState[];
  /** The topic that is shown; null on the "new topic" screen. */
  activeTopicId: string | null;
  /** Counts this page's own choices of the topic that is shown, and the answers to them. */
  choices: number;

  /** Shows a topic. Before the kernel's first answer the choice is kept until then. */
  selectTopic(id: string | null): Promise<void>;
  /** The kernel answers: what was chosen before is chosen now. */
  selectChosen(): void;
  /** Gives a topic a title of the user's, and a number after it where another one is called so. */
  renameTopic(id: string, title: string): Promise<void>;
  pinTopic(id: string, pinned: boolean): Promise<void>;
  chooseCover(topicId: string, generationId: string): Promise<void>;
  /** Some of a topic's finished images, newest first, and the cursor of older ones. */
  finishedImages(
    topicId: string,
    before: string | null,
  ): Promise<{ images: FinishedImage[]; before: string | null }>;
  /** Deletes a topic; the notice about it can bring it back. */
  deleteTopic(id: string): Promise<void>;
  /** Puts batches into another topic, or into a new one (null). */
  moveBatches(ids: readonly string[], topicId: string | null): Promise<void>;
  /** Another topic was chosen from code or by another page. */
  topicSelected(id: string | null): void;
  /** A snapshot names the topic that is shown, as of `choices`: what was chosen since stays. */
  topicTold(id: string | null, choices: number): void;
  changeTopic(topic: TopicState): void;
  removeTopic(id: string): void;
}

export const createTopicsSlice: Slice<TopicsSlice> = (set, get, send) => {
  // While the user's own choice is under way, the echo of an older one must not switch back.
  let choosing = 0;
  /** What was chosen before anybody could be told. */
  let chosen: { id: string | null } | null = null;

  const countChoice = (under: 1 | -1): void => {
    choosing += under;
    set(({ choices }) => ({ choices: choices + 1 }));
  };

  const report = (cause: unknown): void => get().addNotice("error", causeText(cause));

  const topicOf = (id: string): TopicState | undefined => get().topics.find((topic) => topic.id === id);

  /** Shows a change at once, and takes it back where the kernel refuses it. */
  const change = async (topic: TopicState, patch: Partial<TopicState>, sent: Promise<unknown>) => {
    get().changeTopic({ ...topic, ...patch });
    try {
      await sent;
    } catch (cause) {
      const now = topicOf(topic.id);
      const before = Object.fromEntries(
        Object.keys(patch).map((key) => [key, topic[key as keyof TopicState]]),
      );
      if (now) get().changeTopic({ ...now, ...before });
      report(cause);
    }
  };

  return {
    topics: [],
    activeTopicId: null,
    choices: 0,

    selectTopic: async (id) => {
      if (!get().live) {
        chosen = { id };
        return;
      }
      const before = get().activeTopicId;
      if (before === id && (id === null || get().feeds[id]?.loaded)) return;
      get().showTopic(id);
      if (id !== null) void get().learnTopics([id]);
      countChoice(1);
      try {
        const { result } = await send({ method: "select_topic", topicId: id });
        if (result.type !== "topic_shown") return;
        if (result.feed) get().receiveFeed(result.feed);
        get().receiveDraft(id, result.draft);
      } catch (cause) {
        report(cause);
        if (get().activeTopicId === id) get().showTopic(before);
      } finally {
        countChoice(-1);
      }
    },

    selectChosen: () => {
      const wanted = chosen;
      chosen = null;
      // It may have been deleted meanwhile; of one that is not known, the kernel says so.
      const may = wanted && (wanted.id === null || get().topicsRest !== null || topicOf(wanted.id));
      if (may) void get().selectTopic(wanted.id);
    },

    renameTopic: async (id, title) => {
      const topic = topicOf(id);
      const words = title.trim().replace(/\s+/g, " ");
      if (!topic || !get().live || !words || words === topic.title) return;
      const free = freeTitle(words, get().topics, id);
      await change(topic, { title: free }, send({ method: "rename_topic", topicId: id, title: free }));
    },

    pinTopic: async (id, pinned) => {
      const topic = topicOf(id);
      if (!topic || !get().live) return;
      await change(topic, { pinned }, send({ method: "pin_topic", topicId: id, pinned }));
    },

    chooseCover: async (topicId, generationId) => {
      await send({ method: "choose_cover", topicId, generationId }).catch(report);
    },

    finishedImages: async (topicId, before) => {
      try {
        const { result } = await send({
          method: "feed",
          topicId,
          before,
          limit: COVERS_PAGE,
          search: "",
          model: null,
          status: "success",
          favourite: false,
        });
        if (result.type !== "feed") return { images: [], before: null };
        const images = result.feed.batches.flatMap(({ prompt, generations }) =>
          generations.flatMap(({ id, status }) => (status === "success" ? { id, prompt } : [])),
        );
        return { images, before: result.feed.before };
      } catch (cause) {
        report(cause);
        return { images: [], before };
      }
    },

    deleteTopic: async (id) => {
      const topic = topicOf(id);
      if (!topic || !get().live) return;
      const { activeTopicId, feeds } = get();
      const shown = activeTopicId === id;
      get().removeTopic(id);
      const deleted = send({ method: "delete", what: "topic", ids: [id] });
      const undo = async (): Promise<void> => {
        try {
          await deleted;
          await send({ method: "restore", what: "topic", ids: [id] });
        } catch (cause) {
          report(cause);
          return;
        }
        // What the kernel has said of it since is newer; and what ran was stopped.
        if (!topicOf(id)) get().changeTopic({ ...topic, running: 0 });
        get().announce(t.notice.undone);
        if (shown && get().activeTopicId === null) void get().selectTopic(id);
      };
      get().addNotice("info", t.topics.deleted(topic.title || t.topics.untitled, topic.images), {
        label: t.notice.undo,
        run: () => void undo(),
      });
      const notice = get().notices.at(-1);
      try {
        await deleted;
      } catch (cause) {
        if (notice) get().dismissNotice(notice.id);
        const feed = feeds[id];
        get().changeTopic(topic);
        if (feed) set((state) => ({ feeds: { ...state.feeds, [id]: feed } }));
        if (shown && get().activeTopicId === null) get().showTopic(id);
        report(cause);
      }
    },

    moveBatches: async (ids, topicId) => {
      const batches = ids.flatMap((id) => batchOf(get(), id) ?? []);
      const moved = batches.filter((batch) => batch.topicId !== topicId).map(({ id }) => id);
      // Those that this page does not know are the kernel's to judge.
      const batchIds = ids.filter((id) => moved.includes(id) || !batches.some((batch) => batch.id === id));
      if (batchIds.length === 0 || !get().live) return;
      let target = topicId;
      try {
        const { result } = await send({ method: "move_batches", batchIds: [...batchIds], topicId });
        if (result.type === "batches_moved") target = result.topicId;
      } catch (cause) {
        report(cause);
        return;
      }
      const from = new Set(batches.map((batch) => batch.topicId));
      const [source] = from;
      const undo = async (): Promise<void> => {
        try {
          await send({ method: "move_batches", batchIds: [...batchIds], topicId: source ?? null });
          get().announce(t.notice.undone);
          if (topicId !== null || target === null) return;
          // The topic that was made for them goes too, unless something else came into it.
          const { result } = await send({ ...ANYTHING, topicId: target });
          if (result.type === "feed" && result.feed.batches.length === 0)
            await send({ method: "delete", what: "topic", ids: [target] });
        } catch (cause) {
          report(cause);
        }
      };
      const title = topicId === null ? null : (topicOf(topicId)?.title ?? t.topics.untitled);
      const action = { label: t.notice.undo, run: () => void undo() };
      get().addNotice("info", t.topics.moved(batchIds.length, title), from.size === 1 ? action : undefined);
    },

    topicSelected: (id) => {
      if (choosing > 0 || get().activeTopicId === id) return;
      get().showTopic(id);
      if (id === null) return;
      void get().learnTopics([id]);
      if (!get().feeds[id]?.loaded) void get().loadFeed(id);
    },

    // The kernel may have taken the snapshot before, during or after a choice whose answer was not there yet.
    topicTold: (id, choices) => {
      if (choosing === 0 && get().choices === choices) get().showTopic(id);
    },

    changeTopic: (topic) => set((state) => ({ topics: sorted([...without(state.topics, topic.id), topic]) })),

    removeTopic: (id) => {
      if (get().activeTopicId === id) get().showTopic(null);
      set((state) => {
        const { [id]: _, ...feeds } = state.feeds;
        return { topics: without(state.topics, id), feeds };
      });
    },
  };
};

function without(topics: readonly TopicState[], id: string): TopicState[] {
  return topics.filter((topic) => topic.id !== id);
}

export function sorted(topics: readonly TopicState[]): TopicState[] {
  return [...topics].sort(inListOrder);
}

/** Pinned ones first, then newest use; the ids sort by time of creation, so they break a tie. */
export function inListOrder(a: TopicState, b: TopicState): number {
  if (a.id === b.id) return 0;
  return Number(b.pinned) - Number(a.pinned) || b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1);
}

/** A title that no other topic has: "Foxes", "Foxes 2", "Foxes 3". */
export function freeTitle(title: string, topics: readonly TopicState[], id: string): string {
  const taken = new Set(topics.flatMap((topic) => (topic.id === id ? [] : [topic.title.toLowerCase()])));
  let free = title;
  for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `${title} ${number}`;
  return free;
}
