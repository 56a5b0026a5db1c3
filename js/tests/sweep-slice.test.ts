import { beforeEach, describe, expect, it, vi } from "vitest";
import { batch, error, generation, snapshot, topic } from "../dev/fixtures";
import { choicesOf, factsOf } from "../src/lib/sweep-facts";
import type { BatchState, Call, SweepState } from "../src/protocol.gen";
import { deleteSweep, retryBatches, selectImages } from "../src/slices/sweep-actions";
import { sweepsIn } from "../src/slices/sweeps";
import { receive, showSnapshot } from "../src/store";
import { settled, storeWithKernel } from "./kit";

const AXES = [
  { name: "animal", labels: ["fox", "owl"] },
  { name: "style", labels: ["oil", "ink"] },
];
const IDS = ["b1", "b2", "b3", "b4"];

function sweep(cells: (string | null)[] = IDS, patch: Partial<SweepState> = {}): SweepState {
  const asked = cells.filter((id) => id !== null).sort((a, b) => (a < b ? 1 : -1));
  return {
    id: "s",
    topicId: "t1",
    template: "a {animal} in {style}",
    axes: AXES,
    cells,
    asked,
    createdAt: 0,
    ...patch,
  };
}

const made = (id: string, patch: Partial<BatchState> = {}): BatchState =>
  batch(id, "t1", `prompt of ${id}`, [generation(id, 0)], { sweepId: "s", ...patch });

function opened(batches: BatchState[] = [made("b4")]) {
  const kernel = storeWithKernel();
  const whole = {
    ...snapshot(0, true),
    topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
    activeTopicId: "t1",
    feed: { topicId: "t1", batches, before: null },
  };
  showSnapshot(kernel.store, whole, true);
  const state = () => kernel.store.getState();
  const asked = (method: Call["method"]) => kernel.calls.filter(({ call }) => call.method === method);
  const answer = async (
    method: Call["method"],
    index: number,
    result: Parameters<(typeof kernel.calls)[0]["answer"]>[0],
  ) => asked(method)[index]?.answer(result);
  const feed = () => state().feeds.t1?.ids;
  const again = () => showSnapshot(kernel.store, whole, true);
  return { ...kernel, state, asked, answer, feed, again };
}

async function shown(cells?: (string | null)[]) {
  const it_ = opened();
  const release = sweepsIn(it_.store).show("s");
  await it_.answer("read_sweep", 0, { type: "sweep", sweep: sweep(cells) });
  await it_.answer("named_batches", 0, {
    type: "batches",
    batches: (cells ?? IDS).flatMap((id) => (id === null || id === "b4" ? [] : made(id))),
  });
  return { ...it_, release };
}

beforeEach(() => void vi.useFakeTimers());

describe("a feed with a sweep", () => {
  it("holds one batch for a sweep, the newest", () => {
    const { store, feed } = opened([made("b2"), batch("b0", "t1", "another", [])]);
    receive(store, { type: "batch_added", batch: made("b3") });
    receive(store, { type: "batch_added", batch: made("b1") });
    receive(store, { type: "batch_added", batch: batch("b5", "t1", "alone", []) });
    expect(feed()).toEqual(["b5", "b3", "b0"]);
  });

  it("lets the next batch stand for the sweep when that one is deleted or moved", async () => {
    const { store, feed, state } = await shown();
    receive(store, { type: "batch_removed", batchId: "b4", topicId: "t1" });
    expect(feed()).toEqual(["b3"]);
    receive(store, { type: "batch_changed", batch: made("b3", { topicId: "t2" }) });
    expect(feed()).toEqual(["b2"]);
    for (const id of ["b2", "b1"]) receive(store, { type: "batch_removed", batchId: id, topicId: "t1" });
    expect(feed()).toEqual([]);
    expect(state().feeds.t2?.ids).toEqual(["b3"]);
  });

  it("shows each batch by itself among what a filter finds", async () => {
    const { store, state } = await shown();
    state().setFilter({ search: "prompt" });
    await vi.advanceTimersByTimeAsync(1000);
    for (const id of ["b5", "b6"]) receive(store, { type: "batch_added", batch: made(id) });
    const found = Object.entries(state().feeds).find(([key]) => key !== "t1" && key !== "t2")?.[1];
    expect(found?.ids).toEqual(["b6", "b5"]);
    expect(sweepsIn(store).images(made("b6"))).toBeUndefined();
  });
});

