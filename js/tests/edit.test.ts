// @vitest-environment happy-dom
// Editing an image: the picture becomes the only reference of an empty prompt, and one Undo takes all of it back.

import { beforeEach, describe, expect, it } from "vitest";
import { batch, generation, model, parameter, provider, snapshot } from "../dev/fixtures";
import { addLink, addReferences, moveReference } from "../src/slices/adding";
import { showSnapshot } from "../src/store";
import type { Page } from "../src/views/context";
import { editImage } from "../src/views/edit-image";
import { settled, storeWithKernel } from "./kit";

const RULE = {
  minCount: 0,
  maxCount: 4,
  maxPixels: null,
  maxBytes: 3_000_000,
  mediaTypes: ["image/png"],
  givesSize: false,
};
const OLD = { digest: "a".repeat(64), mediaType: "image/png", width: 30, height: 20 };
const TAKEN = { digest: "b".repeat(64), mediaType: "image/png", width: 64, height: 64 };
const IMAGE = generation("b1", 1, { mediaType: "image/png" });
const NONE = model("none", { title: "No eyes" });
const EDIT = model("edit", { title: "Demo edit", references: RULE, mask: true });
const MADE = (name: string) =>
  batch("b1", "t1", "a fox", [IMAGE], {
    model: name,
    provider: name.split(":")[0] ?? "",
    modelTitle: "Gone",
  });
const of = (name: string, id: string, patch = {}) =>
  model(id, { name: `${name}:${id}`, provider: name, title: id, references: RULE, ...patch });

beforeEach(() => {
  document.body.innerHTML =
    '<div class="imgplay"><textarea data-testid="prompt"></textarea><button id="tile"></button></div>';
});

function opened(models = [NONE, EDIT], name = "demo:edit", more = {}) {
  const kernel = storeWithKernel();
  const base = snapshot(0, false);
  const draft = { prompt: "a fern", references: [OLD], mask: OLD };
  const config = { ...base.config, model: name, ...more };
  showSnapshot(kernel.store, { ...base, models, config, draft, providers: PROVIDERS }, true);
  const state = () => kernel.store.getState();
  const edit = (made = MADE(name), image = IMAGE) =>
    editImage(kernel.page as Page, made, image, document.getElementById("tile"));
  const notice = () => state().notices.at(-1);
  const digests = () => state().references.map(({ reference }) => reference?.digest);
  /** The newest call of a method. */
  const last = (method: string) => {
    const call = kernel.calls.filter(({ call }) => call.method === method).at(-1);
    if (!call) throw new Error(`${method} was not called`);
    return call;
  };
  return { page: kernel.page, calls: kernel.calls, last, state, edit, notice, digests };
}

const PROVIDERS = [
  provider("demo", "Demo"),
  provider("open", "Open"),
  provider("locked", "Locked", { key: "missing" }),
];
const focused = () => (document.activeElement as HTMLElement).dataset.testid;

