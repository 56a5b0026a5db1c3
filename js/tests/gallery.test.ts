import { beforeEach, describe, expect, it, vi } from "vitest";
import { batch, generation, model, snapshot, topic } from "../dev/fixtures";
import { GAP, justified } from "../src/lib/justified";
import { neighbourAmong } from "../src/lib/neighbours";
import type { BatchState, Call, GenerationState, Result } from "../src/protocol.gen";
import { openGallery } from "../src/slices/gallery";
import { receive, showSnapshot } from "../src/store";
import { settled, storeWithKernel } from "./kit";

const made = (id: string, count = 2, topicId = "t1", change: Partial<GenerationState> = {}): BatchState =>
  batch(
    id,
    topicId,
    `prompt of ${id}`,
    Array.from({ length: count }, (_, position) => generation(id, position, change)),
  );

const page = (images: string[], batches: BatchState[], before: string | null = null): Result => ({
  type: "gallery",
  images,
  batches,
  before,
});

function opened() {
  const kernel = storeWithKernel();
  const whole = {
    ...snapshot(0, true),
    models: [model("m")],
    topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
    activeTopicId: "t1",
    feed: { topicId: "t1", batches: [], before: null },
  };
  showSnapshot(kernel.store, whole, true);
  const close = openGallery(kernel.store);
  const state = () => kernel.store.getState();
  const images = () => state().gallery?.pictures.map(({ generationId }) => generationId);
  const asked = () => kernel.calls.filter(({ call }) => call.method === "gallery").map(({ call }) => call);
  const lastOf = (method: Call["method"]) => kernel.calls.filter(({ call }) => call.method === method).at(-1);
  const again = () => showSnapshot(kernel.store, whole, true);
  return { ...kernel, close, state, images, asked, again, lastOf };
}

const change = (it: ReturnType<typeof opened>, id: string, position: number, how: Partial<GenerationState>) =>
  receive(it.store, { type: "generation_changed", generation: generation(id, position, how) });

