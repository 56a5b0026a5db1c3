// Presets: how their words join the prompt, and what the page does with them.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import cases from "../../tests/rules/presets.json";
import { snapshot } from "../dev/fixtures";
import { NO_WORDS, ownPrompt, wholePrompt } from "../src/lib/presets";
import type { PresetState } from "../src/protocol.gen";
import { CONFIGURE_DELAY } from "../src/slices/config";
import {
  applyPreset,
  deletePreset,
  dropWords,
  isApplied,
  kept,
  readPresets,
  renamePreset,
  savePreset,
} from "../src/slices/presets";
import { receive, showSnapshot } from "../src/store";
import { settled, storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const POSTER: PresetState = {
  name: "poster",
  model: "demo:studio",
  params: { seed: 7 },
  prefix: "poster of",
  suffix: ", flat",
  gone: false,
};

function opened() {
  const kernel = storeWithKernel();
  showSnapshot(kernel.store, snapshot(0, true), true);
  const state = () => kernel.store.getState();
  const sent = (method: string) => kernel.calls.filter(({ call }) => call.method === method);
  const notices = () => state().notices.map(({ message }) => message);
  return { ...kernel, state, sent, notices };
}

describe("the words of a preset", () => {
  it.each(cases.cases)("join the prompt as Python joins them: $sent", ({ prefix, prompt, suffix, sent }) => {
    expect(wholePrompt({ prompt, config: { words: { prefix, suffix } } })).toBe(sent);
  });

  it("are taken off a prompt that was sent with them", () => {
    const config = { words: { prefix: "poster of", suffix: ", flat" } };
    expect(ownPrompt("poster of a fox, flat", config)).toBe("a fox");
    expect(ownPrompt("a fox, flat", config)).toBe("a fox, flat");
    expect(ownPrompt("poster of , flat", config)).toBe("poster of , flat");
    expect(ownPrompt("a fox", { words: NO_WORDS })).toBe("a fox");
  });

  it("are sent with each prompt of a pattern, and count for the limit", async () => {
    const { store, state, last } = opened();
    await applyPreset({ store, send: state().send }, { ...POSTER, suffix: "in {snow|rain}" });
    state().setPrompt("a fox");
    void state().generate();
    const { call } = last();
    expect(call.method === "generate" && call.wishes.map(({ prompt }) => prompt)).toEqual([
      "poster of a fox in snow",
      "poster of a fox in rain",
    ]);
  });

  it("are not doubled when an earlier prompt comes back", async () => {
    const { store, page, state } = opened();
    await applyPreset(page, POSTER);
    store.setState({ prompts: ["poster of a fox, flat", "an owl"] });
    await state().walkPrompts(1);
    expect(state().prompt).toBe("a fox");
    await state().walkPrompts(1);
    expect(state().prompt).toBe("an owl");
  });

  it("go when the recipe of a batch is put back, whose prompt is whole", async () => {
    const { page, state } = opened();
    await applyPreset(page, POSTER);
    const batch = Object.values(state().batches)[0];
    if (!batch) throw new Error("no batch");
    state().reuse({ ...batch, prompt: "poster of a fox, flat" });
    expect(state().prompt).toBe("poster of a fox, flat");
    expect(state().config.words).toEqual(NO_WORDS);
  });

  it("are removed one side at a time", async () => {
    const { page, state } = opened();
    await applyPreset(page, POSTER);
    dropWords(page, "prefix");
    expect(state().config.words).toEqual({ prefix: "", suffix: ", flat" });
  });

  it("are none in a notebook of an older version", () => {
    const { store } = storeWithKernel();
    const { words: _, ...config } = snapshot(0, true).config;
    showSnapshot(store, { ...snapshot(0, true), config: config as never }, false);
    expect(store.getState().config.words).toEqual(NO_WORDS);
  });
});

describe("a preset", () => {
  it("changes the panel in one step, and its model is asked alone", async () => {
    const { page, state, sent } = opened();
    state().setParameter("seed", 3);
    state().changeConfig({ alsoModels: ["demo:instant"] });
    vi.advanceTimersByTime(CONFIGURE_DELAY);
    const before = sent("configure").length;
    await applyPreset(page, POSTER);
    const { config } = state();
    expect(config.model).toBe("demo:studio");
    expect(config.alsoModels).toEqual([]);
    expect(config.params["demo:studio"]).toEqual({ seed: 7 });
    expect(config.words).toEqual({ prefix: "poster of", suffix: ", flat" });
    expect(sent("configure").length).toBe(before + 1);
    expect(isApplied(state(), POSTER)).toBe(true);
    state().setParameter("seed", 8);
    expect(isApplied(state(), POSTER)).toBe(false);
  });

  it("without a model leaves model and parameters as they are", async () => {
    const { page, state } = opened();
    const { config } = state();
    await applyPreset(page, { ...POSTER, model: null, params: {} });
    expect(state().config).toEqual({ ...config, words: { prefix: "poster of", suffix: ", flat" } });
  });

  it("whose model the kernel does not know changes nothing, and says why", async () => {
    const { page, state, last, notices } = opened();
    const { config } = state();
    const applied = applyPreset(page, { ...POSTER, model: "gone:model" });
    await last().refuse();
    await applied;
    expect(state().config).toBe(config);
    expect(notices()).toHaveLength(1);
  });

  it("keeps what the panel holds, and the page shows its words from then on", async () => {
    const { page, state, last } = opened();
    state().setParameter("seed", 7);
    expect(kept(state())).toEqual({ model: "demo:studio", params: { seed: 7 }, ...NO_WORDS });
    const saved = savePreset(page, "poster", { prefix: " poster of ", suffix: "" }, false);
    expect(last().call).toEqual({
      method: "save_preset",
      name: "poster",
      model: "demo:studio",
      params: { seed: 7 },
      prefix: "poster of",
      suffix: "",
      replace: false,
    });
    await last().answer();
    expect(await saved).toBe(null);
    expect(state().config.words).toEqual({ prefix: "poster of", suffix: "" });
  });

  it("that the kernel refuses changes nothing", async () => {
    const { page, state, last } = opened();
    const saved = savePreset(page, "poster", { prefix: "a", suffix: "" }, true);
    await last().refuse();
    expect((await saved)?.code).toBeTruthy();
    expect(state().config.words).toEqual(NO_WORDS);
    const renamed = renamePreset(page, "poster", "b");
    await last().refuse();
    expect((await renamed)?.code).toBeTruthy();
  });

  it("is deleted, and Undo brings it back as it was", async () => {
    const { page, state, last, notices } = opened();
    const deleted = deletePreset(page, POSTER);
    await last().answer();
    expect(await deleted).toBe(true);
    expect(notices()).toEqual(["Deleted the preset “poster”."]);
    state().notices[0]?.action?.run();
    const { gone: _, ...whole } = POSTER;
    expect(last().call).toEqual({ method: "restore_preset", ...whole });
    await last().refuse();
    expect(notices()).toHaveLength(2);
  });

  it("that cannot be deleted says so", async () => {
    const { page, last, state } = opened();
    const deleted = deletePreset(page, POSTER);
    await last().refuse();
    expect(await deleted).toBe(false);
    expect(state().notices.map(({ level }) => level)).toEqual(["error"]);
  });

  it("is read again when another page or kernel may have changed it", async () => {
    const { page, store, state, last } = opened();
    const age = state().presetsAge;
    receive(store, { type: "presets_changed" });
    receive(store, { type: "store_changed" });
    expect(state().presetsAge).toBe(age + 2);
    const read = readPresets(page);
    await last().answer({ type: "presets", presets: [POSTER] });
    expect(await read).toEqual([POSTER]);
    await settled();
  });
});
