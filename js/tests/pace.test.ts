import { describe, expect, it } from "vitest";
import { Pace, SETTLE } from "../src/lib/pace";

/**
 * Return whether a list rushes by after steps of so many pixels, each so many milliseconds after the one before.
 */
function rushing(step: number, gaps: number[]): boolean {
  const pace = new Pace();
  let [place, at] = [90_000, 1000];
  for (const gap of gaps) {
    place += step;
    at += gap;
    pace.rushes(place, at);
  }
  return pace.rushing;
}

const FRAMES = [16, 16, 17, 16, 17, 16];

describe("the pace of a list", () => {
  it("is no rush where one can still see what passes", () => {
    expect(rushing(60, FRAMES)).toBe(false);
    expect(rushing(-60, FRAMES)).toBe(false);
  });
  it("is one where a scroll bar is dragged, either way", () => {
    expect(rushing(300, FRAMES)).toBe(true);
    expect(rushing(-300, FRAMES)).toBe(true);
  });
  it("is none where frames that were late come close together", () => {
    expect(rushing(60, [16, 45, 3, 2, 16, 16])).toBe(false);
  });
  it("is none where it jumps once, from rest", () => {
    expect(rushing(50_000, [SETTLE, SETTLE, SETTLE])).toBe(false);
  });
  it("stays a rush while it slows down, until it rests", () => {
    const pace = new Pace();
    for (const frame of FRAMES.keys()) pace.rushes(frame * 300, frame * 16);
    expect(pace.rushes(1810, 96)).toBe(true);
    pace.rest();
    expect(pace.rushing).toBe(false);
    expect(pace.rushes(1820, 112)).toBe(false);
  });
});
