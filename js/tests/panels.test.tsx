// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  batch,
  error,
  generation,
  model,
  parameter,
  paramsOf,
  price,
  snapshot,
  topic,
} from "../dev/fixtures";
import widget from "../src/index";
import type { Result, Snapshot, SpendingState } from "../src/protocol.gen";
import { SEARCH_DELAY } from "../src/slices/filter";
import { UNDO_MILLISECONDS } from "../src/slices/notices";
import { FakeModel, settled } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

const running = [
  generation("b1", 0, { status: "processing", cancellable: true }),
  generation("b1", 1, { status: "pending", cancellable: true }),
];

const focused = () => (document.activeElement as HTMLElement).dataset.testid;

/** As many images are asked for as run. */
const OF_TWO = { config: { ...snapshot(0, true).config, count: running.length } };

/** Return a widget whose kernel has not answered yet. */
function waiting(state: Record<string, unknown> = {}) {
  const fake = new FakeModel();
  Object.assign(fake.state, state);
  const { initialize, render } = widget();
  const el = document.createElement("div");
  document.body.append(el);
  const { signal } = new AbortController();
  initialize({ model: fake.model, signal } as unknown as Props);
  render({ model: fake.model, el, signal } as unknown as Props);
  const part = <T extends HTMLElement = HTMLElement>(testid: string, at = 0): T => {
    const found = parts(testid)[at] as T | undefined;
    if (!found) throw new Error(`${testid} is not on the page`);
    return found;
  };
  const parts = (testid: string) => [...el.querySelectorAll<HTMLElement>(`[data-testid="${testid}"]`)];
  const click = async (testid: string, at = 0) => {
    part(testid, at).click();
    await drawn();
  };
  const type = async (testid: string, text: string) => {
    const field = part<HTMLTextAreaElement>(testid);
    field.value = text;
    field.setSelectionRange(text.length, text.length);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn();
    return field;
  };
  return { fake, el, part, parts, click, type };
}

/** Return a widget with four topics, of which the first is shown and empty. */
async function opened(patch: Partial<Snapshot> = {}) {
  const { fake, el, part, parts, click, type } = waiting();
  await fake.reply(fake.requests("hello")[0]?.id ?? "", {
    type: "snapshot",
    snapshot: {
      ...snapshot(Date.now(), true),
      feed: { topicId: "t1", batches: [], before: null },
      ...patch,
    },
  });
  await drawn();
  let seq = 0;
  const press = async (target: Element, key: string) => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    target.dispatchEvent(event);
    await drawn();
    return event.defaultPrevented;
  };
  const add = async (id: string, topicId: string, prompt = id) => {
    seq += 1;
    const generations = running.map((each) => ({ ...each, id: `${id}-${each.position}`, batchId: id }));
    const added = batch(id, topicId, prompt, generations, {
      createdAt: Date.now(),
      params: paramsOf(snapshot(0, true).models[0]),
    });
    fake.receive({ kind: "events", seq, events: [{ type: "batch_added", batch: added }] });
    await drawn();
  };
  const end = async (id: string) => {
    seq += 1;
    const events = running.map(({ position }) => ({
      type: "generation_changed" as const,
      generation: generation(id, position, { status: "cancelled" }),
    }));
    fake.receive({ kind: "events", seq, events });
    await drawn();
  };
  const refuse = async () => {
    const to = fake.requests("generate").at(-1)?.id ?? "";
    fake.receive({ kind: "reply", to, result: null, error: error() });
    await drawn();
  };
  return { fake, el, part, parts, click, type, press, add, end, refuse };
}

async function drawn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
  await settled();
}