describe("an image that is edited", () => {
  it("is the only reference of an empty prompt, which has the focus", async () => {
    const { state, edit, last, digests } = opened();
    edit();
    expect(state().prompt).toBe("");
    expect(focused()).toBe("prompt");
    expect(last("take_reference").call).toMatchObject({ source: "generation", value: IMAGE.id });
    last("take_reference").answer({ type: "reference_taken", reference: TAKEN });
    await settled();
    expect(digests()).toEqual([TAKEN.digest]);
    expect(state().mask).toBeNull();
  });
  it("keeps the model, the parameters and the seed that made it, and takes no other model along", async () => {
    const edge = (name: "width" | "height") => parameter(name, { kind: name, minimum: 64, maximum: 2048 });
    const seed = parameter("seed", { kind: "seed", default: null });
    const style = parameter("style", { type: "string", choices: ["calm", "wild"], default: "calm" });
    const parameters = [edge("width"), edge("height"), seed, style];
    const rich = of("open", "rich", { parameters });
    const follows = of("open", "follows", {
      parameters,
      references: { ...RULE, givesSize: true },
    });
    const { state, edit, notice } = opened([NONE, EDIT, rich, follows], "demo:edit", {
      alsoModels: ["demo:none"],
      params: { "open:rich": { style: "calm", width: 640 } },
    });
    const before = state().config;
    const params = { width: 512, height: 256, style: "wild", steps: 9 };
    edit({ ...MADE("open:rich"), params }, { ...IMAGE, seed: 7 });
    expect(state().config.model).toBe("open:rich");
    expect(state().config.alsoModels).toEqual([]);
    const kept = { width: 512, height: 256, style: "wild", seed: 7 };
    expect(state().config.params["open:rich"]).toEqual(kept);
    notice()?.action?.run();
    await settled();
    expect(state().config.model).toBe("demo:edit");
    expect(state().config.params).toEqual(before.params);
    expect(state().config.alsoModels).toEqual(["demo:none"]);
    // The image gets the size of its reference.
    edit({ ...MADE("open:follows"), params }, { ...IMAGE, seed: 7 });
    expect(state().config.params["open:follows"]).toEqual({ style: "wild", seed: 7 });
  });
  it("says with the request what the user wants of it, as long as it is the first reference", async () => {
    const { page, state, edit, last } = opened();
    edit();
    last("take_reference").answer({ type: "reference_taken", reference: TAKEN });
    await settled();
    state().setPrompt("make it night");
    const wish = async () => {
      void state().generate();
      await settled();
      const { call, refuse } = last("generate");
      await refuse();
      return call.method === "generate" ? call.wishes[0] : undefined;
    };
    expect(await wish()).toMatchObject({ references: [TAKEN.digest], action: "edit" });
    addReferences(page, [OLD]);
    moveReference(page, state().references[1]?.key ?? 0, 0);
    expect(await wish()).toMatchObject({ references: [OLD.digest, TAKEN.digest], action: null });
    state().clearReferences();
    expect(await wish()).toMatchObject({ references: [], action: null });
  });
  it("gives its place back with one Undo: to the prompt, the references and the mask", async () => {
    const { state, edit, last, digests, notice } = opened();
    edit();
    last("take_reference").answer({ type: "reference_taken", reference: TAKEN });
    await settled();
    notice()?.action?.run();
    expect(state().prompt).toBe("a fern");
    expect(digests()).toEqual([OLD.digest]);
    expect(state().mask?.reference).toEqual(OLD);
    expect(state().notices).toHaveLength(1);
  });
  it("gives the way back to a reference that was on its way", async () => {
    const { page, state, edit, notice, calls } = opened();
    expect(addLink(page, "https://pictures.test/fern.png")).toBeNull();
    const links = () =>
      calls.filter(({ call }) => call.method === "take_reference" && call.source === "link").length;
    expect(links()).toBe(1);
    edit();
    notice()?.action?.run();
    expect(state().references.map(({ status }) => status)).toEqual(["ready", "sending"]);
    expect(links()).toBe(2);
  });
  it("is undone in its own topic, where the user has gone on to another", async () => {
    const { state, edit, notice, last } = opened();
    edit();
    void state().selectTopic("t2");
    expect(state().activeTopicId).toBe("t2");
    expect(state().prompt).toBe("");
    state().setPrompt("of another topic");
    notice()?.action?.run();
    last("select_topic").answer({
      type: "topic_shown",
      feed: null,
      draft: { prompt: "", references: [], mask: null },
    });
    await settled();
    expect(state().activeTopicId).toBeNull();
    expect(state().prompt).toBe("a fern");
  });
});

describe("an image that the model does not take", () => {
  it("changes nothing, and offers a model that takes it, with one click", () => {
    const { state, edit, notice, digests, last } = opened([NONE, EDIT], "demo:none");
    edit();
    expect([state().prompt, digests(), state().config.model]).toEqual(["a fern", [OLD.digest], "demo:none"]);
    expect(focused()).toBeUndefined();
    expect(notice()?.message).toBe("No eyes does not take reference images.");
    expect(notice()?.action?.label).toBe("Use Demo edit");
    notice()?.action?.run();
    expect(state().config.model).toBe("demo:edit");
    expect(state().prompt).toBe("");
    expect(focused()).toBe("prompt");
    expect(last("take_reference").call).toMatchObject({ value: IMAGE.id });
    notice()?.action?.run();
    expect([state().prompt, digests(), state().config.model]).toEqual(["a fern", [OLD.digest], "demo:none"]);
  });
  it.each([
    ["the same provider", [of("open", "far"), of("demo", "near")], {}, "near"],
    [
      "what the user knows",
      [of("open", "new"), of("open", "known")],
      { recentModels: ["open:known"] },
      "known",
    ],
    ["what takes words", [of("open", "cut", { prompt: "none" }), of("open", "said")], {}, "said"],
    ["what has a key", [of("locked", "shut"), of("open", "free")], {}, "free"],
    ["what is not retired", [of("open", "late", { retiredOn: "2026-01-01" }), of("open", "now")], {}, "now"],
    [
      "what takes its kind",
      [of("open", "jpeg", { references: { ...RULE, mediaTypes: ["image/jpeg"] } }), of("open", "png")],
      {},
      "png",
    ],
  ])("prefers %s", (_, models, more, title) => {
    const { edit, notice } = opened([NONE, ...models], "demo:none", more);
    edit();
    expect(notice()?.action?.label).toBe(`Use ${title}`);
  });
  it("names a model that is no longer offered, and offers the chosen one first", () => {
    const { edit, notice } = opened([of("open", "other"), EDIT], "demo:edit");
    edit(MADE("lost:model"));
    expect(notice()?.message).toBe("Gone is no longer offered.");
    expect(notice()?.action?.label).toBe(`Use ${EDIT.title}`);
  });
  it("says so where no model could take it", () => {
    const { edit, notice, state } = opened([NONE, of("locked", "shut")], "demo:none");
    edit();
    expect(notice()?.message).toContain("need a key first");
    expect(notice()?.action).toBeUndefined();
    expect(state().prompt).toBe("a fern");
  });
});
