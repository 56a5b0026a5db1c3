// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, error, generation, snapshot } from "../dev/fixtures";
import { showSnapshot } from "../src/store";
import type { Page } from "../src/views/context";
import { attend, canNotify, chooseNotify, notifies } from "../src/views/notify";
import { settled, storeWithKernel } from "./kit";

let told: { title: string; options: NotificationOptions }[];
let asked: number;

/** A browser that answers as it is told when the user is asked. */
function browser(answer: NotificationPermission, hidden = true): void {
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal(
    "Notification",
    class {
      static permission: NotificationPermission = "default";
      static requestPermission(): Promise<NotificationPermission> {
        asked += 1;
        (Notification as { permission: string }).permission = answer;
        return Promise.resolve(answer);
      }
      constructor(title: string, options: NotificationOptions) {
        told.push({ title, options });
      }
    },
  );
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
}

beforeEach(() => {
  told = [];
  asked = 0;
  localStorage.clear();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function opened() {
  const { store } = storeWithKernel();
  showSnapshot(store, { ...snapshot(0, true), feed: { topicId: "t1", batches: [], before: null } }, true);
  const ended = new AbortController();
  const media = { thumbnails: { get: (id: string) => `blob:${id}` } };
  for (let times = 0; times < 2; times++) attend({ store, media } as unknown as Page, ended.signal);
  const made = (
    id: string,
    clickId: string | null,
    ...statuses: ("processing" | "success" | "error" | "cancelled")[]
  ) =>
    batch(
      id,
      "t1",
      `prompt of ${id}`,
      statuses.map((status, at) =>
        generation(id, at, { status, error: status === "error" ? error() : null }),
      ),
      { clickId },
    );
  /** Let the page hear of a batch, as events tell of it. */
  const hear = async (one: ReturnType<typeof made>) => {
    store.getState().queueBatch(one);
    store.getState().changeBatch(one);
    await settled();
  };
  return { store, made, hear, ended };
}

describe("a notification", () => {
  it("is asked for only by a click, and is off before", async () => {
    browser("granted");
    const { made, hear } = opened();
    await hear(made("a", null, "processing"));
    await hear(made("a", null, "success"));
    expect([asked, notifies(), told]).toEqual([0, false, []]);
    expect(await chooseNotify(true)).toBe(true);
    expect([asked, notifies()]).toEqual([1, true]);
    expect(await chooseNotify(false)).toBe(false);
    expect([asked, notifies()]).toEqual([1, false]);
  });
  it("comes once for a click, when its last image ends, with the first picture", async () => {
    browser("granted");
    await chooseNotify(true);
    const { store, made, hear } = opened();
    for (const id of ["a", "b"]) store.getState().changeBatch(made(id, "click", "processing", "processing"));
    await hear(made("a", "click", "processing", "processing"));
    await hear(made("b", "click", "processing", "processing"));
    await hear(made("a", "click", "success", "error"));
    expect(told).toEqual([]);
    await hear(made("b", "click", "success", "success"));
    expect(told).toHaveLength(1);
    expect(told[0]?.title).toMatch(/^\d images? (is|are) finished\.$/);
    expect(told[0]?.options).toMatchObject({ body: "prompt of b", tag: "click" });
    expect(told[0]?.options.icon).toMatch(/^blob:/);
  });
  it("does not come while the page is seen, for what was cancelled, or after the page", async () => {
    browser("granted", false);
    await chooseNotify(true);
    const { made, hear, ended } = opened();
    await hear(made("a", null, "processing"));
    await hear(made("a", null, "success"));
    vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    await hear(made("b", null, "processing"));
    await hear(made("b", null, "cancelled"));
    expect(told).toEqual([]);
    await hear(made("c", null, "processing"));
    await hear(made("c", null, "error"));
    expect(told.map(({ title }) => title)).toEqual(["Generation failed."]);
    await hear(made("d", null, "processing"));
    ended.abort();
    await hear(made("d", null, "success"));
    expect(told).toHaveLength(1);
  });
  it("stays off where the browser refuses, and is not offered where it is not possible", async () => {
    browser("denied");
    expect(canNotify()).toBe(true);
    expect(await chooseNotify(true)).toBe(false);
    expect([canNotify(), notifies()]).toEqual([false, false]);
    browser("granted");
    vi.stubGlobal("isSecureContext", false);
    expect(canNotify()).toBe(false);
  });
});