describe("the composer", () => {
  it("counts the characters as the model does, and says how many are too many", async () => {
    const { part, type } = await opened();
    await type("prompt", "🦊".repeat(3));
    expect(part("counter").textContent).toBe("3 / 1000");
    await type("prompt", "x".repeat(1002));
    expect(part("counter").textContent).toBe("1002 / 1000 · 2 over this model's limit");
    expect(part<HTMLButtonElement>("generate").disabled).toBe(true);
  });
  it("sends what waits to be saved when the tab is left", async () => {
    const { fake, click, type } = await opened();
    await click("count-2");
    await type("prompt", "half a tho");
    dispatchEvent(new Event("pagehide"));
    expect(fake.requests("save_draft")[0]?.call).toMatchObject({ prompt: "half a tho" });
    expect(fake.requests("configure")[0]?.call).toMatchObject({ config: { count: 2 } });
  });
  it("sends what was changed before the kernel ever answered when the tab is left", async () => {
    const { fake, click, type } = waiting({ _snapshot: JSON.stringify(snapshot(0, true)) });
    await drawn();
    await click("count-2");
    await type("prompt", "half a tho");
    dispatchEvent(new Event("pagehide"));
    expect(fake.requests("save_draft")[0]?.call).toMatchObject({ prompt: "half a tho" });
    expect(fake.requests("configure").map(({ call }) => call)).toMatchObject([{ config: { count: 2 } }]);
  });
  it("offers to send a request whose price is not known, and sends it once the user agrees", async () => {
    const { fake, part, parts, type } = await opened();
    await type("prompt", "a fox");
    part("generate").click();
    await drawn();
    const refuse = async (code: string) => {
      const to = fake.requests("generate").at(-1)?.id ?? "";
      fake.receive({ kind: "reply", to, result: null, error: error({ code }) });
      await drawn();
    };
    await refuse("price_unknown");
    part("generate-anyway").click();
    await drawn();
    const [first, second] = fake.requests("generate").map(({ call }) => call);
    expect(first).toMatchObject({ confirm: false });
    expect(second).toEqual({ ...first, confirm: true });
    await refuse("over_budget");
    expect(parts("generate-anyway")).toHaveLength(0);
  });
  it.each(["over_budget", "price_unknown"])("takes back %s when the budget is another one", async (code) => {
    const { fake, el, part, type } = await opened();
    await type("prompt", "a fox");
    part("generate").click();
    await drawn();
    fake.receive({
      kind: "reply",
      to: fake.requests("generate")[0]?.id ?? "",
      result: null,
      error: error({ code }),
    });
    await drawn();
    const refused = () => el.querySelector('[role="alert"]') !== null;
    expect(refused()).toBe(true);
    const tell = async (spending: SpendingState, seq: number) => {
      fake.receive({ kind: "events", seq, events: [{ type: "spending_changed", spending }] });
      await drawn();
    };
    const { budget } = snapshot(0, true).spending;
    await tell({ today: "0.1", unknown: 0, running: "0", budget }, 1);
    expect(refused()).toBe(true);
    await tell({ today: "0.1", unknown: 0, running: "0", budget: "50" }, 2);
    expect(refused()).toBe(false);
  });
  it("loses no digit of a number, however fast it is typed", async () => {
    const { fake, part } = await opened();
    const width = part<HTMLInputElement>("width");
    const type = (text: string, event: string): void => {
      width.value = text;
      width.dispatchEvent(new Event(event, { bubbles: true }));
    };
    for (const text of ["1088", "1024"]) {
      type(text, "input");
      type(text, "change");
    }
    type("1", "input");
    await drawn();
    expect(width.value).toBe("1");
    dispatchEvent(new Event("pagehide"));
    const call = fake.requests("configure")[0]?.call;
    expect(call?.method === "configure" && call.config.params["demo:studio"]).toMatchObject({ width: 1024 });
  });
  it("keeps Generate as it is while something runs: it is cancelled at its batch", async () => {
    const { fake, part, parts, type, click, add } = await opened(OF_TWO);
    await type("prompt", "a fox");
    const before = part("generate").textContent;
    await add("b1", "t1", "a fox");
    expect(part("generate").textContent).toBe(before);
    expect(part("generate").parentElement?.querySelectorAll("button")).toHaveLength(1);
    expect(parts("cancel-batch").map(({ textContent }) => textContent)).toEqual(["Cancel"]);
    await click("cancel-batch");
    expect(fake.requests("cancel")[0]?.call).toMatchObject({ batchIds: ["b1"], generationId: null });
  });
  it("takes a double click on Generate for one", async () => {
    const { fake, part, type } = await opened(OF_TWO);
    await type("prompt", "a fox");
    const press = (detail: number) =>
      part("generate").dispatchEvent(new MouseEvent("click", { detail, bubbles: true, cancelable: true }));
    press(1);
    await drawn();
    const asked = fake.requests("generate");
    expect(asked).toHaveLength(1);
    const made = batch("b1", "t1", "a fox", [generation("b1", 0)]);
    await fake.reply(asked[0]?.id ?? "", {
      type: "generated",
      topic: topic("t1", "one", 1),
      batches: [made],
    });
    await drawn();
    press(2);
    await drawn();
    expect(fake.requests("generate")).toHaveLength(1);
    press(1);
    await drawn();
    expect(fake.requests("generate")).toHaveLength(2);
  });
  it("keeps the focus on Generate while a request is on its way, and sends no second one", async () => {
    const { fake, part, type, click, refuse } = await opened();
    await type("prompt", "a fox");
    part("generate").focus();
    await click("generate");
    expect(part("generate").getAttribute("aria-busy")).toBe("true");
    await click("generate");
    expect(fake.requests("generate")).toHaveLength(1);
    expect(focused()).toBe("generate");
    await refuse();
    expect(focused()).toBe("generate");
    // What goes away with the focus leaves it in the composer.
    const dismiss = part("refusal").querySelector("button");
    dismiss?.focus();
    dismiss?.click();
    await drawn();
    expect(focused()).toBe("generate");
  });
  it("walks through earlier prompts from the start of the text, and back to what was written", async () => {
    const { fake, type, press } = await opened();
    const prompt = await type("prompt", "mine");
    expect(await press(prompt, "ArrowUp")).toBe(false);
    prompt.setSelectionRange(0, 0);
    expect(await press(prompt, "ArrowUp")).toBe(true);
    await fake.reply(fake.requests("prompts")[0]?.id ?? "", { type: "prompts", prompts: ["two", "one"] });
    await drawn();
    expect(prompt.value).toBe("two");
    await press(prompt, "ArrowUp");
    expect(prompt.value).toBe("one");
    await press(prompt, "ArrowDown");
    await press(prompt, "ArrowDown");
    expect(prompt.value).toBe("mine");
    expect(await press(prompt, "ArrowDown")).toBe(false);
  });
  it("unfolds what the picture shall not show, and sends it", async () => {
    const { fake, part, parts, type, click, press } = await opened();
    expect(parts("negative-prompt")).toHaveLength(0);
    await click("add-negative");
    const negative = await type("negative-prompt", "text");
    await type("prompt", "a fox");
    await press(part("prompt"), "Enter");
    expect(fake.requests("generate")[0]?.call).toMatchObject({
      wishes: [{ params: { negative_prompt: "text" } }],
    });
    negative.focus();
    await type("negative-prompt", "");
    part("negative-prompt");
    await click("drop-negative");
    expect(parts("negative-prompt")).toHaveLength(0);
  });
  it("keeps the button of what is left out for each model, and says which takes nothing of it", async () => {
    const { part, parts, click } = await opened({
      config: { ...snapshot(0, true).config, model: "demo:instant" },
    });
    const button = part("add-negative");
    expect(button.textContent).toBe("Negative prompt");
    expect(button.getAttribute("aria-disabled")).toBe("true");
    expect(button.dataset.tip).toBe("Demo instant does not take a negative prompt");
    await click("add-negative");
    expect(parts("negative-prompt")).toHaveLength(0);
  });
  it("folds what is left out away by the same button, unless there is a text", async () => {
    const { part, parts, type, click } = await opened();
    await click("add-negative");
    expect(part("add-negative").getAttribute("aria-expanded")).toBe("true");
    await click("add-negative");
    expect(parts("negative-prompt")).toHaveLength(0);
    await click("add-negative");
    await type("negative-prompt", "text");
    part("prompt").focus();
    await click("add-negative");
    expect(part<HTMLTextAreaElement>("negative-prompt").value).toBe("text");
    expect(focused()).toBe("negative-prompt");
  });
  it("gives what is left out the focus when it is unfolded, and not when another model shows it again", async () => {
    const { part, parts, click } = await opened();
    const choose = async (name: string) => {
      await click("model-select");
      const entries = parts("model-option");
      entries.find(({ dataset }) => dataset.model === name)?.click();
      await drawn();
    };
    await click("add-negative");
    expect(focused()).toBe("negative-prompt");
    await choose("demo:instant");
    expect(parts("negative-prompt")).toHaveLength(0);
    await choose("demo:studio");
    part("negative-prompt");
    expect(focused()).toBe("model-select");
  });
  it("keeps a refused prompt, says why, and lets that be put away", async () => {
    const { fake, part, parts, type, press } = await opened();
    await press(await type("prompt", "a fox"), "Enter");
    const to = fake.requests("generate")[0]?.id ?? "";
    const refused = { code: "x", message: "No.", nextStep: "Wait.", fault: "provider" } as const;
    const error = { ...refused, provider: null, retryable: false, retryAfter: null, requestId: null };
    fake.receive({ kind: "reply", to, result: null, error });
    await drawn();
    expect(part("refusal").textContent).toContain("No. Wait.");
    expect(part<HTMLTextAreaElement>("prompt").value).toBe("a fox");
    part("refusal").querySelector("button")?.click();
    await drawn();
    expect(parts("refusal")).toHaveLength(0);
  });
  it("tells what the chosen parameters cost", async () => {
    const { config } = snapshot(0, true);
    const quality = parameter("quality", { type: "string", choices: ["low", "high"], default: "low" });
    const rate = {
      when: {},
      upTo: null,
      amount: "0.04",
      most: "0.04",
      unit: "image",
      further: null,
      grid: 0,
    } as const;
    const high = { ...rate, when: { quality: ["high"] }, amount: "0.20", most: "0.20" };
    const priced = model("m", { parameters: [quality], price: { ...price("0.04"), rates: [high, rate] } });
    const { part } = await opened({
      models: [priced],
      config: { ...config, model: priced.name, count: 4 },
    });
    expect(part("estimate").textContent).toBe("≈ $0.16");
    expect(part("model-facts").textContent).toContain("$0.04 / image");
    [...document.querySelectorAll("button")].find((one) => /^high$/i.test(one.textContent ?? ""))?.click();
    await drawn();
    expect(part("estimate").textContent).toBe("≈ $0.80");
  });
  it("says in the tip of the estimate what was spent today, and warns near the budget", async () => {
    const { config } = snapshot(0, true);
    const priced = model("m", { price: { ...price("0.04"), note: "" } });
    const spending: SpendingState = { today: "0", unknown: 0, running: "0", budget: null };
    const { fake, part } = await opened({
      models: [priced],
      config: { ...config, model: priced.name, count: 4 },
      spending,
    });
    const tell = async (patch: Partial<SpendingState>, seq: number) => {
      const changed = { ...spending, ...patch };
      fake.receive({ kind: "events", seq, events: [{ type: "spending_changed", spending: changed }] });
      await drawn();
      const { textContent, dataset } = part("estimate");
      return [dataset.tip, textContent, dataset.warns === "true"];
    };
    expect(part("estimate").dataset.tip).toBe("Estimated cost");
    expect(await tell({ today: "1.24" }, 1)).toEqual(["Estimated cost · Today: $1.24", "≈ $0.16", false]);
    expect(await tell({ today: "1.24", budget: "5" }, 2)).toEqual([
      "Estimated cost · Today: $1.24 of $5.00",
      "≈ $0.16",
      false,
    ]);
    expect(await tell({ today: "4", budget: "5" }, 3)).toEqual([
      "Estimated cost · Today: $4.00 of $5.00",
      "≈ $0.16",
      true,
    ]);
    expect(await tell({ budget: "0.1" }, 4)).toEqual([
      "Estimated cost · Today: $0.00 of $0.10 · This request would go over today's budget.",
      "≈ $0.16",
      true,
    ]);
  });
  it("says what is left of a budget also where nobody knows the price", async () => {
    const { config } = snapshot(0, true);
    const spending = { today: "1.24", unknown: 0, running: "0", budget: "5" };
    const free = model("m");
    const { part } = await opened({ models: [free], config: { ...config, model: free.name }, spending });
    expect(part("estimate").textContent).toBe("$1.24 / $5.00");
    expect(part("estimate").dataset.tip).toBe("Today: $1.24 of $5.00");
  });
  it("grows by key, and by itself again", async () => {
    const { part, press } = await opened();
    const prompt = part("prompt");
    await press(part("prompt-grip"), "ArrowDown");
    expect(prompt.style.height).toMatch(/^\d+px$/);
    const fixed = prompt.style.height;
    await press(part("prompt-grip"), "Home");
    expect(prompt.style.height).not.toBe(fixed);
  });
});

