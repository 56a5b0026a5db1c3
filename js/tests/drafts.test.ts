import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, generation, snapshot, topic } from "../dev/fixtures";
import type { DraftState } from "../src/protocol.gen";
import { DRAFT_DELAY } from "../src/slices/drafts";
import { receive, showSnapshot } from "../src/store";
import { storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const draft = (prompt: string): DraftState => ({ prompt, references: [], mask: null });

function opened(patch: Parameters<typeof Object.assign>[1] = {}) {
  const kernel = storeWithKernel();
  const base = snapshot(0, true);
  const shown = {
    ...base,
    topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
    activeTopicId: "t1",
    feed: { topicId: "t1", batches: [], before: null },
    draft: draft("left here yesterday"),
    ...patch,
  };
  showSnapshot(kernel.store, shown, true);
  const state = () => kernel.store.getState();
  const sent = (method: string) => kernel.calls.filter(({ call }) => call.method === method);
  return { ...kernel, state, sent, shown };
}

describe("a draft", () => {
  it("is there when the page opens", () => {
    expect(opened().state().prompt).toBe("left here yesterday");
  });
  it("is saved once, after it rested", () => {
    const { state, sent } = opened();
    state().setPrompt("a");
    state().setPrompt("a fox");
    vi.advanceTimersByTime(DRAFT_DELAY - 1);
    expect(sent("save_draft")).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(sent("save_draft").map(({ call }) => call)).toEqual([
      { method: "save_draft", topicId: "t1", prompt: "a fox", references: [], mask: null },
    ]);
  });
  it("is not replaced by a snapshot that was asked for before it was saved", async () => {
    const { state, last, store, shown } = opened();
    const asked = state().askDrafts();
    state().setPrompt("newer");
    state().saveDraft();
    await last().answer({ type: "empty" });
    showSnapshot(store, shown, true, undefined, asked);
    expect(state().prompt).toBe("newer");
    showSnapshot(store, { ...shown, draft: draft("of another page") }, true, undefined, state().askDrafts());
    expect(state().prompt).toBe("of another page");
  });
  it("belongs to its topic, and is saved before another one is shown", async () => {
    const { state, sent, last, calls } = opened();
    state().setPrompt("of one");
    void state().selectTopic("t2");
    expect(calls.map(({ call }) => call.method)).toEqual(["save_draft", "select_topic"]);
    expect(state().prompt).toBe("");
    await last().answer({
      type: "topic_shown",
      feed: { topicId: "t2", batches: [], before: null },
      draft: draft("of two"),
    });
    expect(state().prompt).toBe("of two");
    void state().selectTopic("t1");
    expect(state().prompt).toBe("of one");
    expect(sent("save_draft")).toHaveLength(1);
  });
  it("that is typed while the kernel answers is not written over", async () => {
    const { state, last } = opened();
    void state().selectTopic("t2");
    const answer = last();
    state().setPrompt("typed at once");
    await answer.answer({ type: "topic_shown", feed: null, draft: draft("older") });
    expect(state().prompt).toBe("typed at once");
  });
  it("of another page is taken over, unless the user types here", async () => {
    const { store, state, last } = opened();
    receive(store, { type: "draft_changed", topicId: "t1", draft: draft("from there") });
    expect(state().prompt).toBe("from there");
    state().setPrompt("typed here");
    receive(store, { type: "draft_changed", topicId: "t1", draft: draft("from there again") });
    expect(state().prompt).toBe("typed here");
    vi.advanceTimersByTime(DRAFT_DELAY);
    receive(store, { type: "draft_changed", topicId: "t1", draft: draft("while it is saved") });
    expect(state().prompt).toBe("typed here");
    await last().answer();
    receive(store, { type: "draft_changed", topicId: "t1", draft: draft("after that") });
    expect(state().prompt).toBe("after that");
  });
  it("of a topic that is not shown waits for it", () => {
    const { store, state } = opened();
    receive(store, { type: "draft_changed", topicId: "t2", draft: draft("for two") });
    expect(state().prompt).toBe("left here yesterday");
    void state().selectTopic("t2");
    expect(state().prompt).toBe("for two");
  });
  it("that could not be saved stays, and is sent when the kernel is back", async () => {
    const { store, state, last, sent, shown } = opened();
    state().setPrompt("precious");
    vi.advanceTimersByTime(DRAFT_DELAY);
    await last().refuse();
    showSnapshot(store, shown, true);
    expect(state().prompt).toBe("precious");
    expect(sent("save_draft").at(-1)?.call).toMatchObject({ prompt: "precious" });
    expect(sent("save_draft")).toHaveLength(2);
  });
  it("stays after it was sent: the next one is often a variation", async () => {
    const { state, last } = opened();
    state().setPrompt("a fox");
    void state().generate();
    await last().answer({
      type: "generated",
      topic: topic("t1", "one", 30),
      batches: [batch("b1", "t1", "a fox", [generation("b1", 0, { status: "pending" })])],
    });
    expect(state().prompt).toBe("a fox");
  });
  it("stays where the request is refused", async () => {
    const { state, last } = opened();
    state().setPrompt("a fox");
    void state().generate();
    await last().refuse();
    expect(state()).toMatchObject({ prompt: "a fox", refusal: { code: "rate_limited" } });
  });
  it("goes with the topic that is made of it, and leaves the new-topic screen empty", async () => {
    const { state, last, sent } = opened({ activeTopicId: null, feed: null, draft: draft("") });
    state().setPrompt("a fox");
    void state().generate();
    state().setPrompt("a fox in the rain");
    await last().answer({
      type: "generated",
      topic: topic("t3", "a fox", 30),
      batches: [batch("b1", "t3", "a fox", [generation("b1", 0, { status: "pending" })])],
    });
    expect(state()).toMatchObject({ activeTopicId: "t3", prompt: "a fox in the rain" });
    expect(sent("save_draft").map(({ call }) => call)).toMatchObject([
      { topicId: null, prompt: "" },
      { topicId: "t3", prompt: "a fox in the rain" },
    ]);
    void state().selectTopic(null);
    expect(state().prompt).toBe("");
  });
  it("goes to the new topic also where the user went on to another one", async () => {
    const { state, last } = opened({ activeTopicId: null, feed: null, draft: draft("") });
    state().setPrompt("a fox");
    void state().generate();
    const request = last();
    void state().selectTopic("t2");
    await request.answer({
      type: "generated",
      topic: topic("t3", "a fox", 30),
      batches: [batch("b1", "t3", "a fox", [generation("b1", 0, { status: "pending" })])],
    });
    expect(state()).toMatchObject({ activeTopicId: "t2", prompt: "" });
    void state().selectTopic("t3");
    expect(state().prompt).toBe("a fox");
  });
});

describe("earlier prompts", () => {
  const answered = async () => {
    const all = opened();
    const walked = all.state().walkPrompts(1);
    await all.last().answer({ type: "prompts", prompts: ["third", "second", "first"] });
    await walked;
    return all;
  };
  it("are walked through, and the unsent text is kept", async () => {
    const { state, sent } = await answered();
    expect(state().prompt).toBe("third");
    await state().walkPrompts(1);
    await state().walkPrompts(1);
    await state().walkPrompts(1);
    expect(state().prompt).toBe("first");
    for (let step = 0; step < 5; step++) await state().walkPrompts(-1);
    expect(state().prompt).toBe("left here yesterday");
    expect(sent("prompts")).toHaveLength(1);
    vi.advanceTimersByTime(DRAFT_DELAY);
    expect(sent("save_draft")).toHaveLength(0);
  });
  it("become the draft when they are changed", async () => {
    const { state, sent } = await answered();
    state().setPrompt("third, in the rain");
    vi.advanceTimersByTime(DRAFT_DELAY);
    expect(sent("save_draft")[0]?.call).toMatchObject({ prompt: "third, in the rain" });
  });
  it("do not stand in the way of the draft when another topic is shown", async () => {
    const { state } = await answered();
    void state().selectTopic("t2");
    void state().selectTopic("t1");
    expect(state().prompt).toBe("left here yesterday");
  });
  it("begin before the one that was just sent", async () => {
    const { store, state } = await answered();
    state().setPrompt("fourth");
    receive(store, { type: "batch_added", batch: batch("b9", "t1", "fourth", []) });
    await state().walkPrompts(1);
    expect(state().prompt).toBe("third");
  });
  it("do not cover what was written, or shown, before they came", async () => {
    const { state, last } = opened();
    void state().walkPrompts(1);
    state().setPrompt("a fox");
    await last().answer({ type: "prompts", prompts: ["third"] });
    expect(state().prompt).toBe("a fox");
    const other = opened();
    void other.state().walkPrompts(1);
    const asked = other.last();
    void other.state().selectTopic("t2");
    await asked.answer({ type: "prompts", prompts: ["third"] });
    expect(other.state().prompt).toBe("");
  });
  it("are asked for again where they could not be had", async () => {
    const { state, last, sent } = opened();
    const walked = state().walkPrompts(1);
    await last().refuse();
    await walked;
    expect(state().prompt).toBe("left here yesterday");
    void state().walkPrompts(1);
    expect(sent("prompts")).toHaveLength(2);
  });
});
