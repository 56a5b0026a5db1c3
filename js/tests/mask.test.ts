import { describe, expect, it } from "vitest";
import {
  brushSizes,
  carve,
  fitScale,
  inside,
  isPainted,
  NOTHING_DONE,
  paint,
  redone,
  resized,
  type Step,
  toPicture,
  undone,
  withStep,
} from "../src/lib/mask";
import { Pixel } from "./kit";

const stroke = (x: number, more: Partial<Extract<Step, { kind: "stroke" }>> = {}): Step => ({
  kind: "stroke",
  erase: false,
  size: 4,
  points: [{ x, y: 0 }],
  ...more,
});

describe("the geometry of a mask", () => {
  it("shows all of the picture, and a small one not too large", () => {
    expect(fitScale({ width: 2000, height: 1000 }, { width: 500, height: 500 })).toBe(0.25);
    expect(fitScale({ width: 10, height: 10 }, { width: 500, height: 500 })).toBe(4);
    expect(fitScale({ width: 10, height: 10 }, { width: -20, height: 0 })).toBeGreaterThan(0);
  });
  it("finds the pixel of the picture under the pointer at any scale", () => {
    const shown = { left: 100, top: 50, width: 500, height: 250 };
    expect(toPicture({ clientX: 350, clientY: 175 }, shown, { width: 2000, height: 1000 })).toEqual({
      x: 1000,
      y: 500,
    });
  });
  it("keeps the cursor inside", () => {
    expect(inside({ x: -3, y: 900 }, { width: 30, height: 20 })).toEqual({ x: 0, y: 20 });
  });
  it("has brushes that fit the picture, and steps that always change them", () => {
    const { first, largest } = brushSizes({ width: 1000, height: 500 });
    expect([first, largest]).toEqual([80, 500]);
    expect(resized(2, 1, largest)).toBe(3);
    expect(resized(100, -1, largest)).toBe(83);
    expect(resized(1, -1, largest)).toBe(1);
    expect(resized(499, 1, largest)).toBe(500);
  });
});

describe("the steps of a painting", () => {
  it("go back and forth", () => {
    const both = withStep(withStep(NOTHING_DONE, stroke(1)), stroke(2));
    const one = undone(both);
    expect(one.done).toEqual([stroke(1)]);
    expect(redone(one)).toEqual(both);
    expect(redone(both)).toEqual(both);
    expect(undone(NOTHING_DONE)).toEqual(NOTHING_DONE);
  });
  it("end what was undone when something new is painted", () => {
    const next = withStep(undone(withStep(NOTHING_DONE, stroke(1))), stroke(3));
    expect(next).toEqual({ done: [stroke(3)], undone: [] });
  });
});

describe("a painting", () => {
  const size = { width: 1, height: 1 };
  const painted = (...steps: Step[]) => {
    const pixel = new Pixel();
    for (const step of steps) paint(pixel.canvas, step, size);
    return pixel;
  };

  it("is opaque where the brush was, and not where the eraser was after it", () => {
    expect(isPainted(painted(stroke(0)).canvas, size)).toBe(true);
    expect(isPainted(painted(stroke(0), stroke(0, { erase: true })).canvas, size)).toBe(false);
  });
  it("is turned around by an inversion, and emptied by clearing", () => {
    expect(isPainted(painted({ kind: "invert" }).canvas, size)).toBe(true);
    expect(isPainted(painted(stroke(0), { kind: "invert" }).canvas, size)).toBe(false);
    expect(isPainted(painted(stroke(0), { kind: "clear" }).canvas, size)).toBe(false);
  });
  it("draws a dot where the pointer did not move", () => {
    expect(painted(stroke(7)).lines).toEqual([
      [7, 0],
      [7, 0],
    ]);
  });
  it("becomes a mask that is transparent there, and opaque elsewhere", () => {
    const over = (painting: Pixel) => {
      const mask = new Pixel();
      carve(mask.canvas, painting as unknown as CanvasImageSource, size);
      return mask.alpha;
    };
    expect(over(painted(stroke(0)))).toBe(0);
    expect(over(painted())).toBe(255);
  });
});