describe("the queue", () => {
  it("names what runs in all topics, cancels it and leads to it", async () => {
    const { fake, part, parts, click, add } = await opened();
    expect(parts("queue")).toHaveLength(0);
    await add("b1", "t1", "a fox");
    await add("b2", "t2", "a hare");
    expect(part("queue").textContent).toBe("2 running");
    await click("queue");
    expect(part("queue-spent").textContent).toBe("Today: $1.24 of $5.00");
    expect(parts("queue-row").map((row) => row.textContent)).toEqual([
      expect.stringContaining("a fox"),
      expect.stringContaining("a hare"),
    ]);
    await click("queue-cancel", 1);
    expect(fake.requests("cancel")[0]?.call).toMatchObject({ batchIds: ["b2"] });
    part("queue-row", 1).querySelector("button")?.click();
    await drawn();
    expect(fake.requests("select_topic")[0]?.call).toMatchObject({ topicId: "t2" });
    expect(parts("queue-list")).toHaveLength(0);
  });
  it("closes on Escape, and gives the focus back", async () => {
    const { part, parts, click, press, add } = await opened();
    await add("b1", "t1");
    await click("queue");
    await press(part("queue-list"), "Escape");
    expect(parts("queue-list")).toHaveLength(0);
    expect(focused()).toBe("queue");
  });
  it("keeps the focus when all is cancelled, so that Escape closes it", async () => {
    const { fake, part, parts, click, press, add, end } = await opened();
    await add("b1", "t1");
    await add("b2", "t2");
    await click("queue");
    part("queue-cancel-all").focus();
    await click("queue-cancel-all");
    expect(fake.requests("cancel").map(({ call }) => call)).toMatchObject([{ batchIds: ["b1", "b2"] }]);
    await end("b1");
    await end("b2");
    expect(parts("queue-row")).toHaveLength(0);
    expect(focused()).toBe("queue-list");
    await press(part("queue-list"), "Escape");
    expect(parts("queue-list")).toHaveLength(0);
    expect(focused()).toBe("prompt");
  });
});

