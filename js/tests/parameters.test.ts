import { describe, expect, it } from "vitest";
import listed from "../../tests/catalog/prices.json";
import { everyKind, model, parameter, price } from "../dev/fixtures";
import { costOf, estimateText, nearBudget, overBudget, spentText } from "../src/lib/cost";
import {
  choiceText,
  controlOf,
  fits,
  fitting,
  formOf,
  negativeOf,
  optionsOf,
  paramsToSend,
  randomSeed,
  ratioOf,
  type Values,
} from "../src/lib/parameters";
import { priceText } from "../src/lib/price";
import type { Config, ModelState, ParameterState } from "../src/protocol.gen";
import { EMPTY_CONFIG } from "../src/slices/config";

describe("which control", () => {
  it.each([
    ["switch", parameter("x", { type: "boolean", default: false })],
    ["segments", parameter("x", { type: "boolean" })],
    ["text", parameter("seed", { type: "string" })],
    ["seed", parameter("seed")],
    ["segments", parameter("x", { type: "string", choices: ["low", "high"], default: "low" })],
    ["segments", parameter("x", { type: "string", choices: ["low", "high"] })],
    ["select", parameter("x", { type: "string", choices: ["a", "b", "c", "d", "e"], default: "a" })],
    ["select", parameter("x", { type: "string", choices: ["a", "b", "c", "d"] })],
    ["slider", parameter("x", { type: "number", minimum: 0, maximum: 1 })],
    ["number", parameter("x", { minimum: 0 })],
    ["text", parameter("x", { type: "string", maxLength: 20 })],
    ["text", parameter("sampler", { type: "string" })],
    ["textarea", parameter("system_prompt", { type: "string" })],
  ])("%s", (control, given) => expect(controlOf(given)).toBe(control));
});

it("gives each parameter of a model with every kind its control", () =>
  expect(Object.fromEntries(everyKind().parameters.map((each) => [each.name, controlOf(each)]))).toEqual({
    width: "slider",
    height: "slider",
    seed: "seed",
    size: "shapes",
    aspect_ratio: "shapes",
    resolution: "segments",
    quality: "segments",
    background: "segments",
    output_format: "segments",
    cfg: "slider",
    steps: "slider",
    strength: "slider",
    negative_prompt: "textarea",
    sampler: "select",
    scheduler: "segments",
    safety_tolerance: "slider",
    prompt_expansion: "switch",
    watermark: "segments",
    thinking_level: "segments",
    extra_text: "text",
    extra_number: "number",
  }));

describe("a choice", () => {
  it.each([
    ["high_quality", "High quality"],
    ["1024x768", "1024 × 768"],
    ["16:9", "16:9"],
    ["2K", "2K"],
    ["portrait_16_9", "9:16"],
    ["landscape_4_3", "4:3"],
    ["square_hd", "1:1 HD"],
    ["webp", "WEBP"],
    [8, "8"],
    [true, "On"],
  ])("%s reads %s", (choice, text) => expect(choiceText(choice)).toBe(text));
  it.each([
    ["on or off, or neither", parameter("x", { type: "boolean" }), null, [null, true, false]],
    ["what is sent, whatever it is", parameter("x", { choices: [1, 2], default: 1 }), 7, [7, 1, 2]],
    ["auto only once", parameter("x", { type: "string", choices: ["a", "auto"] }), null, [null, "a"]],
    [
      "auto, where it was said",
      parameter("x", { type: "string", choices: ["a", "auto"] }),
      "auto",
      ["a", "auto"],
    ],
    [
      "the default's own auto",
      parameter("x", { choices: ["auto", "a"], default: "auto" }),
      "a",
      ["auto", "a"],
    ],
  ])("can be %s", (_, given, value, options) => expect(optionsOf(given, value)).toEqual(options));
  it("has a shape where it is a ratio", () => {
    expect([ratioOf("16:9"), ratioOf("2.5:1"), ratioOf("1024x512")]).toEqual([16 / 9, 2.5, 2]);
    expect([ratioOf("square_hd"), ratioOf("portrait_4_3"), ratioOf("landscape_4_3")]).toEqual([
      1,
      3 / 4,
      4 / 3,
    ]);
    expect([ratioOf("auto"), ratioOf("1:0"), ratioOf(7)]).toEqual([null, null, null]);
  });
});

describe("a value of another model", () => {
  const number = parameter("x", { type: "number", minimum: 0, maximum: 1, step: 0.1, default: 0.5 });
  it.each([
    [true, number, 0.3],
    [false, number, 0.35],
    [false, number, 2],
    [false, number, "0.3"],
    [false, number, null],
    [true, parameter("x"), null],
    [true, parameter("x", { type: "string", choices: ["a", "b"] }), "b"],
    [false, parameter("x", { type: "string", choices: ["a", "b"] }), "c"],
    [true, parameter("x", { type: "string", maxLength: 3 }), "abc"],
    [false, parameter("x", { type: "string", maxLength: 3 }), "abcd"],
    [true, parameter("x", { type: "boolean" }), true],
    [false, parameter("x", { type: "boolean" }), 1],
  ])("fits: %s", (answer, given, value) => expect(fits(given, value)).toBe(answer));

  it("is kept where it fits, and the size only as a whole", () => {
    const edge = { minimum: 256, maximum: 1024, step: 256 };
    const small = model("small", {
      parameters: [parameter("width", edge), parameter("height", edge), parameter("seed")],
    });
    expect(fitting({ width: 512, height: 768, seed: 7, steps: 3 }, small)).toEqual({
      width: 512,
      height: 768,
      seed: 7,
    });
    expect(fitting({ width: 512, height: 2048, seed: 7 }, small)).toEqual({ seed: 7 });
    const strict = { ...small, sizeRule: { minPixels: null, maxPixels: null, maxRatio: 1 } };
    expect(fitting({ width: 512, height: 768 }, strict)).toEqual({});
    expect(fitting(undefined, small)).toEqual({});
  });
});