describe("the gallery", () => {
  let it_: ReturnType<typeof opened>;
  beforeEach(async () => {
    it_ = opened();
    await it_.last().answer(page(["b3-0", "b3-1", "b2-0"], [made("b3"), made("b2")], "cursor"));
  });

  it("asks for the finished images of the topic, page by page", async () => {
    const { images, asked, state, last, calls } = it_;
    expect(images()).toEqual(["b3-0", "b3-1", "b2-0"]);
    void state().gallery?.more();
    void state().gallery?.more();
    expect(asked()).toHaveLength(2);
    expect(last().call).toMatchObject({ topicId: "t1", before: "cursor", sort: null, starredFirst: false });
    await last().answer(page(["b2-1", "b1-0"], [made("b2"), made("b1")]));
    expect(images()).toEqual(["b3-0", "b3-1", "b2-0", "b2-1", "b1-0"]);
    await state().gallery?.more();
    expect(calls).toHaveLength(2);
  });

  it("says how many images there are", () => {
    expect(it_.state().announcements.at(-1)?.text).toBe("More than 3 images");
  });

  it("shows an image when it is finished, at its place, and not beyond what is loaded", async () => {
    const { store, images } = it_;
    const waiting = made("b4", 2, "t1", { status: "processing" });
    receive(store, { type: "batch_added", batch: waiting });
    expect(images()).toHaveLength(3);
    change(it_, "b4", 1, {});
    change(it_, "b4", 0, {});
    expect(images()).toEqual(["b4-0", "b4-1", "b3-0", "b3-1", "b2-0"]);
    receive(store, { type: "batch_added", batch: made("b1") });
    receive(store, { type: "batch_added", batch: made("b5", 1, "t2") });
    expect(images()).toHaveLength(5);
  });

  it("lets a deleted image go, and takes it back with Undo", async () => {
    const { state, images, last } = it_;
    void state().deleteGenerations(["b3-1"]);
    expect(images()).toEqual(["b3-0", "b2-0"]);
    await last().answer();
    state().notices[0]?.action?.run();
    expect(images()).toEqual(["b3-0", "b3-1", "b2-0"]);
    receive(it_.store, { type: "batch_removed", batchId: "b3", topicId: "t1" });
    expect(images()).toEqual(["b2-0"]);
  });

  it("lets a batch go that moves to another topic, unless it shows all topics", async () => {
    const { store, images, state, last } = it_;
    receive(store, { type: "batch_changed", batch: made("b3", 2, "t2") });
    expect(images()).toEqual(["b2-0"]);
    state().gallery?.choose({ everywhere: true });
    expect(images()).toEqual([]);
    expect(last().call).toMatchObject({ method: "gallery", topicId: null, before: null });
    await last().answer(page(["b3-0", "b2-0"], [made("b3", 2, "t2"), made("b2")]));
    receive(store, { type: "batch_changed", batch: made("b3", 2, "t1") });
    expect(images()).toContain("b3-0");
  });

  it("keeps an image at its place when its star changes, also where stars come first", async () => {
    const { state, last, images } = it_;
    state().gallery?.choose({ order: "starred" });
    expect(last().call).toMatchObject({ starredFirst: true, before: null });
    await last().answer(page(["b2-0", "b3-0"], [made("b3"), made("b2", 1, "t1", { starred: true })], "x"));
    void state().star(["b2-0"], false);
    expect(images()).toEqual(["b2-0", "b3-0"]);
  });

  it("orders what comes as the kernel would, by a score", async () => {
    const { state, store, last, images } = it_;
    const scored = (id: string, clip: number) => made(id, 1, "t1", { scores: { clip } });
    state().gallery?.choose({ order: { name: "clip", lowestFirst: false } });
    expect(last().call).toMatchObject({ sort: { name: "clip", lowestFirst: false } });
    await last().answer(page(["b1-0", "b3-0", "b2-0"], [scored("b1", 9), scored("b3", 4), made("b2", 1)]));
    receive(store, { type: "batch_added", batch: scored("b4", 5) });
    receive(store, { type: "batch_added", batch: made("b5", 1) });
    expect(images()).toEqual(["b1-0", "b4-0", "b3-0", "b5-0", "b2-0"]);
    state().gallery?.choose({ order: { name: "clip", lowestFirst: true } });
    await last().answer(page(["b3-0", "b1-0"], [scored("b1", 9), scored("b3", 4)]));
    receive(store, { type: "batch_added", batch: scored("b6", 5) });
    expect(images()?.slice(0, 3)).toEqual(["b3-0", "b4-0", "b6-0"]);
  });

  it("has the filter of the feed, which counts for each image", async () => {
    const { state, store, last, images, calls } = it_;
    state().setFilter({ starred: true });
    expect(calls.map(({ call }) => call.method)).toEqual(["gallery", "gallery"]);
    expect(last().call).toMatchObject({ starred: true });
    await last().answer(page([], []));
    const mixed = made("b6");
    mixed.generations = mixed.generations.map((each, index) => ({ ...each, starred: index === 1 }));
    receive(store, { type: "batch_added", batch: mixed });
    expect(images()).toEqual(["b6-1"]);
    state().clearFilter();
    expect(last().call).toMatchObject({ starred: false });
  });

  it("waits for a pause while words are typed, and takes no answer to an older question", async () => {
    vi.useFakeTimers();
    const { state, last, asked, images } = it_;
    state().setFilter({ search: "fo" });
    state().setFilter({ search: "fox" });
    expect(asked()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(250);
    expect(asked()).toHaveLength(2);
    const late = last();
    state().setFilter({ tag: "poster" });
    await late.answer(page(["b9-0"], [made("b9", 1)]));
    expect(images()).toEqual(["b3-0", "b3-1", "b2-0"]);
    await last().answer(page(["b8-0"], [made("b8", 1)]));
    expect(images()).toEqual(["b8-0"]);
    vi.useRealTimers();
  });

  it("tells why images did not come, and asks again when told to", async () => {
    const { state, last, asked } = it_;
    void state().gallery?.more();
    await last().refuse();
    expect(state().gallery?.failed?.message).toBeTruthy();
    expect(state().gallery?.loading).toBe(false);
    state().gallery?.retry();
    expect(state().gallery?.failed).toBeNull();
    state().gallery?.choose({ order: "starred" });
    await last().refuse();
    expect(state().gallery?.failed).not.toBeNull();
    expect(asked()).toHaveLength(3);
  });

  it("shows no stale image after a snapshot: what changed meanwhile, came or went", async () => {
    const { state, lastOf, images, again } = it_;
    again();
    expect(images()).toEqual(["b3-0", "b3-1", "b2-0"]);
    expect(state().batches.b3).toBeDefined();
    const first = lastOf("gallery");
    await first?.answer(page(["b4-0", "b3-0"], [made("b4", 1), made("b3", 1)], "later"));
    expect(images()).toEqual(["b4-0", "b3-0", "b2-0"]);
    expect(state().gallery?.before).toBe("cursor");
    const named = lastOf("named_batches");
    expect(named?.call).toEqual({ method: "named_batches", batchIds: ["b4", "b3", "b2"] });
    await named?.answer({ type: "batches", batches: [made("b4", 1), made("b3", 1)] });
    expect(images()).toEqual(["b4-0", "b3-0"]);
  });

  it("starts anew after a snapshot when none of the images before is among the first ones", async () => {
    const { lastOf, images, again, state } = it_;
    again();
    const first = lastOf("gallery");
    await first?.answer(page(["b9-0"], [made("b9", 1)], "new"));
    expect(images()).toEqual(["b9-0"]);
    expect(state().gallery?.before).toBe("new");
  });

  it("selects a range and all in its own order", () => {
    const { state } = it_;
    state().select("b3-1", "one");
    state().select("b2-0", "range");
    expect([...state().selected]).toEqual(["b3-1", "b2-0"]);
    state().selectAll();
    expect(state().selected.size).toBe(3);
  });

  it("remembers its order while the page is open, and gives the feed its place back", async () => {
    const { state, store, close } = it_;
    state().gallery?.choose({ order: "starred" });
    close();
    expect(state().gallery).toBeNull();
    openGallery(store);
    expect(state().gallery?.order).toBe("starred");
  });

  it("keeps few batches in memory, and asks again for those that were dropped", async () => {
    const { state, last, calls } = it_;
    for (let from = 999; from > 399; from -= 60) {
      const next = Array.from({ length: 60 }, (_, index) => made(`a${from - index}`, 1));
      void state().gallery?.more();
      await last().answer(
        page(
          next.map(({ id }) => `${id}-0`),
          next,
          "next",
        ),
      );
    }
    expect(Object.keys(state().batches).length).toBeLessThanOrEqual(360);
    expect(state().gallery?.pictures).toHaveLength(603);
    expect(state().batches.b3).toBeUndefined();
    void state().gallery?.fetch(["b3", "b2"]);
    void state().gallery?.fetch(["b3"]);
    expect(calls.filter(({ call }) => call.method === "named_batches")).toHaveLength(1);
    await last().answer({ type: "batches", batches: [made("b3")] });
    await settled();
    expect(state().batches.b3).toBeDefined();
    expect(state().gallery?.pictures.some(({ batchId }) => batchId === "b2")).toBe(false);
  });
});

describe("the way through the gallery", () => {
  const batches = { b2: made("b2"), b1: made("b1") };
  const places = ["b2-1", "b1-0", "b2-0", "b0-0"].map((generationId) => ({
    batchId: generationId.slice(0, 2),
    generationId,
  }));
  const at = (index: number) => places[index] as (typeof places)[number];
  it("goes by images and not by batches", () => {
    expect(neighbourAmong(places, batches, at(0), 1)).toEqual({ place: at(1) });
    expect(neighbourAmong(places, batches, at(2), -1)).toEqual({ place: at(1) });
    expect(neighbourAmong(places, batches, at(0), -1)).toBeNull();
    expect(neighbourAmong(places, batches, at(2), 1)).toEqual({ missing: "b0" });
    expect(neighbourAmong(places, batches, { batchId: "b7", generationId: "b7-0" }, 1)).toBeNull();
  });
});

describe("lines", () => {
  const room = { width: 1000, height: 600 };
  const ends = (line: ReturnType<typeof justified>[number]) => {
    const last = line.spots.at(-1);
    return Math.round((last?.left ?? 0) + (last?.width ?? 0));
  };
  it("end where the gallery does, and keep the shape of each image", () => {
    const ratios = [1, 1.5, 0.7, 1, 1, 1.78, 0.75, 1.2, 1];
    const lines = justified(ratios, room, 0);
    for (const line of lines.slice(0, -1)) expect(ends(line)).toBe(1000);
    for (const { from, spots, height } of lines)
      for (const [index, spot] of spots.entries())
        expect(spot.width / height).toBeCloseTo(ratios[from + index] ?? 0);
    expect(lines.flatMap(({ spots }) => spots)).toHaveLength(ratios.length);
  });
  it("have about the height of the size, and the last one is not blown up", () => {
    const lines = justified(Array(12).fill(1), room, 3);
    for (const { height } of lines) expect(Math.abs(height - 230)).toBeLessThan(60);
    expect(justified([1], room, 3)[0]?.height).toBe(230);
  });
  it("stay as they are when further images come, but for the last one", () => {
    const ratios = [1, 1.5, 0.7, 1, 1, 1.78, 0.75, 1.2];
    const before = justified(ratios, room, 2).slice(0, -1);
    expect(justified([...ratios, 1, 2, 1], room, 2).slice(0, before.length)).toEqual(before);
  });
  it("hold one image each at the largest size, and none is higher than the sight", () => {
    const lines = justified([1, 3, 0.8], room, 5);
    expect(lines.map(({ spots }) => spots.length)).toEqual([1, 1, 1]);
    expect(lines.map(({ height }) => Math.round(height))).toEqual([600, 333, 600]);
  });
  it("cut a banner and a column, which would leave no room for others", () => {
    const [line] = justified([0.1, 20], { width: 1000, height: 600 }, 1);
    expect(line?.spots.map(({ width }) => Math.round(width / (line?.height ?? 1)))).toEqual([1, 4]);
    expect(GAP).toBeLessThan(8);
  });
  it("are none without room", () => expect(justified([1], { width: 0, height: 0 }, 0)).toEqual([]));
});
