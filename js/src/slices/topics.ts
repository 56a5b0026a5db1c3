// The topics, pinned ones and newest use first, and which one is shown.
import { causeText } from "../lib/answer";
import type { TopicState } from "../protocol.gen";
import type { Slice } from "./state";

export interface TopicsSlice {
  topics: TopicState[];
  /** The topic that is shown; null on the "new topic" screen. */
  activeTopicId: string | null;
  /** How many choices of a topic this page made, and how many answers to them came. */
  choices: number;

  selectTopic(id: string | null): Promise<void>;
  /** Give a topic a title, with a number after it if another topic has the same title. */
  renameTopic(id: string, title: string): Promise<void>;
  pinTopic(id: string, pinned: boolean): Promise<void>;
  /** Show the topic that code or another page has chosen. */
  topicSelected(id: string | null): void;
  /** Show the topic of a snapshot, unless the user chose a topic since `choices` was counted. */
  topicTold(id: string | null, choices: number): void;
  changeTopic(topic: TopicState): void;
  removeTopic(id: string): void;
}

export const createTopicsSlice: Slice<TopicsSlice> = (set, get, send) => {
  // While the user's own choice is on its way, the echo of an older choice must not switch back.
  let choosing = 0;

  const countChoice = (under: 1 | -1): void => {
    choosing += under;
    set(({ choices }) => ({ choices: choices + 1 }));
  };

  const report = (cause: unknown): void => get().addNotice("error", causeText(cause));

  const topicOf = (id: string): TopicState | undefined => get().topics.find((topic) => topic.id === id);

  /** Show a change at once, and take it back if the kernel refuses it. */
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
      if (!get().usable) return;
      const before = get().activeTopicId;
      if (before === id && (id === null || get().feeds[id]?.loaded)) return;
      get().showTopic(id);
      if (id !== null) void get().learnTopics([id]);
      countChoice(1);
      const asked = get().askDrafts();
      try {
        const { result } = await send({ method: "select_topic", topicId: id });
        if (result.type !== "topic_shown") return;
        if (result.feed) get().receiveFeed(result.feed);
        get().receiveDraft(id, result.draft, asked);
      } catch (cause) {
        report(cause);
        if (get().activeTopicId === id) get().showTopic(before);
      } finally {
        countChoice(-1);
      }
    },

    renameTopic: async (id, title) => {
      const topic = topicOf(id);
      const words = title.trim().replace(/\s+/g, " ");
      if (!topic || !get().usable || !words || words === topic.title) return;
      const free = freeTitle(words, get().topics, id);
      await change(topic, { title: free }, send({ method: "rename_topic", topicId: id, title: free }));
    },

    pinTopic: async (id, pinned) => {
      const topic = topicOf(id);
      if (!topic || !get().usable) return;
      await change(topic, { pinned }, send({ method: "pin_topic", topicId: id, pinned }));
    },

    topicSelected: (id) => {
      if (choosing > 0 || get().activeTopicId === id) return;
      get().showTopic(id);
      if (id === null) return;
      void get().learnTopics([id]);
      if (!get().feeds[id]?.loaded) void get().loadFeed(id);
    },

    // The kernel may have taken the snapshot before, during or after a choice that is not answered yet.
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

/** Compare topics: pinned ones first, then newest use; ids sort by time of creation, so they break a tie. */
export function inListOrder(a: TopicState, b: TopicState): number {
  if (a.id === b.id) return 0;
  return Number(b.pinned) - Number(a.pinned) || b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1);
}

/** Return a title that no other topic has: "Foxes", "Foxes 2", "Foxes 3". */
export function freeTitle(title: string, topics: readonly TopicState[], id: string): string {
  const taken = new Set(topics.flatMap((topic) => (topic.id === id ? [] : [topic.title.toLowerCase()])));
  let free = title;
  for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `${title} ${number}`;
  return free;
}