describe("a sweep on the page", () => {
  it("is read with its card, and its batches that are not known are asked for", async () => {
    const { asked, state } = await shown();
    expect(asked("read_sweep").map(({ call }) => call)).toEqual([{ method: "read_sweep", sweepId: "s" }]);
    expect(asked("named_batches").map(({ call }) => call)).toEqual([
      { method: "named_batches", batchIds: ["b1", "b2", "b3"] },
    ]);
    expect(state().sweeps?.known.s).toMatchObject({ complete: true, placement: { rows: 0, columns: 1 } });
  });

  it("asks in portions", async () => {
    const many = Array.from({ length: 230 }, (_, at) => `c${String(at).padStart(3, "0")}`);
    const it_ = opened();
    sweepsIn(it_.store).show("s");
    await it_.answer("read_sweep", 0, { type: "sweep", sweep: sweep(many) });
    for (let part = 0; part < 3; part++)
      await it_.answer("named_batches", part, { type: "batches", batches: [] });
    const sizes = it_
      .asked("named_batches")
      .map(({ call }) => (call.method === "named_batches" ? call.batchIds.length : 0));
    expect(sizes).toEqual([100, 100, 30]);
  });

  it("says why it did not come, and comes when the user asks again", async () => {
    const { store, asked, state, answer } = opened();
    const sweeps = sweepsIn(store);
    sweeps.show("s");
    await asked("read_sweep")[0]?.refuse(error({ code: "store_locked" }));
    expect(state().sweeps?.known.s?.failed?.code).toBe("store_locked");
    sweeps.retry("s");
    expect(state().sweeps?.known.s?.failed).toBeNull();
    await answer("read_sweep", 1, { type: "sweep", sweep: sweep() });
    expect(state().sweeps?.known.s?.state?.cells).toEqual(IDS);
  });

  it("grows when it is called again", async () => {
    const { store, asked, answer, state, feed } = await shown(["b1", "b2", "b3", null]);
    for (const id of ["b8", "b9"]) receive(store, { type: "batch_added", batch: made(id) });
    await vi.advanceTimersByTimeAsync(200);
    expect(asked("read_sweep")).toHaveLength(2);
    await answer("read_sweep", 1, { type: "sweep", sweep: sweep(["b1", "b8", "b3", "b9"]) });
    expect(state().sweeps?.known.s?.state?.cells).toEqual(["b1", "b8", "b3", "b9"]);
    expect(feed()).toEqual(["b9"]);
    expect(asked("named_batches")).toHaveLength(1);
  });

  it("takes in what the kernel tells of it", async () => {
    const { store, state, asked } = await shown();
    receive(store, { type: "sweep_changed", sweep: sweep(["b1", "b2", "b3", "b7"]) });
    expect(state().sweeps?.known.s?.state?.cells[3]).toBe("b7");
    await vi.advanceTimersByTimeAsync(200);
    expect(asked("read_sweep")).toHaveLength(2);
  });

  it("keeps the place of a batch that is deleted, and has it back with Undo", async () => {
    const { store, state, asked, answer } = await shown();
    receive(store, { type: "batch_removed", batchId: "b2", topicId: "t1" });
    receive(store, { type: "sweep_changed", sweep: sweep(["b1", null, "b3", "b4"]) });
    expect(state().sweeps?.known.s?.state?.cells[1]).toBe("b2");
    receive(store, { type: "batch_added", batch: made("b2") });
    await vi.advanceTimersByTimeAsync(200);
    await answer("read_sweep", 1, { type: "sweep", sweep: sweep() });
    expect(factsOf(sweep(), state().batches)).toMatchObject({ done: 4, all: 4 });
    expect(asked("read_sweep")).toHaveLength(2);
  });

  it("keeps its batches over a snapshot, and asks for all of them again: messages may have been lost", async () => {
    const { again, state, asked, answer, feed } = await shown();
    again();
    expect(Object.keys(state().batches).sort()).toEqual(IDS);
    await answer("read_sweep", 1, { type: "sweep", sweep: sweep(["b1", null, "b3", "b4"]) });
    expect(asked("named_batches")[1]?.call).toEqual({
      method: "named_batches",
      batchIds: ["b1", "b3", "b4"],
    });
    const b3 = made("b3", { generations: [generation("b3", 0, { starred: true })] });
    await answer("named_batches", 1, { type: "batches", batches: [made("b1"), b3] });
    expect(state().batches.b3?.generations[0]?.starred).toBe(true);
    // It is gone, and the page had not heard of it: another one stands for the sweep.
    expect(state().batches.b4).toBeUndefined();
    expect(feed()).toEqual(["b3"]);
  });

  it("lets its batches go with its card", async () => {
    const { release, state } = await shown();
    expect([...(state().sweeps?.batchIds ?? [])].sort()).toEqual(IDS);
    release();
    expect(state().sweeps?.batchIds.size).toBe(0);
    expect(state().sweeps?.known.s?.state).not.toBeNull();
  });

  it("remembers where the axes stand", async () => {
    const { store, state, answer, release } = await shown();
    sweepsIn(store).place("s", { rows: 1, columns: 0 });
    release();
    sweepsIn(store).show("s");
    await answer("read_sweep", 1, { type: "sweep", sweep: sweep() });
    expect(state().sweeps?.known.s?.placement).toEqual({ rows: 1, columns: 0 });
    expect(state().sweeps?.images(made("b4"))).toEqual(["b1-0", "b3-0", "b2-0", "b4-0"]);
  });
});