describe("the filter", () => {
  it("offers every model that was used where it looks", async () => {
    const { fake, el, click } = await opened();
    const options = () =>
      [...el.querySelectorAll("[data-testid=filter-model] option")].map((each) => each.textContent);
    await click("filter-button");
    const answer = (at: number, names: string[]) =>
      fake.reply(fake.requests("models_used")[at]?.id ?? "", { type: "model_names", names });
    await answer(0, ["demo:studio", "gone:model"]);
    await drawn();
    expect(options()).toEqual(["Any model", "Demo studio", "gone:model"]);
    await click("filter-everywhere");
    expect(fake.requests("models_used").map(({ call }) => call)).toMatchObject([
      { topicId: "t1" },
      { topicId: null },
    ]);
    await answer(1, ["demo:studio"]);
    await drawn();
    expect(options()).toEqual(["Any model", "Demo studio"]);
  });
  it("tells where a batch of another topic stands, and leads there", async () => {
    const { fake, part, parts, click, type } = await opened();
    await click("filter-button");
    await click("filter-everywhere");
    await type("filter-search", "fox");
    await vi.advanceTimersByTimeAsync(SEARCH_DELAY);
    const found = ["t1", "t2"].map((topicId) =>
      batch(`f-${topicId}`, topicId, "a fox", [generation(`f-${topicId}`, 0)]),
    );
    await fake.reply(fake.requests("feed").at(-1)?.id ?? "", {
      type: "feed",
      feed: { topicId: null, batches: found, before: null },
    });
    await drawn();
    expect(parts("batch")).toHaveLength(2);
    expect(parts("batch-topic")).toHaveLength(1);
    expect(part("batch-topic").textContent).toBe("Red fox in fresh snow");
    await click("batch-topic");
    expect(fake.requests("select_topic")[0]?.call).toMatchObject({ topicId: "t2" });
  });
});

