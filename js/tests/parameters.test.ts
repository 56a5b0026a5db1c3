import { describe, expect, it } from "vitest";
import { model, parameter } from "../dev/fixtures";
import { controlOf, formOf, paramsToSend, randomSeed } from "../src/lib/parameters";
import type { Config } from "../src/protocol.gen";

describe("which control", () => {
  it.each([
    ["switch", parameter("x", { type: "boolean" })],
    ["seed", parameter("seed")],
    ["segments", parameter("x", { type: "string", choices: ["low", "high"], default: "low" })],
    ["select", parameter("x", { type: "string", choices: ["low", "high"] })],
    ["select", parameter("x", { type: "string", choices: ["a", "b", "c", "d"], default: "a" })],
    ["slider", parameter("x", { type: "number", minimum: 0, maximum: 1 })],
    ["number", parameter("x", { minimum: 0 })],
    ["text", parameter("x", { type: "string", kind: "name", maxLength: 20 })],
    ["textarea", parameter("x", { type: "string", kind: "text" })],
  ])("%s", (control, given) => expect(controlOf(given)).toBe(control));
});

describe("the form", () => {
  it("sorts size, seed, plain and advanced parameters", () => {
    const form = formOf(
      model("m", {
        parameters: [
          parameter("width"),
          parameter("height"),
          parameter("seed"),
          parameter("steps", { advanced: true }),
          parameter("style"),
        ],
      }),
    );
    expect(form.width?.name).toBe("width");
    expect(form.height?.name).toBe("height");
    expect(form.seed?.name).toBe("seed");
    expect(form.plain.map(({ name }) => name)).toEqual(["style"]);
    expect(form.advanced.map(({ name }) => name)).toEqual(["steps"]);
  });
  it("is empty without a model", () => expect(formOf(undefined).plain).toEqual([]));
});

describe("what is sent", () => {
  const chosen = model("m");
  const config = (params: Config["params"]): Config => ({
    model: chosen.name,
    count: 1,
    params,
    ratioLocked: false,
    panels: { left: 280, right: 220, leftOpen: true, rightOpen: true },
  });

  it("leaves defaults out", () =>
    expect(paramsToSend(chosen, config({ [chosen.name]: { width: 1024 } }))).toEqual({}));
  it("holds what was changed, and a seed", () =>
    expect(paramsToSend(chosen, config({ [chosen.name]: { width: 512, seed: 7 } }))).toEqual({
      width: 512,
      seed: 7,
    }));
  it("says that a default is not wanted", () =>
    expect(paramsToSend(chosen, config({ [chosen.name]: { width: null, seed: null } }))).toEqual({
      width: null,
    }));
  it("holds only parameters of this model", () =>
    expect(paramsToSend(chosen, config({ [chosen.name]: { gone: 1 }, other: { width: 1 } }))).toEqual({}));
});

it("draws a seed inside the range", () => {
  const seed = parameter("seed", { minimum: 5, maximum: 9 });
  expect(randomSeed(seed, () => 0)).toBe(5);
  expect(randomSeed(seed, () => 0.999999)).toBe(9);
});
