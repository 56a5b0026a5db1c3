import { describe, expect, it } from "vitest";
import { parameter } from "../dev/fixtures";
import {
  allowed,
  explain,
  type Limits,
  meantRatio,
  presetOf,
  problem,
  ratioText,
  snap,
  swapped,
  withEdge,
  withRatio,
} from "../src/lib/dimensions";
import type { Size } from "../src/lib/geometry";

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
    expect(withEdge("width", 1500, square, free, null)).toEqual({ width: 1472, height: 1024 }));
  it("moves the other edge with a lock", () =>
    expect(withEdge("width", 1344, { width: 896, height: 512 }, free, 16 / 9)).toEqual({
      width: 1344,
      height: 768,
    }));
  it("brings the edge back where the other one meets its limit", () =>
    expect(withEdge("width", 2048, { width: 512, height: 1024 }, free, 1 / 2)).toEqual({
      width: 1024,
      height: 2048,
    }));
  it("are swapped exactly where that is allowed, else to the nearest size", () => {
    expect(swapped({ width: 1344, height: 768 }, free)).toEqual({ width: 768, height: 1344 });
    const flat: Limits = { ...free, height: parameter("height", { ...edge, maximum: 1024 }) };
    const upright = swapped({ width: 2048, height: 1024 }, flat);
    expect(upright).toEqual({ width: 512, height: 1024 });
  });
});

describe("ratio presets", () => {
  it("know a size that was made by one", () => {
    expect(presetOf(1344 / 768)).toBe(5);
    expect(presetOf(2048 / 256)).toBe(-1);
    expect(meantRatio({ width: 1344, height: 768 })).toBe(16 / 9);
    expect(meantRatio({ width: 2048, height: 256 })).toBe(8);
  });
  it.each([
    [16 / 9, "16:9"],
    [9 / 16, "9:16"],
    [1.5, "3:2"],
    [21 / 9, "7:3"],
    [1.849, "1.85:1"],
    [1 / 1.849, "1:1.85"],
  ])("%d is written %s", (ratio, text) => expect(ratioText(ratio)).toBe(text));
});

describe("the size rule", () => {
  const rule = { minPixels: 655_360, maxPixels: 1_048_576, maxRatio: 3 };
  const limits: Limits = { ...free, rule };

  it("moves the other edge as little as it must", () => {
    const size = withEdge("width", 1536, square, limits, null);
    expect(size.width).toBe(1536);
    expect(problem(size, rule)).toBeNull();
    expect(size.height).toBe(640);
  });
  it("keeps the ratio of a locked size", () => {
    const size = withEdge("width", 2048, square, limits, 1);
    expect(size).toEqual({ width: 1024, height: 1024 });
  });
  it("comes before an edge that no other edge fits", () => {
    expect(withEdge("width", 256, square, limits, null)).toEqual({ width: 512, height: 1280 });
  });
  it("explains itself", () => {
    expect(explain(rule)).toBe("0.66 MP to 1 MP, ratio up to 3:1");
    expect(explain({ minPixels: null, maxPixels: 4_194_304, maxRatio: null })).toBe("Up to 4.2 MP");
    expect(explain(null)).toBe("");
    expect(problem({ width: 2048, height: 2048 }, rule)).toContain("At most");
    expect(problem({ width: 256, height: 256 }, rule)).toContain("At least");
    expect(problem({ width: 2048, height: 320 }, rule)).toContain("3 times");
  });
});

describe("whatever the limits", () => {
  // The same numbers each time: a failure can be looked at again.
  let seed = 0;
  const random = (): number => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return seed / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const one = <T>(all: readonly T[]): T => all[between(0, all.length - 1)] as T;
  const side = (name: string) => {
    if (random() < 0.15) return parameter(name, { choices: [512, 768, 1024, 1536] });
    const step = one([1, 8, 16, 32, 64, 100]);
    const minimum = between(1, 6) * step + 64;
    return parameter(name, { minimum, maximum: minimum + between(4, 40) * step, step });
  };
  const anyLimits = (): Limits => {
    const rule = one([
      null,
      { minPixels: 65_536, maxPixels: between(20, 40) * 65_536, maxRatio: one([null, 2, 3]) },
    ]);
    return { width: side("width"), height: side("height"), rule };
  };
  const valid = ({ width, height }: Size, { width: across, height: down, rule }: Limits): boolean =>
    allowed(across).includes(width) &&
    allowed(down).includes(height) &&
    problem({ width, height }, rule) === null;
  const possible = (limits: Limits): Size[] =>
    allowed(limits.width).flatMap((width) =>
      allowed(limits.height)
        .map((height) => ({ width, height }))
        .filter((size) => problem(size, limits.rule) === null),
    );
  const cases = Array.from({ length: 150 }, () => {
    const limits = anyLimits();
    const sizes = possible(limits);
    return { limits, sizes, current: sizes.length > 0 ? one(sizes) : square };
  }).filter(({ sizes }) => sizes.length > 0);
  const off = ({ width, height }: Size, ratio: number): number => Math.abs(Math.log(width / height / ratio));
  const stepOf = (parameter: Limits["width"]): number => parameter.step ?? 512; // The largest gap between two choices.

  it("a size is valid after each change", () => {
    expect(cases.length).toBeGreaterThan(100);
    for (const { limits, current } of cases) {
      const ratio = one([null, current.width / current.height, 16 / 9]);
      const edge = one(["width", "height"] as const);
      const context = JSON.stringify({ limits, current, ratio });
      expect(valid(withEdge(edge, between(1, 5000), current, limits, ratio), limits), context).toBe(true);
      const turned = withRatio(one([1, 4 / 3, 9 / 16, 3]), current.width * current.height, limits);
      expect(turned && valid(turned, limits), context).toBe(true);
      expect(valid(swapped(current, limits), limits), context).toBe(true);
    }
  });
  it("a ratio keeps the area to within a step where some size has both", () => {
    for (const { limits, sizes, current } of cases) {
      const area = current.width * current.height;
      const ratio = one([1, 4 / 3, 3 / 4, 16 / 9, 9 / 16]);
      const ideal = { width: Math.sqrt(area * ratio), height: Math.sqrt(area / ratio) };
      const step = { width: stepOf(limits.width), height: stepOf(limits.height) };
      const slack = step.width / ideal.width / 2 + step.height / ideal.height / 2;
      const missed = ({ width, height }: Size): number => Math.abs(Math.log((width * height) / area));
      const both = sizes.some((size) => off(size, ratio) <= slack / 2 && missed(size) <= slack / 2);
      const size = withRatio(ratio, area, limits);
      if (!both || !size) continue;
      const context = JSON.stringify({ limits, current, ratio, size });
      expect(missed(size), context).toBeLessThanOrEqual(Math.max(slack, 0.07) + 1e-9);
      expect(off(size, ratio), context).toBeLessThanOrEqual(slack + 0.01 + 1e-9);
    }
  });
  it("a locked ratio is kept to within a step where some size has it", () => {
    for (const { limits, sizes, current } of cases) {
      const ratio = one([1, 3 / 2, 2 / 3, 16 / 9]);
      const size = withEdge("width", between(64, 3000), current, limits, ratio);
      const best = Math.min(...sizes.map((other) => off(other, ratio)));
      const step = stepOf(limits.width) / size.width + stepOf(limits.height) / size.height;
      expect(off(size, ratio), JSON.stringify({ limits, ratio, size })).toBeLessThanOrEqual(best + step);
    }
  });
});