describe("the feed", () => {
  const NOTHING: Result = { type: "feed", feed: { topicId: "t1", batches: [], before: null } };
  const one = (id: string) => batch(id, "t1", id, [generation(id, 0)], { createdAt: 1 });

  it("asks once for a page that is refused, says why, and asks again on Retry", async () => {
    const { fake, part, parts, click } = await opened({
      feed: { topicId: "t1", batches: [one("b2")], before: "b2" },
    });
    const refuse = async () => {
      const to = fake.requests("feed").at(-1)?.id ?? "";
      fake.receive({ kind: "reply", to, result: null, error: error({ message: "The store is locked." }) });
      for (let frame = 0; frame < 5; frame++) await drawn();
    };
    const said = () => part("announcements").textContent ?? "";
    await refuse();
    expect(fake.requests("feed")).toHaveLength(1);
    expect(part("feed-failed").textContent).toContain("The store is locked.");
    expect(said().split("The store is locked.")).toHaveLength(2);
    expect(parts("batch")).toHaveLength(1);
    await click("feed-retry");
    expect(fake.requests("feed")).toHaveLength(2);
    expect(parts("feed-failed")).toHaveLength(0);
    await refuse();
    expect(fake.requests("feed")).toHaveLength(2);
    await click("feed-retry");
    await fake.reply(fake.requests("feed").at(-1)?.id ?? "", {
      type: "feed",
      feed: { topicId: "t1", batches: [one("b1")], before: null },
    });
    await drawn();
    expect(parts("feed-failed")).toHaveLength(0);
    expect(parts("batch")).toHaveLength(2);
  });
  it("says why its first page did not come, and asks again on Retry or when the kernel is back", async () => {
    const { fake, part, parts, click } = await opened({ feed: null });
    const refuse = async () => {
      const to = fake.requests("feed").at(-1)?.id ?? "";
      fake.receive({ kind: "reply", to, result: null, error: error() });
      await drawn();
    };
    await refuse();
    await drawn();
    expect(part("feed").textContent).not.toContain("Loading");
    expect(fake.requests("feed")).toHaveLength(1);
    await click("feed-retry");
    expect(fake.requests("feed")).toHaveLength(2);
    await refuse();
    fake.receive({ kind: "events", seq: 1, events: [{ type: "store_changed" }] });
    await fake.reply(fake.requests("hello").at(-1)?.id ?? "", {
      type: "snapshot",
      snapshot: { ...snapshot(Date.now(), true), seq: 1, feed: null },
    });
    await drawn();
    expect(fake.requests("feed")).toHaveLength(3);
    await fake.reply(fake.requests("feed").at(-1)?.id ?? "", NOTHING);
    await drawn();
    expect(parts("feed-failed")).toHaveLength(0);
    part("empty-topic");
  });
  it("says so too where the filter finds nothing because it was refused", async () => {
    const { fake, part, parts, click, type } = await opened();
    await click("filter-button");
    await type("filter-search", "fox");
    await vi.advanceTimersByTimeAsync(300);
    for (const { id } of fake.requests("feed"))
      fake.receive({ kind: "reply", to: id, result: null, error: error() });
    await drawn();
    part("feed-failed");
    const asked = fake.requests("feed").length;
    await click("feed-retry");
    expect(fake.requests("feed")).toHaveLength(asked + 1);
    await fake.reply(fake.requests("feed").at(-1)?.id ?? "", NOTHING);
    await drawn();
    expect(parts("feed-failed")).toHaveLength(0);
    part("nothing-found");
  });
});

