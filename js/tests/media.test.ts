// @vitest-environment happy-dom

import { h, render } from "preact";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { generation, snapshot } from "../dev/fixtures";
import type { Answer } from "../src/lib/answer";
import { BlobUrls } from "../src/lib/blob-urls";
import { GATHER, MAX_ASKED, Wanted } from "../src/lib/wanted";
import { Media } from "../src/media";
import { heldOriginal, viewOf } from "../src/originals";
import { useBlobUrl } from "../src/views/context";
import { hostThatShows, settled } from "./kit";

const bytes = (value: number): DataView => new DataView(new Uint8Array([0, value, 0]).buffer, 1, 1);
let alive: Set<string>;

beforeAll(async () => {
  hostThatShows("blobs");
  // What a host shows is found out once.
  await new BlobUrls(1).keep("first", bytes(0), "");
});
beforeEach(() => {
  vi.useFakeTimers();
  alive = new Set();
  let count = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => {
    count += 1;
    alive.add(`blob:${count}`);
    return `blob:${count}`;
  });
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void alive.delete(url));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("Blob URLs", () => {
  it("are revoked when others push them out, the least recently used first", () => {
    const urls = new BlobUrls(2);
    urls.put("a", bytes(1), "");
    urls.put("b", bytes(2), "");
    urls.get("a");
    urls.put("c", bytes(3), "");
    expect(urls.get("b")).toBeUndefined();
    expect(urls.get("a")).toBeDefined();
    expect(alive.size).toBe(2);
  });
  it("stay while they are watched", () => {
    const urls = new BlobUrls(1);
    const end = urls.watch("a", () => undefined);
    urls.put("a", bytes(1), "");
    urls.put("b", bytes(2), "");
    expect(urls.get("a")).toBeDefined();
    end();
    urls.put("c", bytes(3), "");
    expect(urls.get("a")).toBeUndefined();
  });
  it("are revoked when they are replaced, deleted or cleared", () => {
    const urls = new BlobUrls(9);
    urls.put("a", bytes(1), "");
    urls.put("a", bytes(2), "");
    expect(alive.size).toBe(1);
    urls.delete("a");
    urls.put("b", bytes(1), "");
    urls.clear();
    expect(alive.size).toBe(0);
  });
  it("tell those who watch", () => {
    const urls = new BlobUrls(9);
    const changed = vi.fn();
    urls.watch("a", changed);
    urls.put("a", bytes(1), "");
    urls.put("b", bytes(1), "");
    expect(changed).toHaveBeenCalledTimes(1);
  });
});

describe("pictures of a host that refuses blobs", () => {
  it("are data: URLs, also those that came before it was known, and one blob is tried", async () => {
    hostThatShows("data");
    vi.resetModules();
    const { BlobUrls: Fresh, urlOf } = await import("../src/lib/blob-urls");
    const [urls, others] = [new Fresh(2), new Fresh(9)];
    const changed = vi.fn();
    urls.watch("a", changed);
    urls.put("a", bytes(1), "image/webp");
    others.put("b", bytes(2), "");
    expect(urls.get("a")).toBeUndefined();
    await settled();
    expect(urls.get("a")).toBe(`data:image/webp;base64,${btoa("\x01")}`);
    expect(changed).toHaveBeenCalledTimes(1);
    expect(others.get("b")).toBe(`data:;base64,${btoa("\x02")}`);
    expect(await urls.keep("c", bytes(3), "image/png")).toBe(`data:image/png;base64,${btoa("\x03")}`);
    urls.put("d", bytes(4), "image/png");
    expect(urls.size).toBe(2);
    const long = new Uint8Array(20_000).fill(255);
    expect(await urlOf(new Blob([long], { type: "application/zip" }))).toBe(
      `data:application/zip;base64,${btoa("\xff".repeat(long.length))}`,
    );
    expect(URL.createObjectURL).toHaveBeenCalledTimes(1);
    expect(alive.size).toBe(0);
  });
});

describe("a picture that is drawn", () => {
  it("is shown also when it came between the drawing and what follows on it", async () => {
    const urls = new BlobUrls(9);
    const drawn = (): string | undefined => useBlobUrl(urls, "a", true);
    const root = document.createElement("div");
    render(h(drawn, null), root);
    urls.put("a", bytes(1), "");
    await vi.advanceTimersByTimeAsync(100);
    expect(root.textContent).toBe(urls.get("a"));
    render(null, root);
  });
});

