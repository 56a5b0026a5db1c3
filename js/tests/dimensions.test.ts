import { describe, expect, it } from "vitest";
import { parameter } from "../dev/fixtures";
import { explain, type Limits, presetOf, problem, snap, withEdge, withRatio } from "../src/lib/dimensions";

const edge = { minimum: 256, maximum: 2048, step: 64 };
const free: Limits = { width: parameter("width", edge), height: parameter("height", edge), rule: null };
const square = { width: 1024, height: 1024 };

describe("one value", () => {
  it.each([
    [1000, 1024],
    [1500, 1472],
    [10, 256],
    [9999, 2048],
  ])("%d becomes %d", (typed, taken) => expect(snap(typed, free.width)).toBe(taken));

  it("counts steps from the minimum", () => {
    expect(snap(20, parameter("x", { minimum: 5, maximum: 50, step: 10 }))).toBe(25);
    expect(snap(50, parameter("x", { minimum: 5, maximum: 50, step: 10 }))).toBe(45);
  });
  it("leaves no tail on small steps", () =>
    expect(snap(0.3000001, parameter("x", { type: "number", minimum: 0, maximum: 1, step: 0.1 }))).toBe(0.3));
  it("takes the nearest choice", () =>
    expect(snap(700, parameter("x", { choices: [512, 768, 1024] }))).toBe(768));
});

describe("two edges", () => {
  it("leaves the other edge alone without a lock", () =>
    expect(withEdge("width", 1500, square, free, false)).toEqual({ width: 1472, height: 1024 }));
  it("moves the other edge with a lock", () =>
    expect(withEdge("width", 1344, { width: 896, height: 512 }, free, true)).toEqual({
      width: 1344,
      height: 768,
    }));
  it("brings the edge back where the other one meets its limit", () =>
    expect(withEdge("width", 2048, { width: 512, height: 1024 }, free, true)).toEqual({
      width: 1024,
      height: 2048,
    }));
});

describe("ratio presets", () => {
  it.each([
    [1, 1],
    [4, 3],
    [3, 4],
    [16, 9],
    [9, 16],
  ])("%d:%d keeps the area, the step and the limits", (across, down) => {
    const { width, height } = withRatio(across / down, square, free);
    expect(width % 64).toBe(0);
    expect(height % 64).toBe(0);
    expect(Math.abs(Math.log(width / height / (across / down)))).toBeLessThan(0.03);
    expect(Math.abs(Math.log((width * height) / 1024 ** 2))).toBeLessThan(0.2);
  });
  it("knows a size that was made by one", () => {
    expect(presetOf(withRatio(16 / 9, square, free))).toBe(5);
    expect(presetOf({ width: 2048, height: 256 })).toBe(-1);
  });
});

describe("the size rule", () => {
  const rule = { minPixels: 655_360, maxPixels: 1_048_576, maxRatio: 3 };
  const limits: Limits = { ...free, rule };

  it("moves the other edge as little as it must", () => {
    const size = withEdge("width", 1536, square, limits, false);
    expect(size.width).toBe(1536);
    expect(problem(size, rule)).toBeNull();
    expect(size.height).toBe(640);
  });
  it("keeps the ratio of a locked size", () => {
    const size = withEdge("width", 2048, square, limits, true);
    expect(size).toEqual({ width: 1024, height: 1024 });
  });
  it("holds for every edge that can be typed", () => {
    for (let width = 256; width <= 2048; width += 64) {
      expect(problem(withEdge("width", width, square, limits, false), rule), String(width)).toBeNull();
    }
  });
  it("comes before an edge that no other edge fits", () => {
    expect(withEdge("width", 256, square, limits, false)).toEqual({ width: 512, height: 1280 });
  });
  it("explains itself", () => {
    expect(explain(rule)).toBe("0.66 MP to 1 MP, ratio up to 3 : 1");
    expect(explain(null)).toBe("");
    expect(problem({ width: 2048, height: 2048 }, rule)).toContain("At most");
    expect(problem({ width: 256, height: 256 }, rule)).toContain("At least");
  });
});
