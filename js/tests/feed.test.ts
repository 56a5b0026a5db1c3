import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, generation, model, snapshot, topic } from "../dev/fixtures";
import type { BatchState, FeedState } from "../src/protocol.gen";
import { KEPT_BATCHES } from "../src/slices/feed-pages";
import { FOUND, SEARCH_DELAY } from "../src/slices/filter";
import { SELECT_DELAY } from "../src/slices/selection";
import { receive, showSnapshot } from "../src/store";
import { settled, storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const named = (id: string, prompt = id, count = 2, topicId = "t1"): BatchState =>
  batch(
    id,
    topicId,
    prompt,
    Array.from({ length: count }, (_, position) => generation(id, position)),
  );

function opened(batches: BatchState[], before: string | null = null) {
  const kernel = storeWithKernel();
  const feed = { topicId: "t1", batches, before };
  showSnapshot(
    kernel.store,
    {
      ...snapshot(0, true),
      models: [model("m")],
      topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
      feed,
    },
    true,
  );
  const state = () => kernel.store.getState();
  const ids = (key = "t1") => [...(state().feeds[key]?.ids ?? [])];
  const images = (id: string) => state().batches[id]?.generations.map((each) => each.id);
  return { ...kernel, state, ids, images };
}

const page = (batches: BatchState[], before: string | null = null): { type: "feed"; feed: FeedState } => ({
  type: "feed",
  feed: { topicId: "t1", batches, before },
});

describe("deletes", () => {
  it("are made at once, and taken back by one click", async () => {
    const { state, calls, last, ids } = opened([named("b2"), named("b1")]);
    void state().deleteBatches(["b1"]);
    expect(ids()).toEqual(["b2"]);
    expect(last().call).toEqual({ method: "delete", what: "batch", ids: ["b1"] });
    await last().answer();
    state().notices[0]?.action?.run();
    expect(ids()).toEqual(["b2", "b1"]);
    await settled();
    expect(last().call).toEqual({ method: "restore", what: "batch", ids: ["b1"] });
    await last().answer();
    expect(state().announcements.at(-1)?.text).toBe("Taken back.");
    expect(calls).toHaveLength(2);
    expect(ids()).toEqual(["b2", "b1"]);
  });
  it("of images in several batches are one call, and come back in their places", async () => {
    const { state, calls, last, ids, images } = opened([named("b2", "x", 3), named("b1", "x", 1)]);
    void state().deleteGenerations(["b2-1", "b1-0"]);
    expect(ids()).toEqual(["b2"]);
    expect(images("b2")).toEqual(["b2-0", "b2-2"]);
    expect(calls.map(({ call }) => call)).toEqual([
      { method: "delete", what: "generation", ids: ["b2-1", "b1-0"] },
    ]);
    await last().answer();
    state().notices[0]?.action?.run();
    expect(images("b2")).toEqual(["b2-0", "b2-1", "b2-2"]);
    expect(ids()).toEqual(["b2", "b1"]);
  });
  it("that are refused after Undo are nothing to take back", async () => {
    const { state, calls, last, ids } = opened([named("b2"), named("b1")]);
    void state().deleteBatches(["b1"]);
    state().notices[0]?.action?.run();
    expect(ids()).toEqual(["b2", "b1"]);
    await last().refuse();
    expect(calls.map(({ call }) => call.method)).toEqual(["delete"]);
    expect(ids()).toEqual(["b2", "b1"]);
  });
  it("stay where Undo was refused", async () => {
    const { state, last, ids } = opened([named("b2"), named("b1")]);
    void state().deleteBatches(["b1"]);
    await last().answer();
    state().notices[0]?.action?.run();
    await settled();
    await last().refuse();
    expect(ids()).toEqual(["b2"]);
    expect(state().notices.at(-1)?.level).toBe("error");
  });
});

describe("stars", () => {
  it("are marked at once, and unmarked when the kernel refuses", async () => {
    const { state, last } = opened([named("b1")]);
    const starred = () => state().batches.b1?.generations.map(({ starred }) => starred);
    void state().star(["b1-0", "b1-1"], true);
    expect(starred()).toEqual([true, true]);
    expect(last().call).toEqual({ method: "star", generationIds: ["b1-0", "b1-1"], starred: true });
    await last().refuse();
    expect(starred()).toEqual([false, false]);
  });
  it("that are so already are not sent", async () => {
    const { state, calls } = opened([named("b1")]);
    await state().star(["b1-0"], false);
    expect(calls).toHaveLength(0);
  });
});

describe("a selection", () => {
  it("grows by a range over batches, in the order of the page", () => {
    const { state } = opened([named("b3"), named("b2"), named("b1")]);
    state().select("b1-0", "one");
    state().select("b3-1", "range");
    expect([...state().selected].sort()).toEqual(["b1-0", "b2-0", "b2-1", "b3-1"]);
    state().select("b2-0", "one");
    expect(state().selected.has("b2-0")).toBe(false);
  });
  it("loses what is deleted, also from elsewhere", () => {
    const { store, state } = opened([named("b2"), named("b1")]);
    state().selectAll();
    expect(state().selected.size).toBe(4);
    receive(store, { type: "generation_removed", batchId: "b2", generationId: "b2-0" });
    receive(store, { type: "batch_removed", batchId: "b1", topicId: "t1" });
    expect([...state().selected]).toEqual(["b2-1"]);
  });
  it("reaches the kernel once it rests, as it is by then", () => {
    const { state, calls } = opened([named("b2"), named("b1")]);
    state().select("b1-0", "one");
    state().select("b1-1", "one");
    vi.advanceTimersByTime(SELECT_DELAY);
    state().clearSelection();
    vi.advanceTimersByTime(SELECT_DELAY);
    expect(calls.map(({ call }) => call)).toEqual([
      { method: "select", generationIds: ["b1-0", "b1-1"] },
      { method: "select", generationIds: [] },
    ]);
  });
  it("of code is shown, also where its images are not loaded, and is not sent back", () => {
    const { store, state, calls } = opened([named("b1")]);
    receive(store, { type: "selection_changed", generationIds: ["b1-0", "elsewhere"] });
    expect([...state().selected]).toEqual(["b1-0", "elsewhere"]);
    vi.advanceTimersByTime(SELECT_DELAY);
    expect(calls).toHaveLength(0);
  });
  it("of the user is kept where code selected something before it knew", async () => {
    const { store, state, last } = opened([named("b1")]);
    state().select("b1-0", "one");
    receive(store, { type: "selection_changed", generationIds: ["b1-1"] });
    expect([...state().selected]).toEqual(["b1-0"]);
    vi.advanceTimersByTime(SELECT_DELAY);
    receive(store, { type: "selection_changed", generationIds: ["b1-1"] });
    expect([...state().selected]).toEqual(["b1-0"]);
    await last().answer();
    receive(store, { type: "selection_changed", generationIds: ["b1-1"] });
    expect([...state().selected]).toEqual(["b1-1"]);
  });
});

describe("the filter", () => {
  it("asks once after typing rested, and shows what was found apart", async () => {
    const { state, calls, last, ids } = opened([named("b2", "a fox"), named("b1", "a bear")]);
    state().setFilter({ search: "f" });
    state().setFilter({ search: "fox" });
    vi.advanceTimersByTime(SEARCH_DELAY);
    expect(calls).toHaveLength(1);
    expect(last().call).toMatchObject({ method: "feed", topicId: "t1", search: "fox", before: null });
    await last().answer(page([named("b2", "a fox")]));
    expect(ids(FOUND)).toEqual(["b2"]);
    expect(ids()).toEqual(["b2", "b1"]);
    state().clearFilter();
    expect(state().feeds[FOUND]).toBeUndefined();
  });
  it("asks for a word also when a space follows at once", async () => {
    const { state, calls, last, ids } = opened([named("b1", "a fox")]);
    state().setFilter({ search: "fox" });
    vi.advanceTimersByTime(SEARCH_DELAY - 1);
    state().setFilter({ search: "fox " });
    vi.advanceTimersByTime(1);
    expect(last().call).toMatchObject({ search: "fox" });
    // And a space while the answer is on its way asks for nothing else.
    state().setFilter({ search: " fox " });
    vi.advanceTimersByTime(SEARCH_DELAY);
    expect(calls).toHaveLength(1);
    await last().answer(page([named("b1", "a fox")]));
    expect(ids(FOUND)).toEqual(["b1"]);
    expect(state().feeds[FOUND]?.loading).toBe(false);
  });
  it("drops the answer to an older question", async () => {
    const { state, calls, ids } = opened([named("b1")]);
    state().setFilter({ starred: true });
    state().setFilter({ status: "error" });
    expect(calls).toHaveLength(2);
    await calls[1]?.answer(page([named("b1")]));
    await calls[0]?.answer(page([named("b9")]));
    expect(ids(FOUND)).toEqual(["b1"]);
  });
  it("joins an older page to no other finds, also where one comes back to the question", async () => {
    const { state, calls, ids } = opened([named("b1")]);
    state().setFilter({ starred: true });
    await calls[0]?.answer(page([named("b5")], "b5"));
    void state().loadMore(FOUND);
    state().setFilter({ status: "error" });
    await calls[2]?.answer(page([named("b7")]));
    state().setFilter({ status: null });
    await calls[1]?.answer(page([named("b4")]));
    expect(ids(FOUND)).toEqual(["b7"]);
    await calls[3]?.answer(page([named("b5")], "b5"));
    expect(ids(FOUND)).toEqual(["b5"]);
  });
  it("shows new batches that it finds, and no others", async () => {
    const { store, state, last, ids } = opened([named("b1", "Red FOX")]);
    state().setFilter({ search: "fox red", everywhere: true });
    expect(last().call).toMatchObject({ topicId: null, search: "fox red" });
    await last().answer(page([named("b1", "Red FOX")]));
    receive(store, { type: "batch_added", batch: named("b2", "a red fox", 1, "t2") });
    receive(store, { type: "batch_added", batch: named("b3", "a bear", 1, "t2") });
    expect(ids(FOUND)).toEqual(["b2", "b1"]);
    receive(store, { type: "batch_removed", batchId: "b1", topicId: "t1" });
    expect(ids(FOUND)).toEqual(["b2"]);
  });
});

describe("a new snapshot", () => {
  const told = (batches: BatchState[], before: string | null = null) => ({
    ...snapshot(0, true),
    topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
    feed: { topicId: "t1", batches, before },
  });

  it("keeps what was found, and asks behind it whether more is", async () => {
    const { store, state, calls, last, ids } = opened([named("b1")]);
    state().setFilter({ everywhere: true });
    await last().answer(page([named("c4", "x", 1, "t2"), named("c3", "x", 1, "t2")], "c3"));
    void state().loadMore(FOUND);
    await last().answer(page([named("c2", "x", 1, "t2")], "c2"));
    const said = state().announcements.length;
    showSnapshot(store, told([named("b1")]), true);
    expect(ids(FOUND)).toEqual(["c4", "c3", "c2"]);
    expect(Object.keys(state().batches).sort()).toEqual(["b1", "c2", "c3", "c4"]);
    expect(calls).toHaveLength(3);
    expect(last().call).toMatchObject({ method: "feed", topicId: null, before: null });
    await last().answer(page([named("c5", "x", 1, "t2"), named("c3", "x", 1, "t2")], "c3"));
    // One was deleted by the other kernel, and one is new; the way down goes on where it was.
    expect(ids(FOUND)).toEqual(["c5", "c3", "c2"]);
    expect(state().feeds[FOUND]?.before).toBe("c2");
    expect(state().announcements).toHaveLength(said);
  });
  it("keeps selected what is still there, and nothing else", () => {
    const { store, state } = opened([named("b3"), named("b2"), named("b1")], "b1");
    state().selectAll();
    showSnapshot(store, told([named("b3"), named("b1")], "b1"), true);
    expect([...state().selected].sort()).toEqual(["b1-0", "b1-1", "b3-0", "b3-1"]);
  });
  it("asks again for what ran on an older page, when that comes into sight, and takes out what is gone", async () => {
    const old = batch("b2", "t1", "x", [generation("b2", 0, { status: "processing" })]);
    const { store, state, last, ids } = opened([named("b3")], "b3");
    void state().loadMore("t1");
    await last().answer(page([old, named("b1")]));
    showSnapshot(store, told([named("b3")], "b3"), true);
    expect(ids()).toEqual(["b3", "b2", "b1"]);
    expect(state().batches.b2).toBeUndefined();
    void state().loadFrom("t1", "b2");
    expect(last().call).toMatchObject({ method: "feed", topicId: "t1", before: "b3" });
    await last().answer(page([named("b1")]));
    expect(ids()).toEqual(["b3", "b1"]);
  });
});

describe("a long feed", () => {
  const id = (number: number) => `b${String(number).padStart(5, "0")}`;

  it("drops what is far away, keeps the order, and asks for it again", async () => {
    const { state, last, ids } = opened([named(id(9999))], "more");
    for (let number = 9998; number > 9998 - KEPT_BATCHES; number -= 12) {
      void state().loadMore("t1");
      const part = Array.from({ length: 12 }, (_, index) => named(id(number - index)));
      await last().answer(page(part, part.at(-1)?.id));
    }
    expect(ids()).toHaveLength(KEPT_BATCHES + 1);
    expect(Object.keys(state().batches).length).toBeLessThan(KEPT_BATCHES);
    expect(state().batches[id(9990)]).toBeUndefined();
    const { before } = state().feeds.t1 ?? {};
    void state().loadFrom("t1", id(9990));
    expect(last().call).toMatchObject({ method: "feed", before: id(9991) });
    await last().answer(page([named(id(9990)), named(id(9989))], id(9989)));
    expect(state().batches[id(9990)]).toBeDefined();
    expect(ids()).toHaveLength(KEPT_BATCHES + 1);
    expect(state().feeds.t1?.before).toBe(before);
  });
  it("keeps what is selected, and what a range may take in", async () => {
    const { state, last } = opened([named(id(9999))], "more");
    const down = async (from: number): Promise<void> => {
      for (let number = from; number > from - KEPT_BATCHES; number -= 12) {
        void state().loadMore("t1");
        const part = Array.from({ length: 12 }, (_, index) => named(id(number - index)));
        await last().answer(page(part, part.at(-1)?.id));
      }
    };
    state().select(`${id(9999)}-0`, "one");
    await down(9998);
    expect(Object.keys(state().batches).length).toBeLessThan(KEPT_BATCHES + 2);
    state().select(`${id(9700)}-0`, "range");
    expect(state().selected.size).toBe(2 * 299 + 1);
    state().clearSelection();
    state().select(`${id(9950)}-1`, "one");
    state().select(`${id(9645)}-0`, "one");
    await down(9998 - KEPT_BATCHES);
    await down(9998 - 2 * KEPT_BATCHES);
    expect(state().batches[id(9951)]).toBeUndefined();
    expect(state().batches[id(9949)]).toBeUndefined();
    const chosen = [`${id(9950)}-1`, `${id(9645)}-0`];
    void state().star([...state().selected], true);
    expect(last().call).toMatchObject({ method: "star", generationIds: chosen });
    void state().deleteGenerations([...state().selected]);
    expect(last().call).toMatchObject({ method: "delete", ids: chosen });
    expect(state().selected.size).toBe(0);
    // It is let go when it is selected no more.
    state().select(`${id(9645)}-1`, "one");
    state().clearSelection();
    await down(9998 - 3 * KEPT_BATCHES);
    expect(state().batches[id(9645)]).toBeUndefined();
  });
  it("does not show an old batch among the loaded ones", () => {
    const { store, ids } = opened([named("b5"), named("b4")], "b4");
    receive(store, { type: "batch_changed", batch: named("b1") });
    expect(ids()).toEqual(["b5", "b4"]);
  });
});

describe("the kernel's clock", () => {
  it("is learned from what just happened", () => {
    vi.setSystemTime(100_000);
    const { store, state } = opened([batch("b1", "t1", "x", [generation("b1", 0, { status: "pending" })])]);
    expect(state().clockAhead).toBeNull();
    const started = generation("b1", 0, { status: "processing", startedAt: 40_000 });
    receive(store, { type: "generation_changed", generation: started });
    expect(state().clockAhead).toBe(60_000);
    vi.setSystemTime(105_000);
    receive(store, {
      type: "generation_changed",
      generation: { ...started, status: "success", finishedAt: 46_000 },
    });
    expect(state().clockAhead).toBe(59_000);
  });
});

describe("a feed that is sorted by a score", () => {
  const sorted = async () => {
    const kernel = opened([named("b5"), named("b4"), named("b3"), named("b2"), named("b1")]);
    kernel.state().setFilter({ sort: { name: "clip", lowestFirst: false } });
    expect(kernel.last().call).toMatchObject({ sort: { name: "clip" }, before: null });
    await kernel.last().answer(page([named("b2"), named("b5")], "b5"));
    return kernel;
  };
  it("keeps the order of the kernel, page by page", async () => {
    const { state, last, ids } = await sorted();
    expect(ids(FOUND)).toEqual(["b2", "b5"]);
    void state().loadMore(FOUND);
    expect(last().call).toMatchObject({ before: "b5", sort: { name: "clip" } });
    await last().answer(page([named("b1"), named("b4")]));
    expect(ids(FOUND)).toEqual(["b2", "b5", "b1", "b4"]);
  });
  it("keeps it where batches change, come and go", async () => {
    const { store, ids } = await sorted();
    receive(store, { type: "batch_changed", batch: named("b5") });
    receive(store, { type: "batch_added", batch: named("b9") });
    expect(ids(FOUND)).toEqual(["b2", "b5"]);
    receive(store, { type: "batch_removed", batchId: "b2", topicId: "t1" });
    expect(ids(FOUND)).toEqual(["b5"]);
  });
  it("is in the order of time again without the score", async () => {
    const { state, last, ids } = await sorted();
    state().setFilter({ sort: null, tag: "poster" });
    expect(last().call).toMatchObject({ sort: null, tag: "poster" });
    await last().answer(page([named("b1"), named("b4")]));
    expect(ids(FOUND)).toEqual(["b4", "b1"]);
  });
});

describe("the filter by scores and tags", () => {
  it("takes in new batches by the rules of the kernel", async () => {
    const { store, state, last, ids } = opened([named("b1")]);
    state().setFilter({ tag: "poster", score: { name: "clip", atLeast: 0.3, atMost: null } });
    await last().answer(page([]));
    const labelled = (id: string, clip: number, tags: string[]) => {
      const made = named(id);
      return { ...made, generations: made.generations.map((each) => ({ ...each, scores: { clip }, tags })) };
    };
    for (const each of [
      labelled("b7", 0.3, ["poster"]),
      labelled("b8", 0.2, ["poster"]),
      labelled("b9", 1, []),
    ])
      receive(store, { type: "batch_changed", batch: each });
    expect(ids(FOUND)).toEqual(["b7"]);
  });
});
