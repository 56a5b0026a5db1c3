// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, error, generation, model, price, snapshot, topic } from "../dev/fixtures";
import widget from "../src/index";
import type { Snapshot } from "../src/protocol.gen";
import { FakeModel, settled } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  // Effects that wait for a removed timer would delay the effects of the next test.
  await drawn();
  vi.useRealTimers();
  document.body.replaceChildren();
});

const MODELS = [
  model("a", { title: "Model A", price: price("0.04") }),
  model("b", { title: "Model B", price: price("0.05") }),
  model("c", { title: "Model C", maxPrompt: 10 }),
  model("x", { title: "Model X", provider: "openai" }),
];

/** Return a widget that shows an empty topic; two images are asked of model A. */
async function opened(config: Partial<Snapshot["config"]> = {}) {
  const fake = new FakeModel();
  const { initialize, render } = widget();
  const el = document.createElement("div");
  document.body.append(el);
  const { signal } = new AbortController();
  initialize({ model: fake.model, signal } as unknown as Props);
  render({ model: fake.model, el, signal } as unknown as Props);
  const base = snapshot(Date.now(), true);
  await fake.reply(fake.requests("hello")[0]?.id ?? "", {
    type: "snapshot",
    snapshot: {
      ...base,
      models: MODELS,
      config: { ...base.config, model: "demo:a", count: 2, ...config },
      feed: { topicId: "t1", batches: [], before: null },
    },
  });
  await drawn();
  const parts = (testid: string) => [...el.querySelectorAll<HTMLElement>(`[data-testid="${testid}"]`)];
  const part = <T extends HTMLElement = HTMLElement>(testid: string, at = 0): T => {
    const found = parts(testid)[at] as T | undefined;
    if (!found) throw new Error(`${testid} is not on the page`);
    return found;
  };
  const click = async (testid: string, at = 0) => {
    part(testid, at).click();
    await drawn();
  };
  const press = async (testid: string, key: string, more: KeyboardEventInit = {}) => {
    part(testid).dispatchEvent(
      new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }),
    );
    await drawn();
  };
  const type = async (text: string) => {
    const field = part<HTMLTextAreaElement>("prompt");
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn();
  };
  const chips = () => parts("also-model").map((each) => each.textContent);
  return { fake, el, part, parts, click, press, type, chips };
}

async function drawn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
  await settled();
}

describe("the list of models", () => {
  it("adds and takes away models by Ctrl+Enter, and stays open", async () => {
    const { part, press, click, chips, parts } = await opened();
    await click("model-select");
    await press("model-search", "ArrowDown");
    await press("model-search", "Enter", { ctrlKey: true });
    await press("model-search", "ArrowDown");
    await press("model-search", "Enter", { metaKey: true });
    expect(chips()).toEqual(["Model B", "Model C"]);
    part("model-picker");
    const selected = () => parts("model-option").map((each) => each.getAttribute("aria-selected"));
    expect(selected()).toEqual(["true", "true", "true"]);
    expect(part("model-option", 1).textContent).toContain("asked too");
    await press("model-search", "Enter", { ctrlKey: true });
    expect(chips()).toEqual(["Model B"]);
    expect(part("model-select").textContent).toBe("Model A");
  });
  it("adds models by the sign beside them, and by Ctrl and a click", async () => {
    const { part, click, chips } = await opened();
    await click("model-select");
    await click("option-also", 1);
    part("model-option", 2).dispatchEvent(new MouseEvent("click", { ctrlKey: true, bubbles: true }));
    // The chosen one is asked anyway.
    part("model-option", 0).dispatchEvent(new MouseEvent("click", { ctrlKey: true, bubbles: true }));
    await drawn();
    expect(chips().map((text) => text?.slice(0, 7))).toEqual(["Model B", "Model C"]);
    part("model-picker");
  });
});

describe("the chips", () => {
  it("say beforehand what a model does not take, and that one is gone", async () => {
    const { part, type, chips } = await opened({ alsoModels: ["demo:c", "openai:x", "gone:y"] });
    await type("a lighthouse");
    expect(chips()).toEqual([
      "Model CThe prompt is 2 characters over its limit.",
      "Model XIts key is missing. Click its name to enter it.",
      "gone:yNot available here, and not asked.",
    ]);
    expect(part("counter").textContent).toBe("12 / 10 · 2 over the limit of Model C");
    expect(part<HTMLButtonElement>("generate").disabled).toBe(true);
  });
  it("are taken away one by one, and the focus goes on", async () => {
    const { part, click, chips, parts } = await opened({ alsoModels: ["demo:b", "demo:c"] });
    await click("remove-also");
    expect(chips()).toEqual(["Model C"]);
    expect(document.activeElement).toBe(part("remove-also"));
    await click("remove-also");
    expect(parts("also-models")).toHaveLength(0);
    expect(document.activeElement).toBe(part("model-select"));
  });
  it("show their model's parameters in exchange for the chosen one", async () => {
    const { part, chips } = await opened({ alsoModels: ["demo:b"] });
    part("also-model").querySelector("button")?.click();
    await drawn();
    expect(part("model-select").textContent).toBe("Model B");
    expect(chips()).toEqual(["Model A"]);
  });
});

