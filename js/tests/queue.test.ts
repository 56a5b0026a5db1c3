import { describe, expect, it } from "vitest";
import { batch, generation, model, paramsOf, snapshot, topic } from "../dev/fixtures";
import { batchesToCancel } from "../src/slices/create";
import { receive, type State, showSnapshot } from "../src/store";
import { settled, storeWithKernel } from "./kit";

const going = (id: string, topicId: string, createdAt: number, prompt = id) =>
  batch(
    id,
    topicId,
    prompt,
    [
      generation(id, 0, { status: "processing", cancellable: true }),
      generation(id, 1, { status: "pending", cancellable: true }),
    ],
    { createdAt, params: paramsOf(model("studio")) },
  );

function opened() {
  const kernel = storeWithKernel();
  showSnapshot(
    kernel.store,
    {
      ...snapshot(0, true),
      models: [model("studio")],
      topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
      activeTopicId: "t1",
      feed: { topicId: "t1", batches: [], before: null },
    },
    true,
  );
  const state = () => kernel.store.getState();
  return { ...kernel, state, ids: () => state().queue.map(({ id }) => id) };
}

describe("the queue", () => {
  it("holds what runs in all topics, oldest first", async () => {
    const { state, last, ids } = opened();
    void state().loadQueue();
    await last().answer({ type: "queue", batches: [going("b2", "t2", 2), going("b1", "t1", 1)] });
    expect(ids()).toEqual(["b1", "b2"]);
  });
  it("takes a batch in when it is added, and lets it go when its last image is there", () => {
    const { store, ids } = opened();
    receive(store, { type: "batch_added", batch: going("b1", "t2", 1) });
    receive(store, { type: "generation_changed", generation: generation("b1", 0) });
    expect(ids()).toEqual(["b1"]);
    receive(store, { type: "generation_changed", generation: generation("b1", 1, { status: "error" }) });
    expect(ids()).toEqual([]);
  });
  it("does not take in what ended before its request was answered", async () => {
    const { store, state, last, ids } = opened();
    state().setPrompt("a fox");
    void state().generate();
    const added = going("b1", "t1", 1);
    receive(store, { type: "batch_added", batch: added });
    for (const at of [0, 1])
      receive(store, { type: "generation_changed", generation: generation("b1", at, { status: "error" }) });
    await last().answer({ type: "generated", topic: topic("t1", "one", 10), batches: [added] });
    expect(ids()).toEqual([]);
  });
  it("lets go what is deleted, alone or with its topic", () => {
    const { store, ids } = opened();
    for (const id of ["b1", "b2", "b3"]) {
      receive(store, { type: "batch_added", batch: going(id, id === "b1" ? "t1" : "t2", 1) });
    }
    receive(store, { type: "batch_removed", batchId: "b1", topicId: "t1" });
    expect(ids()).toEqual(["b2", "b3"]);
    receive(store, { type: "topic_removed", topicId: "t2" });
    expect(ids()).toEqual([]);
  });
  it("asks where something runs that it does not know: a retry on an older page", async () => {
    const { store, last, ids } = opened();
    receive(store, { type: "generation_changed", generation: generation("b7", 0, { status: "pending" }) });
    expect(last().call.method).toBe("queue");
    await last().answer({ type: "queue", batches: [going("b7", "t2", 7)] });
    expect(ids()).toEqual(["b7"]);
  });
  it("does not believe an answer that events have passed", async () => {
    const { store, state, last, calls, ids } = opened();
    receive(store, { type: "batch_added", batch: going("b1", "t1", 1) });
    void state().loadQueue();
    for (const position of [0, 1]) {
      receive(store, { type: "generation_changed", generation: generation("b1", position) });
    }
    await last().answer({ type: "queue", batches: [going("b1", "t1", 1)] });
    expect(ids()).toEqual([]);
    expect(calls).toHaveLength(2);
    await last().answer({ type: "queue", batches: [] });
    expect(ids()).toEqual([]);
  });
  it("cancels all of it", async () => {
    const { store, state, calls } = opened();
    receive(store, { type: "batch_added", batch: going("b1", "t1", 1) });
    receive(store, { type: "batch_added", batch: going("b2", "t2", 2) });
    void state().cancelAll();
    await settled();
    expect(calls.map(({ call }) => call)).toEqual([
      { method: "cancel", batchIds: ["b1", "b2"], generationId: null },
    ]);
  });
});

describe("the main button", () => {
  const ids = (state: State) => batchesToCancel(state).map(({ id }) => id);
  const asked = async () => {
    const all = opened();
    all.state().setCount(2);
    all.state().setPrompt("a fox");
    void all.state().generate();
    await all.last().answer({
      type: "generated",
      topic: topic("t1", "one", 30),
      batches: [going("b1", "t1", 1, "a fox")],
    });
    return all;
  };
  it("cancels the newest request, as long as the same would be asked for again", async () => {
    const { state } = await asked();
    expect(ids(state())).toEqual(["b1"]);
    state().setPrompt("a fox in the rain");
    expect(ids(state())).toEqual([]);
    state().setPrompt("a fox");
    expect(ids(state())).toEqual(["b1"]);
    state().setParameter("seed", 7);
    expect(ids(state())).toEqual([]);
  });
  it("generates again when the request is over, and in another topic", async () => {
    const { store, state } = await asked();
    void state().selectTopic("t2");
    expect(ids(state())).toEqual([]);
    void state().selectTopic("t1");
    expect(ids(state())).toEqual(["b1"]);
    for (const position of [0, 1]) {
      receive(store, { type: "generation_changed", generation: generation("b1", position) });
    }
    expect(ids(state())).toEqual([]);
  });
  it("cancels nothing that cannot be stopped", () => {
    const { store, state } = opened();
    const stuck = batch("b1", "t1", "x", [generation("b1", 0, { status: "processing" })]);
    state().setPrompt("x");
    receive(store, { type: "batch_added", batch: stuck });
    expect(ids(state())).toEqual([]);
  });
});
