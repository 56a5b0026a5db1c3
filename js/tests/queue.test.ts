import { describe, expect, it } from "vitest";
import { batch, generation, model, paramsOf, snapshot, topic } from "../dev/fixtures";
import type { BatchState } from "../src/protocol.gen";
import { receive, showSnapshot } from "../src/store";
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

describe("Cancel at a batch", () => {
  const clicked = (id: string, at: number, clickId: string | null) => ({ ...going(id, "t1", at), clickId });
  const cancelled = async (id: string) => {
    const { store, state, calls } = opened();
    const batches = [
      clicked("b1", 1, "c1"),
      clicked("b2", 2, "c1"),
      clicked("b3", 3, null),
      clicked("b4", 4, "c2"),
    ];
    for (const each of batches) receive(store, { type: "batch_added", batch: each });
    void state().cancelClick(batches.find((each) => each.id === id) as BatchState);
    await settled();
    return calls.flatMap(({ call }) => (call.method === "cancel" ? [call.batchIds] : []));
  };
  it("cancels all that its click asked for, in one call, and nothing else", async () => {
    expect(await cancelled("b1")).toEqual([["b1", "b2"]]);
    expect(await cancelled("b3")).toEqual([["b3"]]);
    expect(await cancelled("b4")).toEqual([["b4"]]);
  });
  it("leaves alone what is done, or cannot be stopped", async () => {
    const { store, state, calls } = opened();
    const batches = [clicked("b1", 1, "c1"), clicked("b2", 2, "c1")];
    for (const each of batches) receive(store, { type: "batch_added", batch: each });
    for (const position of [0, 1])
      receive(store, { type: "generation_changed", generation: generation("b2", position) });
    void state().cancelClick(batches[0] as BatchState);
    await settled();
    expect(calls.flatMap(({ call }) => (call.method === "cancel" ? [call.batchIds] : []))).toEqual([["b1"]]);
  });
});
