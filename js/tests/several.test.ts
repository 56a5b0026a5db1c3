import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, error, generation, model, parameter, provider, snapshot, topic } from "../dev/fixtures";
import { askedModels, isDoubtful, objections, strictest } from "../src/lib/several";
import type { Snapshot } from "../src/protocol.gen";
import { CONFIGURE_DELAY } from "../src/slices/config";
import { batchesToCancel, restOf } from "../src/slices/create";
import { receive, showSnapshot } from "../src/store";
import { type Pending, settled, storeWithKernel } from "./kit";

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
  const wishes = () => sent().map(({ call }) => call as Extract<Pending["call"], { method: "generate" }>);
  /** Accepts the newest request as a batch that runs. */
  const accept = async (id: string, topicId = "t1") => {
    const last = sent().at(-1) as Pending;
    const { prompt, model: name } = last.call as ReturnType<typeof wishes>[number];
    const running = [generation(id, 0, { status: "processing", cancellable: true })];
    await last.answer({
      type: "generated",
      topic: topic(topicId, "one", 99),
      batch: batch(id, topicId, prompt, running, { model: name, createdAt: 100 + sent().length }),
    });
  };
  const refuse = async (message: string) => (sent().at(-1) as Pending).refuse(error({ message }));
  const toStop = () => batchesToCancel(state()).map(({ id }) => id);
  const cancelled = () =>
    kernel.calls.flatMap(({ call }) => (call.method === "cancel" ? [call.batchId] : []));
  return { ...kernel, state, sent, wishes, accept, refuse, toStop, cancelled };
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
    expect(wishes()).toHaveLength(1);
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
    expect(isDoubtful(strict, [], Date.parse("2025-06-01"))).toBe(false);
    expect(objections(model("m"), [], now, { prompt: "x", references: [], masked: false })).toEqual([]);
    expect(strictest([model("m"), strict, model("n", { maxPrompt: null })])?.limit).toBe(5);
    expect(strictest([model("n", { maxPrompt: null })])).toBeNull();
  });
});

