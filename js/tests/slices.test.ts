import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, error, generation, model, parameter, snapshot, topic } from "../dev/fixtures";
import type { Snapshot } from "../src/protocol.gen";
import { checkProvider, giveKey } from "../src/slices/access";
import { CONFIGURE_DELAY } from "../src/slices/config";
import { improve } from "../src/slices/improve";
import { receive, showConnection, showSnapshot } from "../src/store";
import { settled, storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const running = (id: string) => [
  generation(id, 0, { status: "pending" }),
  generation(id, 1, { status: "pending" }),
];

function small(patch: Partial<Snapshot> = {}): Snapshot {
  const old = batch("b1", "t1", "old", [generation("b1", 0), generation("b1", 1)], { createdAt: 1 });
  return {
    ...snapshot(0, true),
    models: [model("m"), model("other")],
    config: { ...snapshot(0, true).config, model: "demo:m" },
    topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
    activeTopicId: "t1",
    feed: { topicId: "t1", batches: [old], before: null },
    ...patch,
  };
}

function opened(patch: Partial<Snapshot> = {}) {
  const kernel = storeWithKernel();
  showSnapshot(kernel.store, small(patch), true);
  const state = () => kernel.store.getState();
  const batches = (topicId = "t1") => [...(state().feeds[topicId]?.ids ?? [])];
  return { ...kernel, state, batches };
}

describe("config", () => {
  it("is saved once, after it rested", async () => {
    const { state, calls, last } = opened();
    state().setCount(2);
    state().setParameter("seed", 7);
    vi.advanceTimersByTime(CONFIGURE_DELAY - 1);
    expect(calls).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(calls).toHaveLength(1);
    expect(last().call).toMatchObject({
      method: "configure",
      config: { count: 2, params: { "demo:m": { seed: 7 } } },
    });
  });
  it("keeps the user's change against an older one from the kernel", async () => {
    const { store, state, last } = opened();
    const old = state().config;
    state().setCount(2);
    receive(store, { type: "config_changed", config: old });
    expect(state().config.count).toBe(2);
    vi.advanceTimersByTime(CONFIGURE_DELAY);
    receive(store, { type: "config_changed", config: old });
    expect(state().config.count).toBe(2);
    await last().answer();
    receive(store, { type: "config_changed", config: { ...old, count: 3 } });
    expect(state().config.count).toBe(3);
  });
  it("keeps count in its range", () => {
    const { state } = opened();
    state().setCount(99);
    expect(state().config.count).toBe(4);
    state().setCount(0);
    expect(state().config.count).toBe(1);
  });
  it("moves both edges by a ratio, on the model's own steps", () => {
    const { state } = opened();
    state().setRatio(16 / 9);
    expect(state().config.params["demo:m"]).toEqual({ width: 1344, height: 768 });
  });
  it("keeps parameters for each model, and resets one", () => {
    const { state } = opened();
    state().setParameter("seed", 1);
    state().chooseModel("demo:other");
    state().setParameter("seed", 2);
    state().resetParameters();
    expect(state().config.params).toEqual({ "demo:m": { seed: 1 } });
  });
  it("keeps what fits when the model changes", () => {
    const { state } = opened({
      models: [model("m"), model("other", { parameters: [parameter("seed", { maximum: 5 })] })],
    });
    state().setParameters({ seed: 4, width: 512, height: 512 });
    state().chooseModel("demo:other");
    expect(state().config).toMatchObject({ model: "demo:other", params: { "demo:other": { seed: 4 } } });
    state().chooseModel("demo:m");
    state().setParameter("seed", 9);
    state().chooseModel("demo:other");
    expect(state().config.params["demo:other"]).toEqual({ seed: 4 });
  });
  it("chooses only what it knows", () => {
    const { state } = opened();
    state().chooseModel("demo:nothing");
    expect(state().config.model).toBe("demo:m");
  });
  it("learns a model in free text, once", async () => {
    const { state, calls, last } = opened();
    const learned = state().learnModel("local:mine");
    expect(last().call).toEqual({ method: "model", name: "local:mine" });
    await last().answer({ type: "model", model: model("mine", { provider: "local" }) });
    expect(await learned).toBeNull();
    expect(await state().learnModel("local:mine")).toBeNull();
    expect(calls).toHaveLength(1);
    expect(state().models.map(({ name }) => name)).toEqual(["demo:m", "demo:other", "local:mine"]);
  });
  it("says that there is no such model, and keeps the present one", async () => {
    const { state, last } = opened();
    const learned = state().learnModel("local:none");
    await last().refuse(error({ message: "There is no model." }));
    expect((await learned)?.message).toBe("There is no model.");
    expect(state().config.model).toBe("demo:m");
  });
  it("learns a model that code chose", async () => {
    const { store, state, last } = opened();
    receive(store, { type: "config_changed", config: { ...state().config, model: "local:mine" } });
    expect(last().call).toEqual({ method: "model", name: "local:mine" });
  });
  it("says why it could not be saved", async () => {
    const { state, last } = opened();
    state().setCount(2);
    state().saveConfig();
    await last().refuse();
    expect(state().notices[0]?.message).toContain("no more requests");
  });
});

describe("topics", () => {
  it("stand in the order of their use", () => {
    const { store, state } = opened();
    expect(state().topics.map(({ id }) => id)).toEqual(["t2", "t1"]);
    receive(store, { type: "topic_changed", topic: topic("t1", "renamed", 30) });
    expect(state().topics.map(({ title }) => title)).toEqual(["renamed", "two"]);
  });
  it("are shown at once and filled by the answer", async () => {
    const { state, last, batches } = opened();
    void state().selectTopic("t2");
    expect(state().activeTopicId).toBe("t2");
    await last().answer({
      type: "topic_shown",
      feed: { topicId: "t2", batches: [batch("b9", "t2", "x", [])], before: null },
      draft: { prompt: "", references: [], mask: null },
    });
    expect(batches("t2")).toEqual(["b9"]);
  });
  it("are not switched back by the echo of an older choice", async () => {
    const { store, state, calls } = opened();
    void state().selectTopic("t2");
    void state().selectTopic(null);
    receive(store, { type: "topic_selected", topicId: "t2" });
    expect(state().activeTopicId).toBeNull();
    for (const call of calls) await call.answer();
    receive(store, { type: "topic_selected", topicId: "t2" });
    expect(state().activeTopicId).toBe("t2");
  });
  it("load their feed when code chose them", () => {
    const { store, last } = opened();
    receive(store, { type: "topic_selected", topicId: "t2" });
    expect(last().call).toMatchObject({ method: "feed", topicId: "t2", before: null });
  });
  it("come back where deleting failed", async () => {
    const { state, last, batches } = opened();
    void state().deleteTopic("t1");
    expect(state().topics.map(({ id }) => id)).toEqual(["t2"]);
    expect(state().activeTopicId).toBeNull();
    await last().refuse();
    expect(state().topics.map(({ id }) => id)).toEqual(["t2", "t1"]);
    expect(state().activeTopicId).toBe("t1");
    expect(batches()).toEqual(["b1"]);
    expect(state().notices).toHaveLength(1);
  });
});

describe("batches", () => {
  it("come twice and are shown once", () => {
    const { store, batches } = opened();
    const fresh = batch("b2", "t1", "new", running("b2"), { createdAt: 2 });
    receive(store, { type: "batch_added", batch: fresh });
    receive(store, { type: "batch_added", batch: fresh });
    expect(batches()).toEqual(["b2", "b1"]);
  });
  it("follow their generations, and say so", () => {
    const { store, state } = opened();
    receive(store, { type: "batch_added", batch: batch("b2", "t1", "new", running("b2"), { createdAt: 2 }) });
    const event = {
      type: "generation_progress",
      generationId: "b2-1",
      batchId: "b2",
      previewBuffer: null,
    } as const;
    receive(store, { ...event, progress: 0.5, queuePosition: null, retryIn: null });
    expect(state().progress["b2-1"]?.progress).toBe(0.5);
    receive(store, { ...event, progress: null, queuePosition: null, retryIn: 40 });
    expect(state().progress["b2-1"]?.retryAt).toBeGreaterThan(Date.now() + 39_000);
    receive(store, { type: "generation_changed", generation: generation("b2", 1, { status: "success" }) });
    expect(state().batches.b1?.generations[1]?.status).toBe("success");
    expect(state().progress).toEqual({});
  });
  it("go with their last generation", () => {
    const { store, batches } = opened();
    receive(store, { type: "generation_removed", batchId: "b1", generationId: "b1-0" });
    expect(batches()).toEqual(["b1"]);
    receive(store, { type: "generation_removed", batchId: "b1", generationId: "b1-1" });
    expect(batches()).toEqual([]);
  });
  it("come back in their place where deleting failed", async () => {
    const { state, last, batches } = opened();
    void state().deleteBatches(["b1"]);
    expect(batches()).toEqual([]);
    await last().refuse();
    expect(batches()).toEqual(["b1"]);
    void state().deleteGenerations(["b1-0"]);
    expect(state().batches.b1?.generations.map(({ id }) => id)).toEqual(["b1-1"]);
    await last().refuse();
    expect(state().batches.b1?.generations.map(({ id }) => id)).toEqual(["b1-0", "b1-1"]);
    expect(state().notices.map(({ action }) => action)).toEqual([undefined]);
  });
  it("are loaded page by page, each page once", async () => {
    const feed = { topicId: "t1", batches: [batch("b5", "t1", "x", [], { createdAt: 5 })], before: "cursor" };
    const { state, calls, last, batches } = opened({ feed });
    void state().loadMore("t1");
    void state().loadMore("t1");
    expect(calls).toHaveLength(1);
    expect(last().call).toMatchObject({ method: "feed", before: "cursor" });
    await last().answer({
      type: "feed",
      feed: { topicId: "t1", batches: [batch("b4", "t1", "x", [], { createdAt: 4 })], before: null },
    });
    expect(batches()).toEqual(["b5", "b4"]);
    await state().loadMore("t1");
    expect(calls).toHaveLength(1);
  });
  it("keep the older pages over a new snapshot", async () => {
    const first = {
      topicId: "t1",
      batches: [batch("b5", "t1", "x", [], { createdAt: 5 })],
      before: "cursor",
    };
    const { store, state, last, batches } = opened({ feed: first });
    void state().loadMore("t1");
    const older = { topicId: "t1", batches: [batch("b4", "t1", "x", [], { createdAt: 4 })], before: null };
    await last().answer({ type: "feed", feed: older });
    showSnapshot(store, small({ feed: first }), true);
    expect(batches()).toEqual(["b5", "b4"]);
  });
});

describe("a call of unknown price", () => {
  it.each([
    ["Generate anyway", "retry"],
    ["Improve anyway", "improve"],
  ] as const)("is offered as %s, and sent once the user agrees", async (label, method) => {
    const { page, state, calls, last } = opened();
    state().setPrompt("a fox");
    void (method === "retry" ? state().retry("b1", "b1-0") : improve(page, "expand"));
    await last().refuse(error({ code: "price_unknown" }));
    const action = state().notices.at(-1)?.action;
    expect(action?.label).toBe(label);
    action?.run();
    const [first, second] = calls.filter(({ call }) => call.method === method).map(({ call }) => call);
    expect(first).toMatchObject({ confirm: false });
    expect(second).toEqual({ ...first, confirm: true });
    await last().refuse(error({ code: "over_budget" }));
    expect(state().notices.at(-1)?.action).toBeUndefined();
  });
});

describe("create", () => {
  const reply = (topicId: string, id = "b2") => ({
    type: "generated" as const,
    topic: topic(topicId, "new", 99),
    batches: [batch(id, topicId, "a fox", running(id), { createdAt: 99 })],
  });

  it("sends what is shown", async () => {
    const { state, last, batches } = opened();
    state().setPrompt("  a fox ");
    state().setCount(2);
    state().setParameter("seed", 7);
    void state().generate();
    expect(last().call).toEqual({
      method: "generate",
      wishes: [
        { model: "demo:m", prompt: "a fox", params: { seed: 7 }, references: [], mask: null, action: null },
      ],
      n: 2,
      topicId: "t1",
      confirm: false,
    });
    expect(state().busy).toBe(true);
    await last().answer(reply("t1"));
    expect(state().busy).toBe(false);
    expect(batches()).toEqual(["b2", "b1"]);
    expect(state().madeBatchId).toBe("b2");
  });
  it("sends one request for two clicks, and none without a prompt", () => {
    const { state, calls } = opened();
    void state().generate();
    expect(calls).toHaveLength(0);
    state().setPrompt("x");
    void state().generate();
    void state().generate();
    expect(calls).toHaveLength(1);
  });
  it("before the kernel has answered asks for what was shown when it was clicked", () => {
    const { store, calls } = storeWithKernel();
    showSnapshot(store, small(), false);
    store.getState().setPrompt("x");
    void store.getState().generate();
    store.getState().setPrompt("y");
    void store.getState().selectTopic("t2");
    expect(calls.map(({ call }) => call)).toMatchObject([
      { method: "generate", wishes: [{ prompt: "x" }] },
      { method: "save_draft", topicId: "t1", prompt: "y" },
      { method: "select_topic", topicId: "t2" },
    ]);
    expect(store.getState().activeTopicId).toBe("t2");
  });
  it("does nothing without a kernel", () => {
    const { store, calls } = storeWithKernel();
    showSnapshot(store, small(), false);
    showConnection(store, "none");
    store.getState().setPrompt("x");
    void store.getState().generate();
    void store.getState().selectTopic("t2");
    void store.getState().deleteTopic("t2");
    store.getState().setCount(2);
    vi.advanceTimersByTime(CONFIGURE_DELAY);
    expect(calls).toHaveLength(0);
  });
  it("goes to the topic that it made", async () => {
    const { store, state, last, batches } = opened({ activeTopicId: null, feed: null });
    state().setPrompt("a fox");
    void state().generate();
    for (const each of reply("t9").batches) receive(store, { type: "batch_added", batch: each });
    await last().answer(reply("t9"));
    expect(state().activeTopicId).toBe("t9");
    expect(batches("t9")).toEqual(["b2"]);
    expect(state().feeds.t9?.loaded).toBe(true);
  });
  it("keeps the prompt when it is refused, and says why", async () => {
    const { state, last } = opened();
    state().setPrompt("a fox");
    void state().generate();
    await last().refuse(error({ message: "No.", nextStep: "Change it." }));
    expect(state()).toMatchObject({
      busy: false,
      prompt: "a fox",
      refusal: { message: "No.", nextStep: "Change it." },
    });
  });
  it("takes settings over from a batch", async () => {
    const { state } = opened();
    state().setParameter("seed", 1);
    const params = { width: 512, height: 512, gone: 1 };
    state().reuse(batch("b7", "t1", "a fox", running("b7"), { model: "demo:other", params }));
    expect(state().prompt).toBe("a fox");
    expect(state().config).toMatchObject({
      model: "demo:other",
      count: 2,
      params: { "demo:m": { seed: 1 }, "demo:other": { width: 512, height: 512 } },
    });
    await settled();
  });
  it("takes a seed over", () => {
    const { state } = opened();
    state().reuseSeed(batch("b7", "t1", "a fox", []), 5);
    expect(state().config.params["demo:m"]).toEqual({ seed: 5 });
  });
});

describe("a key", () => {
  const KEY = "sk-canary-0123";
  it("goes to the kernel and stays nowhere in the page's state", async () => {
    const { page, store, last } = opened();
    const said = giveKey(page.send, "openai", KEY);
    expect(last().call).toEqual({ method: "set_key", provider: "openai", key: KEY, remember: true });
    expect(JSON.stringify(store.getState())).not.toContain(KEY);
    await last().answer({ type: "key_taken", provider: "openai", keptIn: "keyring", message: "It is kept." });
    expect(await said).toEqual({ good: true, message: "It is kept." });
    expect(JSON.stringify(store.getState())).not.toContain(KEY);
  });
  it("that is refused says why", async () => {
    const { page, last } = opened();
    const said = giveKey(page.send, "openai", "two words");
    await last().refuse(error({ message: "No key.", nextStep: "Copy it again." }));
    expect(await said).toEqual({ good: false, message: "No key. Copy it again." });
  });
  it("is tested, and each outcome is good or bad", async () => {
    const { page, last } = opened();
    const outcomes = ["good", "reached", "unknown", "missing_key", "bad_key", "no_network", "other"] as const;
    const heard: boolean[] = [];
    for (const outcome of outcomes) {
      const said = checkProvider(page.send, "openai");
      await last().answer({ type: "provider_checked", provider: "openai", outcome, message: outcome });
      heard.push((await said).good);
    }
    expect(heard).toEqual([true, true, true, false, false, false, false]);
  });
});
