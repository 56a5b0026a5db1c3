// The known part of the list of topics: its beginning, and single topics that were found or met further down.
import { causeText } from "../lib/answer";
import type { TopicState } from "../protocol.gen";
import type { Slice, State } from "./state";
import { inListOrder, sorted } from "./topics";

export interface TopicListSlice {
  /** Where the known part of the list ends; null where all topics are known. */
  topicsRest: TopicsRest | null;
  loadingTopics: boolean;

  /** Take in the first topics of the list, and the shown topic. Known topics beyond them stay. */
  receiveTopics(topics: readonly TopicState[], before: string | null): void;
  /** Ask again for topics that a snapshot leaves out: another kernel may have changed or deleted them. */
  checkTopics(): Promise<void>;
  /** Ask for the next topics of the list. */
  loadTopics(): Promise<void>;
  /** Ask for topics by words of their titles, and keep them. Return null if the kernel does not answer. */
  findTopics(words: string, before: string | null): Promise<FoundTopics | null>;
  /** Ask for the topics that the page does not know yet. */
  learnTopics(ids: readonly string[]): Promise<void>;
}

export interface TopicsRest {
  /** The cursor of the next page. */
  before: string;
  /** The last topic of the known part, as it was when it was loaded. */
  end: TopicState;
}

export interface FoundTopics {
  ids: string[];
  before: string | null;
}

export const TOPICS_PAGE = 100;
/** How many topics of the list are loaded, and how many are kept beyond it. Search finds the others. */
export const KEPT_TOPICS = 1000;
/** How many ids a single call takes. */
const MAX_IDS = 2000;

export const createTopicListSlice: Slice<TopicListSlice> = (set, get, send) => {
  /** The topics that the last snapshot left out. */
  let absent: string[] = [];
  /** The number of snapshots: an answer about an older snapshot is not used any more. */
  let snapshots = 0;
  /** The ids that were asked for. An id that an answer leaves here does not exist any more. */
  const asked = new Set<string>();
  /** The known topics beyond the known part of the list, the newest arrival last. */
  let strays: string[] = [];

  const take = (topics: readonly TopicState[]): void => {
    const fresh = new Set(topics.map(({ id }) => id));
    set((state) => ({ topics: sorted([...state.topics.filter(({ id }) => !fresh.has(id)), ...topics]) }));
    strays = [...strays.filter((id) => !fresh.has(id)), ...fresh];
    trim();
  };

  /** Drop the topics that were met long ago, far down in the list. */
  const trim = (): void => {
    const state = get();
    const beyond = new Set(state.topics.filter((topic) => !isListed(state, topic)).map(({ id }) => id));
    strays = strays.filter((id) => beyond.has(id));
    if (strays.length <= KEPT_TOPICS) return;
    const needed = neededTopics(state);
    const dropped = new Set(strays.slice(0, -KEPT_TOPICS).filter((id) => !needed.has(id)));
    strays = strays.filter((id) => !dropped.has(id));
    set({ topics: state.topics.filter(({ id }) => !dropped.has(id)) });
  };

  return {
    topicsRest: null,
    loadingTopics: false,

    receiveTopics: (topics, before) => {
      snapshots += 1;
      const { topics: old, topicsRest, activeTopicId } = get();
      // The shown topic may be far below the others.
      const end = topics.filter(({ id }) => id !== activeTopicId).at(-1);
      const fresh = new Set(topics.map(({ id }) => id));
      if (before === null || !end) {
        absent = [];
        set({ topics: sorted(topics), topicsRest: null });
        return;
      }
      const left = old.filter(({ id }) => !fresh.has(id));
      absent = left.slice(0, MAX_IDS).map(({ id }) => id);
      const below = left.filter((topic) => inListOrder(end, topic) < 0);
      // The loaded part goes on from the snapshot's end, unless more topics came in between than the snapshot has.
      const joins = old.some(({ id }) => id === end.id);
      const further = joins && (topicsRest === null || inListOrder(end, topicsRest.end) < 0);
      set({ topics: sorted([...topics, ...below]), topicsRest: further ? topicsRest : { before, end } });
      strays = [...new Set([...strays, ...below.map(({ id }) => id)])];
      trim();
    },

    checkTopics: async () => {
      const [ids, snapshot] = [absent, snapshots];
      if (ids.length === 0) return;
      try {
        const { result } = await send({ method: "named_topics", topicIds: ids });
        if (result.type !== "topics" || snapshot !== snapshots) return;
        const there = new Set(result.topics.map(({ id }) => id));
        const gone = new Set(ids.filter((id) => !there.has(id)));
        set((state) => ({ topics: state.topics.filter(({ id }) => !gone.has(id)) }));
        take(result.topics);
      } catch {
        // The topics stay as they were known; the next snapshot asks again.
      }
    },

    loadTopics: async () => {
      const { topicsRest, loadingTopics, live } = get();
      if (!topicsRest || loadingTopics || !live) return;
      set({ loadingTopics: true });
      try {
        const { before } = topicsRest;
        const { result } = await send({ method: "topics", search: "", before, limit: TOPICS_PAGE });
        // A snapshot may have begun the list anew.
        if (result.type !== "topics" || get().topicsRest?.before !== before) return;
        const end = result.topics.at(-1);
        set({ topicsRest: result.before !== null && end ? { before: result.before, end } : null });
        take(result.topics);
      } catch (cause) {
        // The page asks again when the end of the list comes near once more.
        get().addNotice("error", causeText(cause));
      } finally {
        set({ loadingTopics: false });
      }
    },

    findTopics: async (words, before) => {
      try {
        const { result } = await send({ method: "topics", search: words, before, limit: TOPICS_PAGE });
        if (result.type !== "topics") return null;
        take(result.topics);
        return { ids: result.topics.map(({ id }) => id), before: result.before };
      } catch {
        return null;
      }
    },

    learnTopics: async (ids) => {
      const { topics, live } = get();
      const known = new Set(topics.map(({ id }) => id));
      const topicIds = [...new Set(ids)].filter((id) => !known.has(id) && !asked.has(id));
      if (topicIds.length === 0 || !live) return;
      for (const id of topicIds) asked.add(id);
      try {
        const { result } = await send({ method: "named_topics", topicIds });
        if (result.type !== "topics") return;
        for (const { id } of result.topics) asked.delete(id);
        take(result.topics);
      } catch {
        for (const id of topicIds) asked.delete(id);
      }
    },
  };
};

/** Return whether a topic stands in the part of the list that is known without a gap. */
export function isListed({ topicsRest }: Pick<State, "topicsRest">, topic: TopicState): boolean {
  return topicsRest === null || inListOrder(topic, topicsRest.end) <= 0;
}

/** Return the topics that the page must know: the shown one, and those of the known batches. */
function neededTopics({ activeTopicId, queue, batches }: State): Set<string | null> {
  const known = [...queue, ...Object.values(batches)];
  return new Set([activeTopicId, ...known.map(({ topicId }) => topicId)]);
}