describe("what is done to a sweep", () => {
  it("selects its images in the order of the grid, also in a range", async () => {
    const { store, page, state } = await shown();
    selectImages(page, ["b1-0", "b2-0"]);
    expect([...state().selected]).toEqual(["b1-0", "b2-0"]);
    state().select("b1-0", "one");
    state().select("b3-0", "one");
    state().select("b4-0", "range");
    state().selectAll();
    expect([...state().selected]).toEqual(["b1-0", "b2-0", "b3-0", "b4-0"]);
    receive(store, { type: "batch_added", batch: batch("b9", "t1", "alone", [generation("b9", 0)]) });
    sweepsIn(store).enlarge("s");
    state().selectAll();
    expect(state().selected.has("b9-0")).toBe(false);
    sweepsIn(store).enlarge(null);
    state().selectAll();
    expect(state().selected.has("b9-0")).toBe(true);
  });

  it("deletes all that it asked for, also what stands in no cell any more, and takes it back", async () => {
    const { page, state, asked, answer, feed, last } = await shown();
    const deleted = deleteSweep(page, { ...sweep(), asked: [...IDS, "b0"].reverse() });
    await answer("named_batches", 1, { type: "batches", batches: [made("b0")] });
    await settled();
    expect(feed()).toEqual([]);
    expect(asked("delete")[0]?.call).toMatchObject({ what: "batch", ids: ["b0", ...IDS] });
    await last().answer();
    await deleted;
    state().notices.at(-1)?.action?.run();
    expect(feed()).toEqual(["b4"]);
    expect(Object.keys(state().batches)).toHaveLength(5);
  });

  it("retries failed batches until one is refused, and then offers to pay an unknown price", async () => {
    const { page, asked, state } = await shown();
    const retried = retryBatches(page, ["b1", "b2", "b3"]);
    await asked("retry")[0]?.answer();
    await asked("retry")[1]?.refuse(error({ code: "price_unknown" }));
    await retried;
    expect(asked("retry").map(({ call }) => call)).toMatchObject([
      { batchId: "b1", confirm: false },
      { batchId: "b2", confirm: false },
    ]);
    state().notices.at(-1)?.action?.run();
    expect(asked("retry").at(-1)?.call).toMatchObject({ batchId: "b2", confirm: true });
  });
});

describe("what the head of a sweep says", () => {
  const known = (batches: BatchState[]) => Object.fromEntries(batches.map((each) => [each.id, each]));

  it("counts images, failures and what the sweep itself asked for", () => {
    const facts = factsOf(
      sweep(["b1", "b2", "b3", null]),
      known([
        made("b1", { cost: "0.04", generations: [generation("b1", 0), generation("b1", 1)] }),
        made("b2", {
          cost: "0.1",
          modelTitle: "Other",
          generations: [generation("b2", 0, { status: "error" }), generation("b2", 1)],
        }),
        made("b3", {
          sweepId: "another",
          cost: "5",
          generations: [generation("b3", 0, { status: "pending", cancellable: true })],
        }),
      ]),
    );
    expect(facts).toMatchObject({ done: 3, all: 7, failed: 1, stoppable: true, failedBatches: ["b2"] });
    expect(facts.cost).toBeCloseTo(0.14);
    expect(facts.models).toEqual(["Demo studio", "Other"]);
    expect(factsOf(sweep([]), {})).toMatchObject({ done: 0, all: 0, cost: null });
  });

  it("offers the template as a prompt with choices, where that asks for the same", () => {
    expect(choicesOf(sweep())).toBe("a {fox|owl} in {oil|ink}");
    expect(choicesOf(sweep(IDS, { template: "no axis" }))).toBeNull();
    expect(choicesOf(sweep(IDS, { template: "{a|b} {animal}" }))).toBeNull();
    const odd = [{ name: "animal", labels: ["fox", "a|b"] }];
    expect(choicesOf(sweep(IDS, { axes: odd }))).toBeNull();
    const many = [{ name: "animal", labels: Array.from({ length: 17 }, String) }];
    expect(choicesOf(sweep(IDS, { axes: many }))).toBeNull();
    const cut = [{ name: "animal", labels: ["fox", "a very long…"] }];
    expect(choicesOf(sweep(IDS, { axes: cut }))).toBeNull();
  });
});