describe("what is wanted", () => {
  it("is asked for in groups, one group at a time", async () => {
    const asked: string[][] = [];
    let done = (): void => undefined;
    const wanted = new Wanted((ids) => {
      asked.push(ids);
      return new Promise((resolve) => {
        done = resolve;
      });
    });
    for (let index = 0; index < MAX_ASKED + 6; index++) wanted.want(String(index));
    vi.advanceTimersByTime(GATHER);
    expect(asked.map((ids) => ids.length)).toEqual([MAX_ASKED]);
    vi.advanceTimersByTime(10 * GATHER);
    expect(asked).toHaveLength(1);
    done();
    await settled();
    vi.advanceTimersByTime(GATHER);
    expect(asked.map((ids) => ids.length)).toEqual([MAX_ASKED, 6]);
  });
  it("is dropped when it left the screen before its turn", () => {
    const ask = vi.fn(async () => undefined);
    const wanted = new Wanted(ask);
    const leave = wanted.want("gone");
    wanted.want("there");
    leave();
    vi.advanceTimersByTime(GATHER);
    expect(ask).toHaveBeenCalledWith(["there"]);
  });
});

describe("what was refused", () => {
  it("is asked for again when that is worth while, as long as it is wanted", async () => {
    const ask = vi.fn(async () => Promise.reject(new Error("no answer")));
    const wanted = new Wanted(ask);
    const leave = wanted.want("left");
    wanted.want("there");
    await vi.advanceTimersByTimeAsync(100 * GATHER);
    expect(ask.mock.calls).toEqual([[["left", "there"]]]);
    leave();
    wanted.again();
    await vi.advanceTimersByTimeAsync(100 * GATHER);
    expect(ask.mock.calls).toEqual([[["left", "there"]], [["there"]]]);
  });
  it("is no more than that: what was answered is not asked for again", async () => {
    const ask = vi.fn(async () => undefined);
    const wanted = new Wanted(ask);
    wanted.want("there");
    await vi.advanceTimersByTimeAsync(GATHER);
    wanted.again();
    await vi.advanceTimersByTimeAsync(GATHER);
    expect(ask).toHaveBeenCalledTimes(1);
  });
});

describe("the pictures of a page", () => {
  it("come with events, and on demand", async () => {
    const answers: Answer[] = [
      {
        result: { type: "thumbnails", items: [{ generationId: "g2", buffer: 0, reason: null }] },
        buffers: [bytes(2)],
      },
    ];
    const media = new Media(async () => answers.shift() as Answer);
    const finished = generation("g", 1, { thumbnailBuffer: 0 });
    media.takeEvents([{ type: "generation_changed", generation: finished }], [bytes(1)]);
    expect(media.thumbnails.get("g-1")).toBeDefined();
    media.wantedThumbnails.want("g2");
    await vi.advanceTimersByTimeAsync(GATHER);
    expect(media.thumbnails.get("g2")).toBeDefined();
    media.close();
    expect(alive.size).toBe(0);
  });
  it("know why an image has no thumbnail, and forget the reason when it gets one", async () => {
    const answers: Answer[] = [
      {
        result: { type: "thumbnails", items: [{ generationId: "g-1", buffer: null, reason: "kind" }] },
        buffers: [],
      },
    ];
    const send = vi.fn(async () => answers.shift() as Answer);
    const media = new Media(send);
    const told = vi.fn();
    media.thumbnails.watch("g-1", told);
    media.wantedThumbnails.want("g-1");
    await vi.advanceTimersByTimeAsync(GATHER);
    expect(media.hidden.get("g-1")).toBe("kind");
    expect(told).toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(GATHER * 10);
    expect(send).toHaveBeenCalledTimes(1);
    const finished = generation("g", 1, { thumbnailBuffer: 0 });
    media.takeEvents([{ type: "generation_changed", generation: finished }], [bytes(1)]);
    expect(media.hidden.has("g-1")).toBe(false);
    media.close();
  });
  it("show a WebP where the browser cannot draw the original, and never take it for the original", async () => {
    const asked: unknown[] = [];
    const media = new Media(async (call) => {
      asked.push(call);
      return {
        result: { type: "view", generationId: "g", mediaType: "image/webp", fileName: null, buffer: 0 },
        buffers: [bytes(2)],
      };
    });
    const webp = await viewOf(media, "g", true);
    expect(await viewOf(media, "g", true)).toBe(webp);
    // A drag must not take it for the original.
    expect(heldOriginal(media, "g")).toBeUndefined();
    expect(asked).toHaveLength(1);
    media.close();
    expect(alive.size).toBe(0);
  });
});

describe("the pictures of a saved notebook", () => {
  it("stand in for thumbnails until a kernel sends them", () => {
    const media = new Media(() => new Promise<Answer>(() => undefined));
    media.takeSnapshot({ ...snapshot(0, false), thumbnails: { g: btoa("RIFF") } }, []);
    expect(media.previews.get("g")).toBeDefined();
    // Still missing, so that it is asked for.
    expect(media.thumbnails.get("g")).toBeUndefined();
    media.close();
    expect(alive.size).toBe(0);
  });
  it("are left out where the notebook was cut", () => {
    const media = new Media(() => new Promise<Answer>(() => undefined));
    media.takeSnapshot({ ...snapshot(0, false), thumbnails: { g: "not base64!" } }, []);
    expect(media.previews.get("g")).toBeUndefined();
  });
});
