import { describe, expect, it } from "vitest";
import { batch, generation } from "../dev/fixtures";
import { neighbour } from "../src/lib/neighbours";
import { FITTED, fitted, linePlace, lineShare, moved, trueScale, zoomed } from "../src/lib/zoom";

const IMAGE = { width: 2000, height: 1000 };
const STAGE = { width: 500, height: 500 };
const CENTRE = { x: 0, y: 0 };

describe("zooming", () => {
  it("shows the image whole, and small ones in their own size", () => {
    expect(fitted(IMAGE, STAGE)).toEqual({ width: 500, height: 250 });
    expect(fitted({ width: 64, height: 32 }, STAGE)).toEqual({ width: 64, height: 32 });
    expect(trueScale(IMAGE, STAGE)).toBe(4);
  });
  it("keeps the point under the pointer where it is", () => {
    const point = { x: 120, y: 40 };
    const before = zoomed(FITTED, 4, CENTRE, IMAGE, STAGE);
    const after = zoomed(before, 2, point, IMAGE, STAGE);
    const on = (zoom: typeof before) => [(point.x - zoom.x) / zoom.scale, (point.y - zoom.y) / zoom.scale];
    expect(on(after)).toEqual(on(before));
  });
  it("has limits: the whole image, and pixels of a readable size", () => {
    expect(zoomed(FITTED, 0.1, CENTRE, IMAGE, STAGE)).toEqual(FITTED);
    expect(zoomed(FITTED, 1000, CENTRE, IMAGE, STAGE).scale).toBe(32);
  });
  it("leaves no gap beside a moved image", () => {
    const large = zoomed(FITTED, 4, CENTRE, IMAGE, STAGE);
    expect(moved(large, { x: 9999, y: -9999 }, IMAGE, STAGE)).toEqual({ scale: 4, x: 750, y: -250 });
    expect(moved(FITTED, { x: 50, y: 50 }, IMAGE, STAGE)).toEqual(FITTED);
  });
  it("comes back to the middle on the way out", () => {
    const large = moved(zoomed(FITTED, 4, CENTRE, IMAGE, STAGE), { x: 700, y: 200 }, IMAGE, STAGE);
    expect(zoomed(large, 0.01, { x: 200, y: 100 }, IMAGE, STAGE)).toEqual(FITTED);
  });
});

describe("the line between two images", () => {
  const image = { width: 400, height: 400 };
  const stage = { width: 1000, height: 400 };
  it("goes over the image, not over the stage", () => {
    expect(linePlace(0, image, FITTED, stage)).toBe(300);
    expect(linePlace(50, image, FITTED, stage)).toBe(500);
    expect([300, 600, 900].map((place) => lineShare(place, image, FITTED, stage))).toEqual([0, 75, 100]);
  });
  it("stays on the stage where the image is larger", () => {
    const zoom = { scale: 4, x: 0, y: 0 };
    expect(linePlace(0, image, zoom, stage)).toBe(0);
    expect(linePlace(100, image, zoom, stage)).toBe(1000);
    expect(lineShare(500, image, zoom, stage)).toBe(50);
  });
});

describe("the way through the feed", () => {
  const failed = (id: string) => generation(id, 0, { status: "error" });
  const batches = {
    new: batch("new", "t", "", [generation("new", 0), generation("new", 1)]),
    failed: batch("failed", "t", "", [failed("failed")]),
    old: batch("old", "t", "", [failed("old"), generation("old", 1)]),
  };
  const ids = ["new", "failed", "old"];
  const at = (batchId: string, position: number) => ({ batchId, generationId: `${batchId}-${position}` });

  it("goes through a batch, then to the next one with an image", () => {
    expect(neighbour(ids, batches, at("new", 0), 1)).toEqual({ place: at("new", 1) });
    expect(neighbour(ids, batches, at("new", 1), 1)).toEqual({ place: at("old", 1) });
    expect(neighbour(ids, batches, at("old", 1), -1)).toEqual({ place: at("new", 1) });
  });
  it("ends at both ends", () => {
    expect(neighbour(ids, batches, at("new", 0), -1)).toBeNull();
    expect(neighbour(ids, batches, at("old", 1), 1)).toBeNull();
  });
  it("says which batch must be loaded first", () =>
    expect(neighbour(["new", "dropped", "old"], batches, at("new", 1), 1)).toEqual({ missing: "dropped" }));
  it("has no way on from an image that is gone", () =>
    expect(neighbour(ids, batches, at("gone", 0), 1)).toBeNull());
});