describe("the price", () => {
  const size = { width: 1000, height: 2000 };
  const priced = (amount: string, unit: "image" | "megapixel") => model("m", { price: price(amount, unit) });
  it.each([
    ["", undefined, 1, size],
    ["", model("m"), 1, size],
    ["≈ $0.16", priced("0.04", "image"), 4, null],
    ["≈ $0.156", priced("0.039", "image"), 4, null],
    ["≈ $0.10", priced("0.025", "megapixel"), 2, size],
    ["$0.025 / MP", priced("0.025", "megapixel"), 2, null],
  ])("is said: %s", (text, given, count, shown) =>
    expect(estimateText(given ? [{ model: given, size: shown }] : [], count)).toBe(text),
  );
  it.each([
    ["≈ $0.28", [priced("0.04", "image"), priced("0.05", "megapixel")], size],
    ["≥ $0.08", [priced("0.04", "image"), priced("0.05", "megapixel")], null],
    ["≥ $0.08", [model("free"), priced("0.04", "image")], size],
    ["", [model("free"), model("other")], size],
  ])("of several models is their sum, or at least that: %s", (text, given, shown) =>
    expect(
      estimateText(
        given.map((one) => ({ model: one, size: shown })),
        2,
      ),
    ).toBe(text),
  );
  it("of one unit", () => {
    expect(priceText(priced("0.04", "image").price)).toBe("$0.04 / image");
    expect(priceText({ ...price("0.0059"), most: "0.21072" })).toBe("$0.0059–0.2107 / image");
    expect(priceText(null)).toBe("");
  });
  it.each(listed.cases.map((each) => [each.model, JSON.stringify(each), each] as const))(
    "is that of the kernel: %s %s",
    (name, _, { values, size: edges, count, references, least, most }) => {
      const state = listed.models[name as keyof typeof listed.models].page as unknown as ModelState;
      const sizes = [edges, ...references].map(
        (each) => each && { width: each[0] ?? 0, height: each[1] ?? 0 },
      );
      const [asked = null, ...inputs] = sizes;
      const cost = costOf(
        {
          model: state,
          values: values as Values,
          size: asked,
          references: inputs.filter((one) => one !== null),
        },
        count,
      );
      if (least === null) expect(cost).toBeNull();
      else {
        expect(cost?.least).toBeCloseTo(Number(least), 9);
        expect(cost?.most).toBeCloseTo(Number(most), 9);
      }
    },
  );
  it("is a range where the provider chooses", () => {
    const page = listed.models.by_quality_and_size.page as unknown as ModelState;
    expect(estimateText([{ model: page, size: null }], 4)).toBe("$0.036–0.80");
    expect(estimateText([{ model: page, values: { quality: "low" }, size: null }], 4)).toBe("$0.036–0.052");
  });
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

it("knows the negative prompt by its name or its kind", () => {
  const text = (name: string, kind: ParameterState["kind"]) => parameter(name, { type: "string", kind });
  const parameters = [text("style", null), text("negative_prompt", null)];
  expect(negativeOf(model("m", { parameters }))?.name).toBe("negative_prompt");
  expect(negativeOf(model("m", { parameters: [text("avoid", "negative_prompt")] }))?.name).toBe("avoid");
  expect([negativeOf(model("m")), negativeOf(undefined)]).toEqual([null, null]);
});

describe("what is sent", () => {
  const chosen = model("m");
  const config = (params: Config["params"]): Config => ({ ...EMPTY_CONFIG, model: chosen.name, params });

  it("leaves defaults out that nobody chose", () =>
    expect(paramsToSend(chosen, config({ [chosen.name]: {} }))).toEqual({}));
  it("holds a chosen size that is the default, because a reference gives its own size", () =>
    expect(paramsToSend(chosen, config({ [chosen.name]: { width: 1024 } }))).toEqual({ width: 1024 }));
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

describe("what was spent", () => {
  const none = { today: "0", unknown: 0, running: "0", budget: null };
  it.each([
    ["", none],
    ["Today: $0.04", { ...none, today: "0.04" }],
    ["Today: $0.00 of $5.00", { ...none, budget: "5" }],
    ["Today: $1.24 of $5.00 · 2 images of unknown cost", { ...none, today: "1.24", unknown: 2, budget: "5" }],
  ])("is said: %s", (text, spending) => expect(spentText(spending)).toBe(text));
  it("is near the budget from four fifths on", () => {
    expect(nearBudget({ ...none, today: "9" })).toBe(false);
    expect(nearBudget({ ...none, today: "3.99", budget: "5" })).toBe(false);
    expect(nearBudget({ ...none, today: "4", budget: "5" })).toBe(true);
  });
  it("does not allow what would go over it, with what runs", () => {
    const spending = { ...none, today: "0.1", running: "0.1", budget: "0.3" };
    expect(overBudget(spending, 0.1)).toBe(false);
    expect(overBudget(spending, 0.11)).toBe(true);
    expect(overBudget(spending, null)).toBe(false);
    expect(overBudget({ ...spending, budget: null }, 9)).toBe(false);
  });
});
