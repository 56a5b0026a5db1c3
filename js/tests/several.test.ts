import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  batch,
  error,
  generation,
  model,
  parameter,
  paramsOf,
  provider,
  snapshot,
  topic,
} from "../dev/fixtures";
import { objections } from "../src/lib/objections";
import { askedModels, strictest } from "../src/lib/several";
import type { BatchState, Snapshot } from "../src/protocol.gen";
import { CONFIGURE_DELAY } from "../src/slices/config";
import { receive, showSnapshot } from "../src/store";
import { type Pending, storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const seed = parameter("seed", { minimum: 0, maximum: 99 });
const MODELS = ["a", "b", "c", "d", "e"].map((id) => model(id, { title: id.toUpperCase() }));

function opened(patch: Partial<Snapshot> = {}, config: Partial<Snapshot["config"]> = {}) {
  const kernel = storeWithKernel();
  const base = snapshot(0, true);
  showSnapshot(
    kernel.store,
    {
      ...base,
      models: MODELS,
      config: { ...base.config, model: "demo:a", count: 1, ...config },
      topics: [topic("t1", "one", 10)],
      activeTopicId: "t1",
      feed: { topicId: "t1", batches: [], before: null },
      ...patch,
    },
    true,
  );
  const state = () => kernel.store.getState();
  const sent = () => kernel.calls.filter(({ call }) => call.method === "generate");
  const clicks = () => sent().map(({ call }) => call as Extract<Pending["call"], { method: "generate" }>);
  /** Return what the newest click asked for. */
  const wishes = () => clicks().at(-1)?.wishes ?? [];
  /** Return the batches that the kernel makes of the newest click; they run. */
  const made = (clickId = "c1", topicId = "t1"): BatchState[] => {
    const { n } = clicks().at(-1) as ReturnType<typeof clicks>[number];
    return wishes().map(({ prompt, model: name, params }, index) => {
      const id = `${clickId}-${index + 1}`;
      const running = Array.from({ length: n }, (_, position) =>
        generation(id, position, { status: "processing", cancellable: true }),
      );
      const known = state().models.find((each) => each.name === name);
      return batch(id, topicId, prompt, running, {
        model: name,
        params: paramsOf(known, params),
        createdAt: 100 + clicks().length,
        clickId: wishes().length > 1 ? clickId : null,
      });
    });
  };
  /** Accept the newest click. */
  const accept = async (clickId = "c1", topicId = "t1") =>
    (sent().at(-1) as Pending).answer({
      type: "generated",
      topic: topic(topicId, "one", 99),
      batches: made(clickId, topicId),
    });
  const refuse = async (message: string, wish?: number) =>
    (sent().at(-1) as Pending).refuse({ ...error({ message }), ...(wish !== undefined && { wish }) });
  const cancelled = () =>
    kernel.calls.flatMap(({ call }) => (call.method === "cancel" ? [call.batchIds] : []));
  return { ...kernel, state, sent, clicks, wishes, made, accept, refuse, cancelled };
}

describe("the models beside the chosen one", () => {
  it("are added, taken away and saved with the rest", () => {
    const { state, last } = opened();
    state().toggleAlso("demo:b");
    state().toggleAlso("demo:c");
    state().toggleAlso("demo:b");
    vi.advanceTimersByTime(CONFIGURE_DELAY);
    expect(last().call).toMatchObject({
      method: "configure",
      config: { model: "demo:a", alsoModels: ["demo:c"] },
    });
  });
  it("are four with it at most, which is said", () => {
    const { state } = opened();
    for (const id of ["b", "c", "d", "e"]) state().toggleAlso(`demo:${id}`);
    expect(state().config.alsoModels).toEqual(["demo:b", "demo:c", "demo:d"]);
    expect(state().notices[0]?.message).toBe("A click asks at most 4 models.");
  });
  it("are neither the chosen one nor any that is not known", () => {
    const { state } = opened();
    state().toggleAlso("demo:a");
    state().toggleAlso("demo:nothing");
    expect(state().config.alsoModels).toEqual([]);
  });
  it("change places with the chosen one, each with its own parameters", () => {
    const { state } = opened({}, { params: { "demo:a": { seed: 1 }, "demo:b": { seed: 2 } } });
    state().toggleAlso("demo:b");
    state().chooseModel("demo:b");
    expect(state().config).toMatchObject({
      model: "demo:b",
      alsoModels: ["demo:a"],
      params: { "demo:a": { seed: 1 }, "demo:b": { seed: 2 } },
    });
    state().chooseModel("demo:c");
    expect(state().config).toMatchObject({ model: "demo:c", alsoModels: ["demo:a"] });
  });
  it("begin with what fits of the chosen one's parameters, where they have none yet", () => {
    const { state } = opened({}, { params: { "demo:a": { seed: 1, width: 512, height: 512 } } });
    state().toggleAlso("demo:b");
    expect(state().config.params["demo:b"]).toEqual({ seed: 1, width: 512, height: 512 });
  });
  it("that are gone are passed over, and can be taken away", () => {
    const { state, wishes } = opened({}, { alsoModels: ["gone:x", "demo:b", "demo:a"] });
    expect(askedModels(state().models, state().config).map(({ id }) => id)).toEqual(["a", "b"]);
    state().setPrompt("x");
    void state().generate();
    expect(wishes().map(({ model }) => model)).toEqual(["demo:a", "demo:b"]);
    state().toggleAlso("gone:x");
    expect(state().config.alsoModels).toEqual(["demo:b"]);
  });
  it("are not asked without the chosen one", () => {
    const { state, sent } = opened({}, { model: "gone:x", alsoModels: ["demo:b"] });
    state().setPrompt("x");
    void state().generate();
    expect(sent()).toHaveLength(0);
  });
  it("are asked for by name where code chose some that no list has", () => {
    const { store, state, calls } = opened();
    receive(store, {
      type: "config_changed",
      config: { ...state().config, alsoModels: ["local:mine", "demo:b"] },
    });
    expect(calls.map(({ call }) => call)).toEqual([{ method: "model", name: "local:mine" }]);
  });
  it("say what of a click they do not take", () => {
    const strict = model("s", { provider: "openai", title: "Strict", maxPrompt: 5, retiredOn: "2026-01-02" });
    const load = {
      prompt: "{a|a longer} fox",
      references: [{ mediaType: "image/png", bytes: 1 }],
      masked: true,
    };
    const providers = [provider("openai", "OpenAI", { key: "missing" })];
    const now = Date.parse("2026-06-01");
    expect(objections(strict, providers, now, load)).toEqual([
      "Its key is missing. Click its name to enter it.",
      "Its provider retired it on Jan 2, 2026.",
      "The prompt is 7 characters over its limit.",
      "Not sent: Strict does not take reference images.",
    ]);
    expect(objections(model("m"), [], now, { prompt: "x", references: [], masked: false })).toEqual([]);
    expect(strictest([model("m"), strict, model("n", { maxPrompt: null })])?.limit).toBe(5);
    expect(strictest([model("n", { maxPrompt: null })])).toBeNull();
  });
});

describe("one click", () => {
  it("asks each model with its own parameters, in one call", async () => {
    const takes = model("b", {
      references: {
        minCount: 0,
        maxCount: 1,
        maxPixels: null,
        maxBytes: 100,
        mediaTypes: [],
        givesSize: false,
      },
      parameters: [seed],
    });
    const { state, clicks, accept } = opened(
      { models: [MODELS[0] as (typeof MODELS)[0], takes] },
      { alsoModels: ["demo:b"], count: 2, params: { "demo:a": { width: 512 }, "demo:b": { seed: 7 } } },
    );
    state().takeReferences([{ digest: "d1", mediaType: "image/png", width: 1, height: 1 }], null);
    state().setPrompt(" a fox ");
    void state().generate();
    expect(state().busy).toBe(true);
    await accept();
    expect(state().busy).toBe(false);
    expect(clicks()).toEqual([
      {
        method: "generate",
        n: 2,
        topicId: "t1",
        confirm: false,
        wishes: [
          {
            model: "demo:a",
            prompt: "a fox",
            params: { width: 512 },
            references: [],
            mask: null,
            action: null,
          },
          {
            model: "demo:b",
            prompt: "a fox",
            params: { seed: 7 },
            references: ["d1"],
            mask: null,
            action: null,
          },
        ],
      },
    ]);
    expect(state().feeds.t1?.ids).toEqual(["c1-2", "c1-1"]);
    expect(state().madeBatchId).toBe("c1-2");
    expect(state().config.recentModels.slice(0, 2)).toEqual(["demo:a", "demo:b"]);
  });
  it("asks for each prompt of each model, and keeps the pattern", async () => {
    const { state, wishes, accept } = opened({}, { alsoModels: ["demo:b"] });
    state().setPrompt("a {red|blue} fox");
    void state().generate();
    await accept();
    expect(wishes().map(({ prompt, model }) => `${prompt} ${model}`)).toEqual([
      "a red fox demo:a",
      "a red fox demo:b",
      "a blue fox demo:a",
      "a blue fox demo:b",
    ]);
    expect(state().prompt).toBe("a {red|blue} fox");
    expect(state().refusal).toBeNull();
  });
  it("goes into one new topic, and takes the draft there", async () => {
    const { state, clicks, accept, calls } = opened(
      { activeTopicId: null, feed: null },
      { alsoModels: ["demo:b"] },
    );
    state().setPrompt("a fox");
    void state().generate();
    await accept("c1", "t9");
    expect(clicks().map(({ topicId }) => topicId)).toEqual([null]);
    expect(state()).toMatchObject({ activeTopicId: "t9", prompt: "a fox" });
    expect(state().feeds.t9?.ids).toEqual(["c1-2", "c1-1"]);
    expect(calls.some(({ call }) => call.method === "select_topic")).toBe(false);
  });
  it("leaves the kernel where the user went meanwhile", async () => {
    const { state, made, sent, calls } = opened(
      { topics: [topic("t1", "one", 10), topic("t2", "two", 20)] },
      { alsoModels: ["demo:b"] },
    );
    state().setPrompt("a fox");
    void state().generate();
    const batches = made();
    void state().selectTopic("t2");
    const before = calls.length;
    await sent()[0]?.answer({ type: "generated", topic: topic("t1", "one", 99), batches });
    expect(calls.slice(before).map(({ call }) => call)).toEqual([{ method: "select_topic", topicId: "t2" }]);
    expect(state().activeTopicId).toBe("t2");
  });
  it("asks for no more than sixteen, in words", () => {
    const { state, sent } = opened({}, { alsoModels: ["demo:b"] });
    state().setPrompt("{a|b|c} {d|e|f}");
    void state().generate();
    expect(sent()).toHaveLength(0);
    expect(state().busy).toBe(false);
    expect(state().refusal?.message).toBe(
      "9 prompts for 2 models are too many at once: at most 16 requests.",
    );
    state().setPrompt("{a|b}".repeat(300));
    void state().generate();
    expect(state().refusal?.message).toContain("999+ prompts");
  });
  it("leaves out a prompt that would be empty", () => {
    const { state, sent } = opened();
    state().setPrompt("{| a fox}");
    void state().generate();
    expect(sent()[0]?.call).toMatchObject({ wishes: [{ prompt: "a fox" }] });
  });
  it("that is refused says which of its requests was, and keeps the prompt", async () => {
    const { state, sent, refuse } = opened({}, { alsoModels: ["demo:b", "demo:c"] });
    state().setPrompt("a {red|blue} fox");
    void state().generate();
    await refuse("No.", 4);
    expect(state()).toMatchObject({ busy: false, prompt: "a {red|blue} fox", feeds: { t1: { ids: [] } } });
    expect(state().refusal).toMatchObject({ message: "No.", which: "“a blue fox” with B" });
    void state().generate();
    expect([sent().length, state().refusal]).toEqual([2, null]);
  });
  it("names the model or the prompt alone, where that tells them apart", async () => {
    const { state, refuse } = opened({}, { alsoModels: ["demo:b"] });
    state().setPrompt("a fox");
    void state().generate();
    await refuse("No.", 1);
    expect(state().refusal?.which).toBe("B");
    state().toggleAlso("demo:b");
    void state().generate();
    await refuse("No.", 0);
    expect(state().refusal?.which).toBeUndefined();
    state().setPrompt("a {red|blue} fox");
    void state().generate();
    await refuse("No.", 1);
    expect(state().refusal?.which).toBe("“a blue fox”");
  });
  it("is refused whole where no one of its requests is to blame", async () => {
    const { state, refuse } = opened({}, { alsoModels: ["demo:b"] });
    state().setPrompt("a fox");
    void state().generate();
    await refuse("Over the budget.");
    expect(state().refusal).toMatchObject({ message: "Over the budget." });
    expect(state().refusal?.which).toBeUndefined();
  });
});

describe("Cancel", () => {
  const asked = async () => {
    const all = opened({}, { alsoModels: ["demo:b", "demo:c"] });
    all.state().setPrompt("a fox");
    void all.state().generate();
    await all.accept();
    return all;
  };
  it("at one batch stops all that run of the click, and leaves other requests alone", async () => {
    const { store, state, made, cancelled } = await asked();
    receive(store, { type: "generation_changed", generation: generation("c1-3", 0) });
    const tiles = [generation("c9", 0, { status: "pending", cancellable: true })];
    receive(store, { type: "batch_added", batch: batch("c9", "t1", "from code", tiles) });
    void state().cancelClick(made()[0] as BatchState);
    expect(cancelled()).toEqual([["c1-1", "c1-2"]]);
  });
  it("does so too where the page knows the click by its batches alone", async () => {
    const { made } = await asked();
    const { state, cancelled } = opened({ feed: { topicId: "t1", batches: made().reverse(), before: null } });
    for (const each of made()) state().queueBatch(each);
    void state().cancelClick(made()[1] as BatchState);
    expect(cancelled()).toEqual([["c1-1", "c1-2", "c1-3"]]);
  });
});

describe("what was sent", () => {
  it("is used again as it was: its braces are no pattern, and it was one model's", () => {
    const { state } = opened({}, { alsoModels: ["demo:b", "demo:c"] });
    state().reuse(batch("b7", "t1", "{a|b}", [generation("b7", 0)], { model: "demo:b" }));
    expect(state().prompt).toBe("\\{a|b\\}");
    expect(state().config).toMatchObject({ model: "demo:b", alsoModels: [] });
  });
  it("is walked through as patterns that say the same", async () => {
    const { state, last } = opened();
    const walked = state().walkPrompts(1);
    await last().answer({ type: "prompts", prompts: ["{a|b}", "a fox"] });
    await walked;
    expect(state().prompt).toBe("\\{a|b\\}");
  });
});
