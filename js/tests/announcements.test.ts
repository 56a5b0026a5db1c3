// The texts for a screen reader: each once, in the language of the page.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, error, generation, snapshot, topic } from "../dev/fixtures";
import { speak } from "../src/messages";
import { zh } from "../src/messages/zh";
import type { GenerationState } from "../src/protocol.gen";
import {
  ENDS_TOGETHER,
  HELD_MILLISECONDS,
  READ_MILLISECONDS,
  WARN_MILLISECONDS,
} from "../src/slices/notices";
import { receive, showSnapshot } from "../src/store";
import { storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  speak("en");
});

/** Return a store with four images that run. */
function opened() {
  const kernel = storeWithKernel();
  const four = Array.from({ length: 4 }, (_, at) => generation("b1", at, { status: "processing" }));
  const feed = { topicId: "t1", batches: [batch("b1", "t1", "a fox", four)], before: null };
  const topics = [topic("t1", "one", 10), topic("t2", "two", 20)];
  showSnapshot(kernel.store, { ...snapshot(0, true), topics, feed }, true);
  const state = () => kernel.store.getState();
  const end = (at: number, patch: Partial<GenerationState>) =>
    receive(kernel.store, { type: "generation_changed", generation: generation("b1", at, patch) });
  const heard = () => state().announcements.map(({ text }) => text);
  return { ...kernel, state, end, heard };
}

describe("is heard:", () => {
  it("images that end together, once, and their progress not at all", () => {
    const { store, end, heard } = opened();
    for (const progress of [0.2, 0.6]) {
      const event = { type: "generation_progress", generationId: "b1-0", batchId: "b1" } as const;
      receive(store, { ...event, progress, queuePosition: null, retryIn: null, previewBuffer: null });
    }
    for (const at of [0, 1, 2, 3]) end(at, { status: "success" });
    vi.advanceTimersByTime(ENDS_TOGETHER);
    expect(heard()).toEqual(["4 images are finished."]);
  });
  it("how each ended, with its reason, and the same again as a new thing", () => {
    const { state, end, heard } = opened();
    const refused = error({ message: "It was refused.", nextStep: "Rephrase it." });
    end(0, { status: "success" });
    end(1, { status: "error", error: refused });
    end(2, { status: "error", error: refused });
    end(3, { status: "cancelled" });
    vi.advanceTimersByTime(ENDS_TOGETHER);
    expect(heard()).toEqual([
      "1 image is finished. 2 images failed: It was refused. Rephrase it. 1 image was cancelled.",
    ]);
    state().addNotice("info", "The prompt is copied.");
    state().addNotice("info", "The prompt is copied.");
    const [, first, second] = state().announcements;
    expect(first?.text).toBe(second?.text);
    expect(first?.id).not.toBe(second?.id);
  });
  it("what only confirms is gone after it could be read, a warning later, what failed stays", () => {
    const { state } = opened();
    const shown = () => state().notices.map(({ level }) => level);
    state().addNotice("info", "The prompt is copied.");
    state().addNotice("warning", "notes.txt was not added.");
    state().addNotice("error", "The store is locked.");
    vi.advanceTimersByTime(READ_MILLISECONDS);
    expect(shown()).toEqual(["warning", "error"]);
    vi.advanceTimersByTime(WARN_MILLISECONDS);
    expect(shown()).toEqual(["error"]);
  });
  it("nothing goes from under the hand, as long as it can be taken back", () => {
    const { state } = opened();
    const shown = (): number => state().notices.length;
    const delay = READ_MILLISECONDS;
    state().addNotice("info", "The prompt is copied.");
    state().holdNotices(true);
    vi.advanceTimersByTime(delay + 2000);
    expect(shown()).toBe(1);
    state().holdNotices(false);
    vi.advanceTimersByTime(1000);
    expect(shown()).toBe(0);
    state().addNotice("info", "The prompt is copied.");
    state().holdNotices(true);
    vi.advanceTimersByTime(delay + HELD_MILLISECONDS);
    expect(shown()).toBe(0);
  });
  it("a deletion and a move, and that they can be taken back", async () => {
    const { state, last, heard } = opened();
    void state().deleteGenerations(["b1-0"]);
    void state().moveBatches(["b1"], "t2");
    await last().answer();
    expect(heard()).toEqual(["Image deleted.", "The batch is now in “two”."]);
    expect(state().announcements.every(({ undoable }) => undoable)).toBe(true);
  });
  it("what a search found", async () => {
    const { state, last, heard } = opened();
    state().setFilter({ starred: true });
    await last().answer({ type: "feed", feed: { topicId: "t1", batches: [], before: null } });
    state().setFilter({ starred: false, everywhere: true });
    const two = ["b1", "b2"].map((id) => batch(id, "t1", "a fox", [generation(id, 0)]));
    await last().answer({ type: "feed", feed: { topicId: null, batches: two, before: null } });
    expect(heard()).toEqual(["Nothing found", "2 batches found"]);
  });
  it("all of it in the host's language", () => {
    speak("zh", zh);
    const { state, end, heard } = opened();
    end(0, { status: "success" });
    vi.advanceTimersByTime(ENDS_TOGETHER);
    void state().deleteGenerations(["b1-1"]);
    expect(heard().join()).toMatch(/^[^a-z]+$/i);
  });
});
