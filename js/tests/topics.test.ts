import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, generation, snapshot, topic } from "../dev/fixtures";
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
  it("that was chosen before the kernel answered is shown when it does", async () => {
    const kernel = storeWithKernel();
    const made = { ...snapshot(0, true), topics: [topic("t1", "one", 10), topic("t2", "two", 20)] };
    showSnapshot(kernel.store, { ...made, activeTopicId: "t1" }, false);
    void kernel.store.getState().selectTopic("t2");
    expect(kernel.calls).toHaveLength(0);
    showSnapshot(kernel.store, { ...made, activeTopicId: "t1" }, true);
    expect(kernel.last().call).toEqual({ method: "select_topic", topicId: "t2" });
    expect(kernel.store.getState().activeTopicId).toBe("t2");
    // Once, not after each answer.
    showSnapshot(kernel.store, { ...made, activeTopicId: "t2" }, true);
    expect(kernel.calls).toHaveLength(1);
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
    await last().answer({ type: "generated", topic: topic("t9", "", 30), batch: made });
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
    const { state, last } = opened();
    void state().chooseCover("t1", "b1-0");
    expect(last().call).toEqual({ method: "choose_cover", topicId: "t1", generationId: "b1-0" });
    await last().refuse();
    await settled();
    expect(state().notices).toHaveLength(1);
  });
});