describe("an image that is not shown", () => {
  it.each([
    ["kind", "image/svg+xml", "SVG images are not shown here."],
    ["large", "image/png", "too large"],
    ["damaged", "image/png", "damaged and cannot be shown"],
    ["gone", "image/png", "is gone from the store"],
  ] as const)("says why: %s", async (reason, mediaType, words) => {
    const tile = generation("b1", 0, { mediaType });
    const { fake, part, parts, click } = await opened({
      feed: { topicId: "t1", batches: [batch("b1", "t1", "a fox", [tile])], before: null },
    });
    await fake.reply(fake.requests("thumbnails")[0]?.id ?? "", {
      type: "thumbnails",
      items: [{ generationId: tile.id, buffer: null, reason }],
    });
    await drawn();
    expect(part("not-shown").textContent).toContain(words);
    expect(parts("tile-image")).toHaveLength(0);
    expect(parts("download-hidden")).toHaveLength(reason === "gone" ? 0 : 1);
    if (reason === "gone") return;
    await click("download-hidden");
    expect(fake.requests("original")[0]?.call).toMatchObject({ generationId: tile.id });
  });
  it("is marked where only a part of the image came", async () => {
    const tiles = [generation("b1", 0, { damaged: true }), generation("b1", 1)];
    const { parts } = await opened({
      feed: { topicId: "t1", batches: [batch("b1", "t1", "a fox", tiles)], before: null },
    });
    expect(parts("damaged")).toHaveLength(1);
  });
});

describe("a batch", () => {
  it("is moved to one of many topics by some words of its title", async () => {
    const topics = Array.from({ length: 30 }, (_, index) =>
      topic(`t${index}`, `Study ${index} of glass`, index),
    );
    const { fake, part, parts, click, type, press, add } = await opened({ topics });
    await add("b1", "t1", "a fox");
    await click("batch-menu");
    await click("move-batch");
    expect(part("move-dialog").querySelectorAll("li")).toHaveLength(30);
    await type("move-search", "no such words");
    expect(part("move-dialog").textContent).toContain("No topic is called");
    await type("move-search", "glass 17");
    expect(part("move-dialog").querySelectorAll("li")).toHaveLength(2);
    await press(part("move-search"), "Enter");
    expect(fake.requests("move_batches")[0]?.call).toMatchObject({ batchIds: ["b1"], topicId: "t17" });
    expect(parts("move-dialog")).toHaveLength(0);
  });
  it("needs no search among a few topics", async () => {
    const { part, parts, click, add } = await opened();
    await add("b1", "t1", "a fox");
    await click("batch-menu");
    await click("move-batch");
    expect(part("move-dialog")).toBeTruthy();
    expect(parts("move-search")).toHaveLength(0);
  });
});

