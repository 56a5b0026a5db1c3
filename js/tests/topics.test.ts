import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, generation, snapshot, topic } from "../dev/fixtures";
import type { Snapshot, TopicState } from "../src/protocol.gen";
import { chooseCover } from "../src/slices/covers";
import { KEPT_TOPICS, TOPICS_PAGE } from "../src/slices/topic-list";
import { receive, showSnapshot } from "../src/store";
import { settled, storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function opened() {
  const kernel = storeWithKernel();
  const old = batch("b1", "t1", "old", [generation("b1", 0)], { createdAt: 1 });
  showSnapshot(
    kernel.store,
    {
      ...snapshot(0, true),
      topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
      activeTopicId: "t1",
      feed: { topicId: "t1", batches: [old], before: null },
    },
    true,
  );
  const state = () => kernel.store.getState();
  return { ...kernel, state, titles: () => state().topics.map(({ title }) => title) };
}

describe("a topic", () => {
  it("is called by another name at once, and by the old one where that is refused", async () => {
    const { state, titles, last } = opened();
    void state().renameTopic("t1", "  Red   foxes ");
    expect(titles()).toEqual(["two", "Red foxes"]);
    expect(last().call).toEqual({ method: "rename_topic", topicId: "t1", title: "Red foxes" });
    await last().refuse();
    expect(titles()).toEqual(["two", "one"]);
    expect(state().notices).toHaveLength(1);
  });
  it("gets a number where another one is called so", () => {
    const { state, titles } = opened();
    void state().renameTopic("t1", "Two");
    expect(titles()).toEqual(["two", "Two 2"]);
  });
  it("keeps its name where none is given", () => {
    const { state, calls } = opened();
    void state().renameTopic("t1", "   ");
    void state().renameTopic("t1", "one");
    expect(calls).toHaveLength(0);
  });
  it("that was chosen before the kernel answered stays when it does", async () => {
    const kernel = storeWithKernel();
    const made = { ...snapshot(0, true), topics: [topic("t1", "one", 10), topic("t2", "two", 20)] };
    showSnapshot(kernel.store, { ...made, activeTopicId: "t1" }, false);
    void kernel.store.getState().selectTopic("t2");
    expect(kernel.calls.map(({ call }) => call)).toEqual([{ method: "select_topic", topicId: "t2" }]);
    showSnapshot(kernel.store, { ...made, activeTopicId: "t1" }, true);
    expect(kernel.store.getState().activeTopicId).toBe("t2");
  });
  it("that was made from here stays, whatever an older snapshot says", async () => {
    const { store, state, last } = opened();
    void state().selectTopic(null);
    await last().answer({
      type: "topic_shown",
      feed: null,
      draft: { prompt: "", references: [], mask: null },
    });
    state().setPrompt("a fox");
    const { choices } = state();
    void state().generate();
    const made = batch("b9", "t9", "a fox", [generation("b9", 0)], { createdAt: 9 });
    await last().answer({ type: "generated", topic: topic("t9", "", 30), batches: [made] });
    expect(state().activeTopicId).toBe("t9");
    showSnapshot(store, { ...snapshot(0, true), activeTopicId: null, feed: null }, true, choices);
    expect(state().activeTopicId).toBe("t9");
  });
  it("that is being chosen stays, also where the snapshot was asked for after the click", async () => {
    const { store, state, last } = opened();
    void state().selectTopic("t2");
    showSnapshot(store, { ...snapshot(0, true), activeTopicId: "t1" }, true);
    await last().answer();
    expect(state().activeTopicId).toBe("t2");
  });
  it("stands at the top when it is pinned", async () => {
    const { state, titles, last } = opened();
    void state().pinTopic("t1", true);
    expect(titles()).toEqual(["one", "two"]);
    await last().refuse();
    expect(titles()).toEqual(["two", "one"]);
  });
  it("comes back by Undo, and is shown again", async () => {
    const { state, titles, calls, last } = opened();
    void state().deleteTopic("t1");
    expect(state().activeTopicId).toBeNull();
    const undo = state().notices[0]?.action;
    expect(undo?.label).toBe("Undo");
    undo?.run();
    expect(calls.map(({ call }) => call.method)).toEqual(["delete"]);
    await last().answer();
    expect(last().call).toEqual({ method: "restore", what: "topic", ids: ["t1"] });
    await last().answer();
    expect(titles()).toEqual(["two", "one"]);
    expect(state().activeTopicId).toBe("t1");
    expect(last().call).toEqual({ method: "select_topic", topicId: "t1" });
  });
  it("that ran comes back as the kernel tells it, not as it was", async () => {
    const { store, state, last } = opened();
    receive(store, { type: "topic_changed", topic: { ...topic("t1", "one", 10), running: 2 } });
    void state().deleteTopic("t1");
    state().notices[0]?.action?.run();
    await last().answer();
    receive(store, { type: "topic_changed", topic: { ...topic("t1", "one", 10), images: 0 } });
    await last().answer();
    expect(state().topics.find(({ id }) => id === "t1")).toMatchObject({ running: 0, images: 0 });
    expect(state().announcements.at(-1)?.text).toBe("Taken back.");
  });
  it("that was made for a batch goes when the batch goes back, unless something came into it", async () => {
    const { state, last, calls } = opened();
    for (const left of [[], [batch("b9", "t9", "new", [], { createdAt: 2 })]]) {
      void state().moveBatches(["b1"], null);
      await last().answer({ type: "batches_moved", topicId: "t9" });
      state().notices.at(-1)?.action?.run();
      expect(last().call).toEqual({ method: "move_batches", batchIds: ["b1"], topicId: "t1" });
      await last().answer();
      expect(last().call).toMatchObject({ method: "feed", topicId: "t9", limit: 1 });
      await last().answer({ type: "feed", feed: { topicId: "t9", batches: left, before: null } });
    }
    const deleted = calls.map(({ call }) => call).filter(({ method }) => method === "delete");
    expect(deleted).toEqual([{ method: "delete", what: "topic", ids: ["t9"] }]);
  });
  it("can be brought back for ten seconds, each of several", () => {
    const { state } = opened();
    void state().deleteTopic("t1");
    vi.advanceTimersByTime(9_000);
    void state().deleteTopic("t2");
    expect(state().notices.map(({ message }) => message)).toEqual([
      "Deleted “one” and its 4 images.",
      "Deleted “two” and its 4 images.",
    ]);
    vi.advanceTimersByTime(1_000);
    expect(state().notices.map(({ message }) => message)).toEqual(["Deleted “two” and its 4 images."]);
  });
  it("offers no Undo where it could not be deleted", async () => {
    const { state, last } = opened();
    void state().deleteTopic("t1");
    await last().refuse();
    expect(state().notices.map(({ level }) => level)).toEqual(["error"]);
  });
  it("takes a batch in, and can give it back", async () => {
    const { store, state, last, calls } = opened();
    void state().moveBatches(["b1"], "t2");
    expect(last().call).toEqual({ method: "move_batches", batchIds: ["b1"], topicId: "t2" });
    await last().answer();
    const moved = batch("b1", "t2", "old", [generation("b1", 0)], { createdAt: 1 });
    receive(store, { type: "batch_changed", batch: moved });
    expect(state().notices[0]?.message).toBe("The batch is now in “two”.");
    state().notices[0]?.action?.run();
    expect(last().call).toEqual({ method: "move_batches", batchIds: ["b1"], topicId: "t1" });
    expect(calls).toHaveLength(2);
  });
  it("takes nothing in that it has already", () => {
    const { state, calls } = opened();
    void state().moveBatches(["b1"], "t1");
    expect(calls).toHaveLength(0);
  });
  it("says why it has not got the cover", async () => {
    const { page, state, last } = opened();
    void chooseCover(page, "t1", "b1-0");
    expect(last().call).toEqual({ method: "choose_cover", topicId: "t1", generationId: "b1-0" });
    await last().refuse();
    await settled();
    expect(state().notices).toHaveLength(1);
  });
});

/** Topics from this number on: the higher, the older. */
function range(from: number, count: number): TopicState[] {
  return Array.from({ length: count }, (_, index) => {
    const number = from + index;
    return topic(`n${String(number).padStart(5, "0")}`, `Study ${number}`, 100_000 - number);
  });
}

const ids = (topics: readonly TopicState[]) => topics.map(({ id }) => id);

describe("the list of topics", () => {
  function long(patch: Partial<Snapshot> = {}) {
    const kernel = storeWithKernel();
    const show = (more: Partial<Snapshot> = {}, live = true): void =>
      showSnapshot(
        kernel.store,
        {
          ...snapshot(0, true),
          topics: range(0, 4),
          topicsBefore: "after 3",
          activeTopicId: null,
          feed: null,
          ...patch,
          ...more,
        },
        live,
      );
    show();
    const state = () => kernel.store.getState();
    const asked = () => kernel.calls.map(({ call }) => call).filter(({ method }) => method !== "save_draft");
    const listed = () => ids(state().topics);
    return { ...kernel, state, show, asked, listed };
  }
  const load = async (kernel: ReturnType<typeof long>, topics: TopicState[], before: string | null) => {
    void kernel.state().loadTopics();
    await kernel.last().answer({ type: "topics", topics, before });
  };

  it("is loaded page by page to its end", async () => {
    const kernel = long();
    await load(kernel, range(4, 2), "after 5");
    expect(kernel.last().call).toEqual({
      method: "topics",
      search: "",
      before: "after 3",
      limit: TOPICS_PAGE,
    });
    void kernel.state().loadTopics();
    void kernel.state().loadTopics();
    expect(kernel.asked()).toHaveLength(2);
    expect(kernel.last().call).toMatchObject({ before: "after 5" });
    await kernel.last().answer({ type: "topics", topics: range(6, 1), before: null });
    expect(kernel.listed()).toEqual(ids(range(0, 7)));
    expect(kernel.state().topicsRest).toBeNull();
    void kernel.state().loadTopics();
    expect(kernel.asked()).toHaveLength(2);
  });
  it("says why the rest did not come, and asks for it again", async () => {
    const kernel = long();
    void kernel.state().loadTopics();
    await kernel.last().refuse();
    expect(kernel.state().notices).toMatchObject([{ level: "error" }]);
    void kernel.state().loadTopics();
    expect(kernel.asked()).toHaveLength(2);
    expect(kernel.last().call).toMatchObject({ before: "after 3" });
  });
  it("keeps what was loaded when a snapshot comes, and asks what became of it", async () => {
    const kernel = long();
    await load(kernel, range(4, 4), "after 7");
    const [made] = range(0, 1).map((each) => ({ ...each, id: "new", updatedAt: 200_000 }));
    // Another kernel made one and deleted the second; a snapshot holds four.
    kernel.show({ topics: [made as TopicState, ...range(0, 1), ...range(2, 2)] });
    expect(kernel.listed()).toEqual(["new", ...ids(range(0, 1)), ...ids(range(2, 6))]);
    expect(kernel.last().call).toEqual({
      method: "named_topics",
      topicIds: [...ids(range(1, 1)), ...ids(range(4, 4))],
    });
    const renamed = range(4, 3).map((each) => ({ ...each, title: "renamed" }));
    await kernel.last().answer({ type: "topics", topics: renamed, before: null });
    expect(kernel.listed()).toEqual(["new", ...ids(range(0, 1)), ...ids(range(2, 5))]);
    expect(kernel.state().topics.at(-1)?.title).toBe("renamed");
    // It goes on from where it was.
    void kernel.state().loadTopics();
    expect(kernel.last().call).toMatchObject({ method: "topics", before: "after 7" });
  });
  it("begins anew where more came on top than a snapshot holds", async () => {
    const kernel = long();
    await load(kernel, range(4, 4), null);
    const later = range(0, 4).map((each) => ({ ...each, id: `x${each.id}`, updatedAt: each.updatedAt * 2 }));
    kernel.show({ topics: later, topicsBefore: "after later" });
    expect(kernel.listed()).toEqual([...ids(later), ...ids(range(0, 8))]);
    void kernel.state().loadTopics();
    expect(kernel.last().call).toMatchObject({ method: "topics", before: "after later" });
  });
  it("forgets what a whole snapshot leaves out", () => {
    const kernel = long();
    kernel.show({ topics: range(1, 2), topicsBefore: null });
    expect(kernel.listed()).toEqual(ids(range(1, 2)));
    expect(kernel.asked()).toEqual([]);
  });
  it("takes an older answer about what is gone for nothing", async () => {
    const kernel = long();
    await load(kernel, range(4, 2), null);
    kernel.show();
    const older = kernel.last();
    kernel.show();
    await kernel.last().answer({ type: "topics", topics: range(4, 2), before: null });
    await older.answer({ type: "topics", topics: [], before: null });
    expect(kernel.listed()).toEqual(ids(range(0, 6)));
  });
  it("knows the topic that is shown, wherever it stands", () => {
    const [old] = range(900, 1);
    const kernel = long({ topics: [...range(0, 4), old as TopicState], activeTopicId: "n00900" });
    expect(kernel.state().topics.at(-1)?.title).toBe("Study 900");
    void kernel.state().loadTopics();
    expect(kernel.state().topicsRest?.end.id).toBe("n00003");
  });
  it("asks for a topic that is met and not known, once", async () => {
    const kernel = long();
    receive(kernel.store, { type: "topic_selected", topicId: "n00700" });
    expect(kernel.asked()).toContainEqual({ method: "named_topics", topicIds: ["n00700"] });
    void kernel.state().loadQueue();
    const queued = [batch("b1", "n00800", "old", [generation("b1", 0, { status: "pending" })], {})];
    await kernel.last().answer({ type: "queue", batches: queued });
    expect(kernel.last().call).toEqual({ method: "named_topics", topicIds: ["n00800"] });
    await kernel.last().answer({ type: "topics", topics: range(800, 1), before: null });
    expect(kernel.state().topics.at(-1)?.title).toBe("Study 800");
    const before = kernel.calls.length;
    await kernel.state().learnTopics(["n00700", "n00800", "n00001"]);
    expect(kernel.calls).toHaveLength(before);
  });
  it("knows the topics of what is found in all of them", async () => {
    const kernel = long();
    kernel.state().setFilter({ everywhere: true });
    const found = [batch("b1", "n00800", "old", [generation("b1", 0)], {})];
    await kernel.last().answer({ type: "feed", feed: { topicId: null, batches: found, before: null } });
    expect(kernel.last().call).toEqual({ method: "named_topics", topicIds: ["n00800"] });
  });
  it("holds no more than so many topics that it met, and keeps those that are needed", async () => {
    const kernel = long();
    receive(kernel.store, { type: "topic_selected", topicId: "n00700" });
    await kernel.calls
      .find(({ call }) => call.method === "named_topics")
      ?.answer({ type: "topics", topics: range(700, 1), before: null });
    const many = range(2000, KEPT_TOPICS + 50);
    void kernel.state().findTopics("study", null);
    await kernel.last().answer({ type: "topics", topics: many, before: null });
    const known = kernel.listed();
    expect(known.length).toBeLessThanOrEqual(4 + KEPT_TOPICS + 1);
    expect(known.slice(0, 5)).toEqual([...ids(range(0, 4)), "n00700"]);
    expect(known).toContain(many.at(-1)?.id);
    expect(known).not.toContain(many[0]?.id);
  });
});
