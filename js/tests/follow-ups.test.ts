// @vitest-environment happy-dom
// What can be done with a finished image: by which models, what it costs, and what the click asks for.

import { describe, expect, it } from "vitest";
import { batch, generation, model, parameter, price, provider, snapshot } from "../dev/fixtures";
import { costOf, grown } from "../src/lib/cost";
import { followUps } from "../src/lib/follow-ups";
import { wordsOf } from "../src/lib/words-of";
import type { ModelState } from "../src/protocol.gen";
import { showSnapshot } from "../src/store";
import type { Page } from "../src/views/context";
import { followUpItems } from "../src/views/follow-up-items";
import type { MenuItem } from "../src/views/menu";
import { settled, storeWithKernel } from "./kit";

const RULE = {
  minCount: 1,
  maxCount: 1,
  maxPixels: null,
  maxBytes: 3_000_000,
  mediaTypes: ["image/png", "image/jpeg"],
  givesSize: false,
};
const SCALE = parameter("scale", { kind: "scale", choices: [2, 4], default: 2 });
const SIDES = ["left", "right", "top", "bottom"].map((name) =>
  parameter(name, { minimum: 0, maximum: 700, default: 0 }),
);
const of = (owner: string, id: string, does: ModelState["does"], patch: Partial<ModelState> = {}) =>
  model(id, {
    name: `${owner}:${id}`,
    provider: owner,
    title: id,
    references: RULE,
    parameters: [],
    prompt: "none",
    does,
    ...patch,
  });
const OWN = of("demo", "upscale", ["upscale"], { parameters: [SCALE] });
const FAR = of("open", "large", ["upscale"], { parameters: [SCALE], price: price("0.03") });
const CUT = of("open", "cut", ["remove_background"]);
const WIDE = of("open", "wide", ["outpaint"], { parameters: SIDES });
const PAINT = of("open", "paint", ["inpaint", "vary"], { prompt: "needed", mask: true });
const PROVIDERS = [
  provider("demo", "Demo"),
  provider("open", "Open", { key: "set" }),
  provider("locked", "Locked", { key: "missing" }),
  provider("local", "Local", { discoveredAt: null }),
];
const IMAGE = generation("b1", 1, { mediaType: "image/png", width: 1024, height: 512 });
const BATCH = batch("b1", "t1", "a fern", [IMAGE], { model: "demo:instant" });

function opened(models: ModelState[]) {
  const kernel = storeWithKernel();
  const base = snapshot(0, false);
  showSnapshot(kernel.store, { ...base, models, providers: PROVIDERS }, true);
  const items = (): MenuItem[] => followUpItems(kernel.page as Page, BATCH, IMAGE, null);
  const last = () => kernel.calls.at(-1);
  return { ...kernel, items, last, state: () => kernel.store.getState() };
}
const offered = (models: ModelState[], more = {}) =>
  followUps(
    { models, providers: PROVIDERS, config: { starredModels: [], recentModels: [], ...more } },
    BATCH,
    IMAGE,
    Date.UTC(2026, 0, 1),
  ).map(({ ability, models: found }) => [ability, ...found.map(({ name }) => name)]);

describe("what models do with an image", () => {
  it("is offered in one order, the model of the image's own provider first", () => {
    expect(offered([PAINT, WIDE, CUT, FAR, OWN])).toEqual([
      ["upscale", "demo:upscale", "open:large"],
      ["remove_background", "open:cut"],
      ["vary", "open:paint"],
      ["outpaint", "open:wide"],
      ["inpaint", "open:paint"],
    ]);
  });
  it("is nothing that needs a key, that never answered, that is retired or that does not take the image", () => {
    const closed = of("locked", "a", ["upscale"]);
    const silent = of("local", "b", ["upscale"]);
    const gone = of("open", "c", ["upscale"], { retiredOn: "2025-12-31" });
    const jpeg = of("open", "d", ["upscale"], { references: { ...RULE, mediaTypes: ["image/jpeg"] } });
    const small = of("open", "e", ["upscale"], { references: { ...RULE, maxPixels: 1024 * 512 - 1 } });
    const two = of("open", "f", ["vary"], { references: { ...RULE, minCount: 2, maxCount: 2 } });
    expect(offered([closed, silent, gone, jpeg, small, two])).toEqual([]);
    expect(opened([closed]).items()).toEqual([]);
  });
  it("puts what the user knows before other models of other providers", () => {
    const other = of("open", "other", ["upscale"]);
    expect(offered([FAR, other], { starredModels: ["open:other"] })).toEqual([
      ["upscale", "open:other", "open:large"],
    ]);
  });
});