describe("a list of more topics than the page knows", () => {
  const known = Array.from({ length: 8 }, (_, at) => topic(`n${at}`, `Study ${at}`, 1000 - at));
  const older = [topic("old1", "Red foxes", 20), topic("old2", "A fox, red", 10)];
  const long = { topics: known, topicsBefore: "after 7", activeTopicId: "n0" };
  /** Tell the observer of the end of a list that the end came near. */
  const near: ((list: string) => void)[] = [];
  beforeEach(() => {
    near.length = 0;
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        constructor(tell: (entries: { isIntersecting: boolean }[]) => void, { root }: { root?: Element }) {
          near.push((list) => root?.matches(list) && tell([{ isIntersecting: true }]));
        }
        observe = (): void => undefined;
        disconnect = (): void => undefined;
      },
    );
  });
  afterEach(() => void vi.unstubAllGlobals());
  const comesNear = async (list: string) => {
    for (const tell of [...near]) tell(list);
    await drawn();
  };
  const rests = async () => {
    await vi.advanceTimersByTimeAsync(SEARCH_DELAY);
    await drawn();
  };

  it("is loaded on when its end comes near", async () => {
    const { fake, parts, part } = await opened(long);
    expect(parts("topic")).toHaveLength(8);
    expect(fake.requests("topics")).toHaveLength(0);
    await comesNear(".ip-topics");
    expect(part("topics-rest").textContent).toBe("Loading older topics…");
    const [asked] = fake.requests("topics");
    expect(asked?.call).toMatchObject({ search: "", before: "after 7" });
    await fake.reply(asked?.id ?? "", { type: "topics", topics: older, before: "after old" });
    await drawn();
    expect(parts("topic")).toHaveLength(10);
    expect(fake.requests("topics")[1]?.call).toMatchObject({ before: "after old" });
    await fake.reply(fake.requests("topics")[1]?.id ?? "", { type: "topics", topics: [], before: null });
    await drawn();
    expect(parts("topics-rest")).toHaveLength(0);
  });
  it("is searched by the kernel too, which is asked when the words rest", async () => {
    const { fake, parts, part, type } = await opened(long);
    await type("search-topics", "fo");
    await type("search-topics", "fox red");
    expect(part("topics-panel").textContent).toContain("Searching…");
    expect(part("topics-panel").textContent).not.toContain("No topic");
    await rests();
    const asked = fake.requests("topics");
    expect(asked.map(({ call }) => call)).toMatchObject([{ search: "fox red", before: null }]);
    await fake.reply(asked[0]?.id ?? "", { type: "topics", topics: older, before: null });
    await drawn();
    expect(parts("topic").map((row) => row.dataset.topicId)).toEqual(["old1", "old2"]);
    expect(parts("topics-rest")).toHaveLength(0);
    // What was found stands far below the known part of the list.
    await type("search-topics", "");
    expect(parts("topic")).toHaveLength(8);
  });
  it("shows what is known at once, and says only of an answer that nothing is called so", async () => {
    const { fake, parts, part, type } = await opened(long);
    await type("search-topics", "study 3");
    expect(parts("topic")).toHaveLength(1);
    await type("search-topics", "zebra");
    await rests();
    await type("search-topics", "zebras");
    await rests();
    await type("search-topics", "zebras, all");
    await rests();
    const [first, second, third] = fake.requests("topics");
    expect(first?.call).toMatchObject({ search: "zebra" });
    const nothing = async (id = "") => {
      await fake.reply(id, { type: "topics", topics: [], before: null });
      await drawn();
    };
    await nothing(first?.id);
    expect(part("topics-panel").textContent).toContain("Searching…");
    // The answers may come in another order.
    await nothing(third?.id);
    await nothing(second?.id);
    expect(part("topics-panel").textContent).toContain("No topic is called “zebras, all”.");
  });
  it("shows what the kernel finds by its own reading of the words", async () => {
    const { fake, parts, type } = await opened(long);
    await type("search-topics", "strasse");
    await rests();
    const topics = [topic("old3", "Straße im Regen", 5)];
    await fake.reply(fake.requests("topics")[0]?.id ?? "", { type: "topics", topics, before: null });
    await drawn();
    expect(parts("topic").map((row) => row.dataset.topicId)).toEqual(["old3"]);
  });
  it("does not take what is refused on the way for the end of what is found", async () => {
    const { fake, parts, type } = await opened(long);
    await type("search-topics", "fox");
    await rests();
    const asked = (at: number) => fake.requests("topics")[at]?.id ?? "";
    await fake.reply(asked(0), { type: "topics", topics: older, before: "after old" });
    await drawn();
    await comesNear(".ip-topics");
    fake.receive({ kind: "reply", to: asked(1), result: null, error: error() });
    await drawn();
    expect(fake.requests("topics")).toHaveLength(2);
    expect(parts("topics-rest")).toHaveLength(1);
  });
  it("says so where the kernel could not search", async () => {
    const { fake, part, type } = await opened(long);
    await type("search-topics", "zebra");
    await rests();
    fake.receive({ kind: "reply", to: fake.requests("topics")[0]?.id ?? "", result: null, error: error() });
    await drawn();
    expect(part("topics-panel").textContent).toContain("Older ones could not be searched.");
  });
  it("lets a batch be moved to any of them", async () => {
    const { fake, part, click, type, press, add } = await opened({
      ...long,
      feed: { topicId: "n0", batches: [], before: null },
    });
    await add("b1", "n0", "a fox");
    await click("batch-menu");
    await click("move-batch");
    await comesNear(".ip-move-list");
    expect(fake.requests("topics")).toHaveLength(1);
    await type("move-search", "foxes");
    await rests();
    await fake.reply(fake.requests("topics")[1]?.id ?? "", { type: "topics", topics: older, before: null });
    await drawn();
    await press(part("move-search"), "Enter");
    expect(fake.requests("move_batches")[0]?.call).toMatchObject({ batchIds: ["b1"], topicId: "old1" });
  });
});