describe("the composer", () => {
  it("says how many prompts, images and dollars a click is", async () => {
    const { part, parts, type } = await opened();
    await type("a fox");
    expect(parts("requests")).toHaveLength(0);
    expect(part("requests-said").textContent).toBe("");
    expect([part("generate").textContent, part("estimate").textContent]).toEqual(["Generate 2", "≈ $0.08"]);
    await type("a {red|blue} fox in {snow|rain}");
    expect(part("requests").textContent).toBe("4 prompts × 2 images");
    // A screen reader hears it too.
    expect(part("requests-said").getAttribute("role")).toBe("status");
    expect(part("requests-said").textContent).toBe("4 prompts × 2 images");
    expect(part("requests").dataset.tip?.split("\n")).toContain("a blue fox in snow");
    expect([part("generate").textContent, part("estimate").textContent]).toEqual(["Generate 8", "≈ $0.32"]);
    expect(part("counter").textContent).toBe("18 / 1000");
  });
  it("counts the models too", async () => {
    const { part, type } = await opened({ alsoModels: ["demo:b"] });
    await type("a {red|blue} fox");
    expect(part("requests").textContent).toBe("2 prompts × 2 models × 2 images");
    expect([part("generate").textContent, part("estimate").textContent]).toEqual(["Generate 8", "≈ $0.36"]);
    await type("{a|b|c}{d|e|f}");
    for (const name of ["requests", "requests-said"])
      expect(part(name).textContent).toBe("9 prompts × 2 models · at most 16 at once");
    expect(part("generate").textContent).toBe("Generate");
    expect(part("estimate").textContent).not.toMatch(/[≈≥]/);
    await type("a fox");
    expect(part("requests").textContent).toBe("2 models × 2 images");
    await type('{"style": "oil|ink"} \\frac{a|b}');
    expect(part("requests").textContent).toBe("2 models × 2 images");
  });
  it("lists what a click asks for, until it is left or only one thing is asked for", async () => {
    const { part, parts, type, click, press } = await opened({ alsoModels: ["demo:b"] });
    await type("a {red|blue} fox");
    await click("requests");
    const listed = () => [...part("request-list").querySelectorAll("li, p")].map((each) => each.textContent);
    expect(listed()).toEqual(["a red fox", "a blue fox", "With Model A, Model B."]);
    await press("request-list", "Escape");
    expect(parts("request-list")).toHaveLength(0);
    expect(document.activeElement).toBe(part("requests"));
    await click("requests");
    await click("remove-also");
    await type("a fox");
    await type("a {red|blue} fox");
    expect(parts("request-list")).toHaveLength(0);
  });
  it("says which of several was refused, and cancels all of them at once", async () => {
    const { fake, part, parts, type, click } = await opened({ alsoModels: ["demo:b"] });
    await type("a fox");
    await click("generate");
    const asked = () => fake.requests("generate");
    expect(asked()).toHaveLength(1);
    const refused = { ...error({ message: "No." }), wish: 1 };
    fake.receive({ kind: "reply", to: asked()[0]?.id ?? "", result: null, error: refused });
    await drawn();
    expect(part("refusal").textContent).toContain("Model B: No.");
    await click("generate");
    expect(parts("refusal")).toHaveLength(0);
    const batches = ["a", "b"].map((id) => {
      const tiles = [generation(id, 0, { status: "pending", cancellable: true })];
      return batch(id, "t1", "a fox", tiles, { model: `demo:${id}`, clickId: "c1" });
    });
    await fake.reply(asked()[1]?.id ?? "", { type: "generated", topic: topic("t1", "one", 1), batches });
    await drawn();
    parts("cancel-batch")[0]?.click();
    await drawn();
    expect(fake.requests("cancel").map(({ call }) => call)).toEqual([
      { method: "cancel", batchIds: expect.arrayContaining(["a", "b"]), generationId: null },
    ]);
  });
});