describe("one click", () => {
  it("asks each model with its own parameters, one after another", async () => {
    const takes = model("b", {
      references: { maxCount: 1, maxBytes: 100, mediaTypes: [] },
      parameters: [seed],
    });
    const { state, wishes, accept } = opened(
      { models: [MODELS[0] as (typeof MODELS)[0], takes] },
      { alsoModels: ["demo:b"], count: 2, params: { "demo:a": { width: 512 }, "demo:b": { seed: 7 } } },
    );
    state().takeReferences([{ digest: "d1", mediaType: "image/png", width: 1, height: 1 }], null);
    state().setPrompt(" a fox ");
    void state().generate();
    expect(wishes()).toHaveLength(1);
    await accept("b1");
    expect(wishes()).toHaveLength(2);
    expect(state().busy).toBe(true);
    await accept("b2");
    expect(state().busy).toBe(false);
    const same = { method: "generate", prompt: "a fox", n: 2, topicId: "t1", mask: null };
    expect(wishes()).toEqual([
      { ...same, model: "demo:a", params: { width: 512 }, references: [] },
      { ...same, model: "demo:b", params: { seed: 7 }, references: ["d1"] },
    ]);
    expect(state().feeds.t1?.ids).toEqual(["b2", "b1"]);
    expect(state().config.recentModels.slice(0, 2)).toEqual(["demo:a", "demo:b"]);
  });
  it("asks for each prompt of each model, and keeps the pattern", async () => {
    const { state, wishes, accept } = opened({}, { alsoModels: ["demo:b"] });
    state().setPrompt("a {red|blue} fox");
    void state().generate();
    for (const id of ["b1", "b2", "b3", "b4"]) await accept(id);
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
    const { state, wishes, accept } = opened({ activeTopicId: null, feed: null }, { alsoModels: ["demo:b"] });
    state().setPrompt("a fox");
    void state().generate();
    await accept("b1", "t9");
    await accept("b2", "t9");
    expect(wishes().map(({ topicId }) => topicId)).toEqual([null, "t9"]);
    expect(state()).toMatchObject({ activeTopicId: "t9", prompt: "a fox" });
  });
  it("leaves the kernel where the user went meanwhile", async () => {
    const { state, accept, calls, last } = opened(
      { topics: [topic("t1", "one", 10), topic("t2", "two", 20)] },
      { alsoModels: ["demo:b"] },
    );
    state().setPrompt("a fox");
    void state().generate();
    await accept("b1");
    void state().selectTopic("t2");
    const asked = calls.length;
    await calls[asked - 1]?.answer();
    expect(last().call).toEqual({ method: "select_topic", topicId: "t2" });
    const second = calls.filter(({ call }) => call.method === "generate")[1];
    await second?.answer({
      type: "generated",
      topic: topic("t1", "one", 99),
      batch: batch("b2", "t1", "a fox", [generation("b2", 0)], { model: "demo:b" }),
    });
    expect(calls.slice(asked).map(({ call }) => call)).toEqual([{ method: "select_topic", topicId: "t2" }]);
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
  it("asks for nothing where one of its prompts is empty", () => {
    const { state, sent } = opened();
    state().setPrompt("{| a fox}");
    void state().generate();
    expect(sent()).toHaveLength(0);
    expect(state().refusal?.message).toBe("One of these prompts would be empty.");
  });
  it("asks first what is likely to be refused, so that nothing is sent then", async () => {
    const { state, wishes, refuse } = opened(
      {
        models: [...MODELS, model("x", { provider: "openai", title: "X" })],
        providers: [provider("openai", "OpenAI", { key: "missing" })],
      },
      { alsoModels: ["demo:b", "openai:x"] },
    );
    state().setPrompt("a fox");
    void state().generate();
    await refuse("The key is missing.");
    expect(wishes().map(({ model }) => model)).toEqual(["openai:x"]);
    expect(state().refusal).toMatchObject({
      message: "The key is missing.",
      several: { which: "X", accepted: [], left: 2 },
    });
    expect(restOf(state())).toBe(0);
  });
  it("that is refused on its way keeps what was accepted, and sends the rest without it", async () => {
    const { state, wishes, accept, refuse, toStop } = opened({}, { alsoModels: ["demo:b", "demo:c"] });
    state().setPrompt("a fox");
    void state().generate();
    await accept("b1");
    await refuse("No.");
    expect(wishes()).toHaveLength(2);
    expect(state()).toMatchObject({ busy: false, prompt: "a fox" });
    expect(state().refusal?.several).toMatchObject({ which: "B", accepted: [{ name: "A" }], left: 1 });
    expect(state().feeds.t1?.ids).toEqual(["b1"]);
    expect(restOf(state())).toBe(2);

    // What was refused is mended; what was accepted is not asked for again.
    state().chooseModel("demo:b");
    state().setParameter("seed", 5);
    void state().generateRest();
    await accept("b2");
    await accept("b3");
    expect(wishes().map(({ model }) => model)).toEqual(["demo:a", "demo:b", "demo:b", "demo:c"]);
    expect(wishes()[2]?.params).toEqual({ seed: 5 });
    expect([state().refusal, restOf(state())]).toEqual([null, 0]);
    expect(toStop()).toEqual(["b1", "b2", "b3"]);
  });
  it("offers no rest where something else is written by now", async () => {
    const { state, accept, refuse } = opened({}, { alsoModels: ["demo:b"] });
    state().setPrompt("a fox");
    void state().generate();
    await accept("b1");
    await refuse("No.");
    expect(restOf(state())).toBe(1);
    state().setPrompt("a hare");
    expect(restOf(state())).toBe(0);
  });
  it("names the prompt that was refused", async () => {
    const { state, accept, refuse } = opened();
    state().setPrompt("a {red|blue} fox");
    void state().generate();
    await accept("b1");
    await refuse("No.");
    expect(state().refusal?.several).toMatchObject({
      which: "“a blue fox”",
      accepted: [{ name: "“a red fox”" }],
    });
  });
});

describe("Cancel", () => {
  const asked = async () => {
    const all = opened({}, { alsoModels: ["demo:b", "demo:c"] });
    all.state().setPrompt("a fox");
    void all.state().generate();
    for (const id of ["b1", "b2", "b3"]) await all.accept(id);
    return all;
  };
  it("stops all batches of the click, as long as the same would be asked for", async () => {
    const { state, toStop, cancelled } = await asked();
    expect(toStop()).toEqual(["b1", "b2", "b3"]);
    state().toggleAlso("demo:c");
    expect(toStop()).toEqual([]);
    state().toggleAlso("demo:c");
    void state().cancelNewest();
    expect(cancelled()).toEqual(["b1", "b2", "b3"]);
  });
  it("stops the others when the newest is done, and leaves other requests alone", async () => {
    const { store, toStop } = await asked();
    receive(store, { type: "generation_changed", generation: generation("b3", 0) });
    expect(toStop()).toEqual(["b1", "b2"]);
    const other = batch("b9", "t1", "from code", [
      generation("b9", 0, { status: "pending", cancellable: true }),
    ]);
    receive(store, { type: "batch_added", batch: { ...other, createdAt: 999 } });
    expect(toStop()).toEqual([]);
  });
  it("is offered for what another page asked for, where a click would be that one request", () => {
    const { store, state, toStop } = opened();
    const tiles = [generation("b9", 0, { status: "pending", cancellable: true })];
    const other = batch("b9", "t1", "a red fox", tiles, { model: "demo:a" });
    receive(store, { type: "batch_added", batch: other });
    state().setPrompt("a red fox");
    expect(toStop()).toEqual(["b9"]);
    state().setPrompt("a {red|blue} fox");
    expect(toStop()).toEqual([]);
  });
  it("in the midst of sending stops what is on its way, and sends no more", async () => {
    const { state, sent, accept, cancelled } = opened({}, { alsoModels: ["demo:b", "demo:c"] });
    state().setPrompt("a fox");
    void state().generate();
    await accept("b1");
    void state().cancelNewest();
    await accept("b2");
    await settled();
    expect(sent()).toHaveLength(2);
    expect(cancelled()).toEqual(["b1", "b2"]);
    expect([state().busy, state().refusal]).toEqual([false, null]);
    // The next click is another one.
    void state().generate();
    expect(sent()).toHaveLength(3);
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
