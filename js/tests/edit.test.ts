// @vitest-environment happy-dom
// Editing an image: the picture becomes the only reference of an empty prompt, and one Undo takes all of it back.

import { beforeEach, describe, expect, it } from "vitest";
import { generation, model, provider, snapshot } from "../dev/fixtures";
import { addLink } from "../src/slices/adding";
import { showSnapshot } from "../src/store";
import type { Page } from "../src/views/context";
import { editImage } from "../src/views/edit-image";
import { settled, storeWithKernel } from "./kit";

const RULE = { maxCount: 4, maxBytes: 3_000_000, mediaTypes: ["image/png"] };
const OLD = { digest: "a".repeat(64), mediaType: "image/png", width: 30, height: 20 };
const TAKEN = { digest: "b".repeat(64), mediaType: "image/png", width: 64, height: 64 };
const IMAGE = generation("b1", 1, { mediaType: "image/png" });
const NONE = model("none", { title: "No eyes" });
const EDIT = model("edit", { title: "Demo edit", references: RULE, mask: true });
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
  const edit = () => editImage(kernel.page as Page, IMAGE, document.getElementById("tile"));
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
    const before = state().config;
    edit();
    expect(state().prompt).toBe("");
    expect(focused()).toBe("prompt");
    expect(last("take_reference").call).toMatchObject({ source: "generation", value: IMAGE.id });
    last("take_reference").answer({ type: "reference_taken", reference: TAKEN });
    await settled();
    expect(digests()).toEqual([TAKEN.digest]);
    expect(state().mask).toBeNull();
    // Model, size and all else stay.
    expect(state().config).toBe(before);
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
  it("says so where no model could take it", () => {
    const { edit, notice, state } = opened([NONE, of("locked", "shut")], "demo:none");
    edit();
    expect(notice()?.message).toContain("need a key first");
    expect(notice()?.action).toBeUndefined();
    expect(state().prompt).toBe("a fern");
  });
});