describe("the topics panel", () => {
  it("says how many images a topic has, what runs, and what is pinned", async () => {
    const { part, add } = await opened({
      topics: [topic("t1", "one", 10, { images: 1 }), topic("t2", "two", 5, { images: 0, pinned: true })],
    });
    expect(part("topic", 0).textContent).toContain("twoempty");
    expect(part("topic", 0).textContent).toContain("Pinned");
    expect(part("topic", 1).textContent).toContain("1 image ·");
    await add("b1", "t1");
    expect(part("topic", 1).textContent).toContain("running");
  });
  it("renames in place: Enter saves, Escape leaves", async () => {
    const { fake, part, parts, click, press } = await opened();
    const row = part("topic").querySelector("button");
    if (!row) throw new Error("no row");
    await press(row, "F2");
    const input = part<HTMLInputElement>("topic-title");
    expect(input.value).toBe("Lighthouse and other places");
    input.value = "never mind";
    await press(input, "Escape");
    expect(parts("topic-title")).toHaveLength(0);
    expect(fake.requests("rename_topic")).toHaveLength(0);

    await click("topic-menu");
    await click("rename-topic");
    part<HTMLInputElement>("topic-title").value = "Towers";
    await press(part("topic-title"), "Enter");
    expect(fake.requests("rename_topic")[0]?.call).toMatchObject({ topicId: "t1", title: "Towers" });
    expect(part("topic").textContent).toContain("Towers");
    expect(document.activeElement).toBe(part("topic").querySelector("button"));
  });
  it("goes from topic to topic by arrow, and on to the next where one is deleted", async () => {
    const { part, parts, press } = await opened();
    const rows = () => parts("topic").map((each) => each.querySelector("button"));
    rows()[0]?.focus();
    await press(rows()[0] as Element, "ArrowDown");
    expect(document.activeElement).toBe(rows()[1]);
    await press(rows()[1] as Element, "Delete");
    expect(parts("topic")).toHaveLength(3);
    expect(document.activeElement?.textContent).toContain("Posters");
    expect(part("notice-action").textContent).toBe("Undo");
    // It is not taken from under the hand.
    part("notice-action").focus();
    await vi.advanceTimersByTimeAsync(UNDO_MILLISECONDS + 1000);
    part("notice-action").blur();
    await vi.advanceTimersByTimeAsync(1000);
    expect(parts("notice-action")).toHaveLength(0);
  });
  it("has a search where there are many", async () => {
    const few = await opened();
    expect(few.parts("search-topics")).toHaveLength(0);
    const titles = ["Red fox", "Blue fox", "c", "d", "e", "f", "g"];
    const { parts, type, press, part } = await opened({
      topics: titles.map((title, at) => topic(`s${at}`, title, at)),
    });
    // The first widget is still on the page.
    expect(parts("topic")).toHaveLength(7);
    await type("search-topics", "FOX red");
    expect(parts("topic").map((each) => each.textContent)).toEqual([expect.stringContaining("Red fox")]);
    await type("search-topics", "zebra");
    expect(part("topics-panel").textContent).toContain("No topic is called “zebra”.");
    await press(part("search-topics"), "Escape");
    expect(parts("topic")).toHaveLength(7);
  });
  it("takes batches that are dragged to a topic, and nothing else", async () => {
    const { fake, part } = await opened();
    const drop = async (target: HTMLElement, type: string, data: string) => {
      const transfer = { types: [type], getData: () => data, dropEffect: "none" };
      for (const name of ["dragover", "drop"]) {
        const event = new Event(name, { bubbles: true, cancelable: true });
        target.dispatchEvent(Object.assign(event, { dataTransfer: transfer }));
        await drawn();
      }
    };
    await drop(part("topic", 1), "application/x-imgplay-batch", '["b9"]');
    await drop(part("new-topic"), "application/x-imgplay-batch", '["b8"]');
    await drop(part("topic", 1), "text/plain", "hello");
    await drop(part("topic", 1), "application/x-imgplay-batch", "{broken");
    expect(fake.requests("move_batches").map(({ call }) => call)).toMatchObject([
      { batchIds: ["b9"], topicId: "t2" },
      { batchIds: ["b8"], topicId: null },
    ]);
  });
  it("lets a cover be chosen among the finished images", async () => {
    const { fake, part, parts, click } = await opened();
    await click("topic-menu");
    await click("cover-topic");
    const [asked] = fake.requests("feed");
    expect(asked?.call).toMatchObject({ topicId: "t1", status: "success" });
    const mixed = batch("b1", "t1", "a fox", [generation("b1", 0, { status: "error" }), generation("b1", 1)]);
    await fake.reply(asked?.id ?? "", {
      type: "feed",
      feed: { topicId: "t1", batches: [mixed], before: null },
    });
    await drawn();
    expect(parts("cover-choice")).toHaveLength(1);
    await click("cover-choice");
    expect(fake.requests("choose_cover")[0]?.call).toMatchObject({ topicId: "t1", generationId: "b1-1" });
    expect(part("topic").textContent).toContain("Lighthouse");
  });
});

describe("where nothing is yet", () => {
  const empty = { topics: [], activeTopicId: null, feed: null };
  it("there are examples that fill the prompt", async () => {
    const { part, click } = await opened(empty);
    expect(part("new-topic-screen").textContent).toContain("What would you like to see?");
    await click("example");
    expect(part<HTMLTextAreaElement>("prompt").value).toBe(part("example").textContent);
    expect(focused()).toBe("prompt");
  });
  it("the demo says once that it is one, beside the way to an AI model", async () => {
    const { part, parts, click, el } = await opened(empty);
    expect(el.textContent?.split("not an AI model")).toHaveLength(2);
    expect(part("no-key").textContent).toContain("not an AI model");
    expect(part("no-key").textContent).toContain("OpenAI");
    expect(parts("notice")).toHaveLength(0);
    await click("choose-model");
    await drawn();
    part("model-picker");
  });
  it("the demo says in the panel that it is one where there are images", async () => {
    const { part } = await opened();
    expect(part("notice").textContent).toContain("not an AI model");
  });
  it("nobody who has a key is told how to get one", async () => {
    const base = snapshot(0, true);
    const providers = base.providers.map((each) => ({ ...each, key: "set" as const }));
    const { part } = await opened({ ...empty, providers });
    expect(part("no-key").textContent).not.toContain("OpenAI");
    expect(part("choose-model").textContent).toBe("Choose a model");
  });
});