describe("the menu", () => {
  it("names the model and the price, and has the other models in a list of their own", () => {
    const items = opened([OWN, FAR, CUT]).items();
    expect(items.map(({ text, detail }) => [text, detail])).toEqual([
      ["Upscale", "upscale"],
      ["Remove background", "cut"],
      ["Other models", undefined],
    ]);
    expect(items[2]?.more?.().map(({ text, detail }) => [text, detail])).toEqual([
      ["Upscale: large", "≈ $0.03"],
    ]);
  });
  it("asks at once, in the topic of the image", async () => {
    const { items, last, state } = opened([OWN]);
    items()[0]?.onChoose?.();
    expect(last()?.call).toMatchObject({
      method: "follow_up",
      generationId: IMAGE.id,
      action: "upscale",
      model: "demo:upscale",
      params: {},
      confirm: false,
    });
    const made = batch("b2", "t1", "", [], { action: "upscale", model: "demo:upscale" });
    const topic = snapshot(1, false).topics[0];
    last()?.answer({ type: "generated", topic, batches: [made] } as never);
    await settled();
    expect(state().batches.b2).toEqual(made);
    expect(state().madeBatchId).toBe("b2");
    expect(state().config.recentModels[0]).toBe("demo:upscale");
  });
  it("asks again where the price is unknown, and the user agrees", async () => {
    const { items, last, state } = opened([OWN]);
    items()[0]?.onChoose?.();
    last()?.refuse({ code: "price_unknown", message: "No price.", nextStep: "Confirm." } as never);
    await settled();
    state().notices.at(-1)?.action?.run();
    expect(last()?.call).toMatchObject({ method: "follow_up", confirm: true });
  });
  it("asks by how much an image is extended: a quarter of its edges, up to what the model takes", () => {
    const { items, last } = opened([WIDE]);
    const sides = items()[0]?.more?.() ?? [];
    expect(sides.map(({ text }) => text)).toEqual([
      "On all sides", "Left and right", "Top and bottom", "Left", "Right", "Top", "Bottom",
    ]); // biome-ignore format: one line reads better
    sides[1]?.onChoose?.();
    expect(last()?.call).toMatchObject({
      action: "outpaint",
      params: { left: 256, right: 256, top: 0, bottom: 0 },
    });
  });
  it("begins to paint over the image where a part of it shall change", () => {
    const { items, last, state } = opened([PAINT]);
    items()
      .find(({ text }) => text === "Edit part")
      ?.onChoose?.();
    expect(last()?.call.method).not.toBe("follow_up");
    expect(state().config.model).toBe("open:paint");
    expect(state().paints).toBe(true);
    expect(state().references).toHaveLength(1);
  });
});

describe("what an image grows to", () => {
  it("is counted in the price of a megapixel", () => {
    const spec = { ...FAR, price: { ...price("0.03"), unit: "megapixel" as const } };
    const rates = [{ ...spec.price.rates[0], unit: "megapixel" as const, amount: "0.03", most: "0.03" }];
    const part = {
      model: { ...spec, price: { ...spec.price, rates } } as ModelState,
      size: null,
      references: [{ width: 1000, height: 500 }],
    };
    expect(costOf(part, 1)?.most).toBeCloseTo(0.06);
    expect(grown(WIDE, { left: 10, bottom: 5 }, { width: 20, height: 30 })).toEqual({
      width: 30,
      height: 35,
    });
    expect(grown(CUT, {}, { width: 20, height: 30 })).toBeNull();
  });
});

describe("a batch without words", () => {
  it("is called by what it does, or by its model", () => {
    expect(wordsOf(batch("b", "t1", "a fern", [], { action: "upscale" }))).toBe("a fern");
    expect(wordsOf(batch("b", "t1", "", [], { action: "remove_background" }))).toBe("Remove background");
    expect(wordsOf(batch("b", "t1", "", [], { modelTitle: "Erase" }))).toBe("Erase");
  });
});
