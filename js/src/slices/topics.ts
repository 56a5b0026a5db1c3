// The topics, newest use first, and which one is shown.
import { errorState } from "../lib/answer";
import type { TopicState } from "../protocol.gen";
import type { Slice } from "./state";

export interface TopicsSlice {
  topics: TopicState[];
  /** The topic that is shown; null on the "new topic" screen. */
  activeTopicId: string | null;

  selectTopic(id: string | null): Promise<void>;
  deleteTopic(id: string): Promise<void>;
  /** Another topic was chosen from code or by another page. */
  topicSelected(id: string | null): void;
  changeTopic(topic: TopicState): void;
  removeTopic(id: string): void;
}

export const createTopicsSlice: Slice<TopicsSlice> = (set, get, send) => {
  // While the user's own choice is under way, the echo of an older one must not switch back.
  let choosing = 0;

  return {
    topics: [],
    activeTopicId: null,

    selectTopic: async (id) => {
      if (!get().live) return;
      if (get().activeTopicId === id && (id === null || get().feeds[id]?.loaded)) return;
      const before = get().activeTopicId;
      set({ activeTopicId: id, refusal: null });
      choosing += 1;
      try {
        const { result } = await send({ method: "select_topic", topicId: id });
        if (result.type === "topic_shown" && result.feed) get().receiveFeed(result.feed);
      } catch (cause) {
        const { message, nextStep } = errorState(cause);
        get().addNotice("error", `${message} ${nextStep}`);
        if (get().activeTopicId === id) set({ activeTopicId: before });
      } finally {
        choosing -= 1;
      }
    },

    deleteTopic: async (id) => {
      const topic = get().topics.find((candidate) => candidate.id === id);
      if (!topic || !get().live) return;
      const { activeTopicId, feeds } = get();
      get().removeTopic(id);
      try {
        await send({ method: "delete", what: "topic", ids: [id] });
      } catch (cause) {
        const feed = feeds[id];
        get().changeTopic(topic);
        set((state) => ({
          activeTopicId: state.activeTopicId ?? (activeTopicId === id ? id : null),
          feeds: feed ? { ...state.feeds, [id]: feed } : state.feeds,
        }));
        const { message, nextStep } = errorState(cause);
        get().addNotice("error", `${message} ${nextStep}`);
      }
    },

    topicSelected: (id) => {
      if (choosing > 0 || get().activeTopicId === id) return;
      set({ activeTopicId: id });
      if (id !== null && !get().feeds[id]?.loaded) void get().loadFeed(id);
    },

    changeTopic: (topic) => set((state) => ({ topics: sorted([...without(state.topics, topic.id), topic]) })),

    removeTopic: (id) =>
      set((state) => {
        const { [id]: _, ...feeds } = state.feeds;
        return {
          topics: without(state.topics, id),
          activeTopicId: state.activeTopicId === id ? null : state.activeTopicId,
          feeds,
        };
      }),
  };
};

function without(topics: readonly TopicState[], id: string): TopicState[] {
  return topics.filter((topic) => topic.id !== id);
}

/** Newest use first; the ids sort by time of creation, so they break a tie. */
export function sorted(topics: readonly TopicState[]): TopicState[] {
  return [...topics].sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1));
}
