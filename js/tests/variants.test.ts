import { describe, expect, it } from "vitest";
import cases from "../../tests/rules/variants.json";
import { countVariants, lengthOf, longestVariant, patternOf, variants } from "../src/lib/variants";

describe("a pattern", () => {
  it.each(cases)("stands for its prompts: $prompt", ({ prompt, variants: expected }) => {
    expect(variants(prompt)).toEqual(expected);
    expect(countVariants(prompt)).toBe(expected.length);
  });
  it("is counted where nobody could write all of its prompts down", () =>
    expect(countVariants("{a|b}".repeat(200))).toBe(2 ** 200));
  it("takes no time, however many braces it has", () =>
    expect(variants(`${"{".repeat(100_000)}a|b}`)).toHaveLength(2));
  it("is as long as its longest prompt", () => {
    expect(longestVariant("a {red|crimson|blue} {fox|hare}")).toBe("a crimson hare");
    expect(longestVariant("{🦊🦊🦊|aaaa}")).toBe("aaaa");
    expect(lengthOf("🦊🦊")).toBe(2);
  });
});

describe("a prompt that was sent", () => {
  it.each(cases.flatMap(({ variants: prompts }) => prompts))("stands for itself again: %s", (prompt) =>
    expect(variants(patternOf(prompt))).toEqual([prompt]),
  );
  it("stays as it is where that says the same", () =>
    expect(patternOf("a {red} fox | a hare")).toBe("a {red} fox | a hare"));
});
