import { describe, expect, it } from "vitest";
import { batch, error, generation, model, snapshot, topic } from "../dev/fixtures";
import { linkOf, moved, problemOf, problemsOf } from "../src/lib/references";
import { kindOf, PIECE } from "../src/lib/upload";
import type { DraftState, FoundState, ReferenceState, Result, UploadPiece } from "../src/protocol.gen";
import {
  addFiles,
  addImage,
  addLink,
  addReferences,
  moveReference,
  retryReference,
} from "../src/slices/adding";
import { saveMask } from "../src/slices/mask-upload";
import { takeFiles } from "../src/slices/recipes";
import { maskProblem, referencesToSend } from "../src/slices/references";
import { showSnapshot } from "../src/store";
import { type Pending, settled, storeWithKernel } from "./kit";

const RULE = {
  minCount: 0,
  maxCount: 2,
  maxPixels: null,
  maxBytes: 3_000_000,
  mediaTypes: ["image/png", "image/jpeg"],
  givesSize: false,
};
const EDIT = model("edit", { references: RULE, mask: true });
const ONE = model("one", { references: { ...RULE, maxCount: 1 } });
const NONE = model("none", { title: "No eyes" });

const held = (digest: string, more: Partial<ReferenceState> = {}): ReferenceState => ({
  digest,
  mediaType: "image/png",
  width: 30,
  height: 20,
  ...more,
});

const taken = (
  received: number,
  reference: ReferenceState | null = null,
  found: FoundState | null = null,
): Result => ({ type: "upload_taken", received, reference, found });

function png(size = 100, name = "cat.png"): { name: string; blob: Blob } {
  const bytes = new Uint8Array(size);
  bytes.set([0x89, 0x50, 0x4e, 0x47]);
  return { name, blob: new Blob([bytes]) };
}

function opened(name = "demo:edit", draft: DraftState = { prompt: "", references: [], mask: null }) {
  const kernel = storeWithKernel();
  const base = snapshot(0, false);
  const shown = { ...base, models: [EDIT, ONE, NONE], config: { ...base.config, model: name }, draft };
  showSnapshot(kernel.store, shown, true);
  const state = () => kernel.store.getState();
  const uploads = () => kernel.calls.filter(({ call }) => call.method === "upload");
  const notices = () => state().notices.map(({ message }) => message);
  /** Add files, and wait until their first pieces are sent. */
  const add = async (...files: { name: string; blob: Blob }[]) => {
    await addFiles(kernel.page, files);
    await outstanding(
      () => uploads().length >= state().references.filter(({ source }) => source.kind === "file").length,
    );
  };
  return { ...kernel, state, uploads, notices, add };
}

/** Let the host do one of its own tasks. */
const hostTurn = () => new Promise((resolve) => setTimeout(resolve));

/** Wait for tasks of the host: it reads blobs in tasks that no promise of ours announces. */
async function outstanding(there: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !there(); turn++) await hostTurn();
  expect(there()).toBe(true);
}

const piece = (pending: Pending | undefined) => pending?.call as UploadPiece;

describe("an upload", () => {
  it("goes in pieces, the next one after the answer to the last", async () => {
    const { uploads, add, state } = opened();
    await add(png(2 * PIECE + 7));
    expect(uploads()).toHaveLength(1);
    expect(piece(uploads()[0])).toMatchObject({ offset: 0, total: 2 * PIECE + 7, purpose: "reference" });
    expect(uploads()[0]?.buffers[0]?.byteLength).toBe(PIECE);
    await uploads()[0]?.answer(taken(PIECE));
    await outstanding(() => uploads().length === 2);
    expect(state().references[0]?.share).toBeCloseTo(0.5, 2);
    await uploads()[1]?.answer(taken(2 * PIECE));
    await outstanding(() => uploads().length === 3);
    expect(uploads()[2]?.buffers[0]?.byteLength).toBe(7);
    expect(new Set(uploads().map((each) => piece(each).uploadId)).size).toBe(1);
    await uploads()[2]?.answer(taken(2 * PIECE + 7, held("a")));
    expect(state().references).toMatchObject([{ status: "ready", reference: held("a") }]);
  });
  it("runs beside others, and its failure leaves them", async () => {
    const { page, uploads, add, state } = opened();
    await add(png(10, "a.png"), png(20, "b.png"));
    await uploads()[1]?.refuse(error({ message: "The disk is full.", nextStep: "Make room." }));
    await uploads()[0]?.answer(taken(10, held("a")));
    expect(state().references.map(({ status }) => status)).toEqual(["ready", "failed"]);
    expect(state().references[1]?.error).toBe("The disk is full. Make room.");
    retryReference(page, state().references[1]?.key ?? 0);
    await outstanding(() => uploads().length === 3);
    expect(piece(uploads()[2]).offset).toBe(0);
    await uploads()[2]?.answer(taken(20, held("b")));
    expect(state().references.map(({ status }) => status)).toEqual(["ready", "ready"]);
  });
  it("ends when it is removed, whatever the kernel answers then", async () => {
    const { uploads, add, state } = opened();
    await add(png(2 * PIECE));
    state().removeReference(state().references[0]?.key ?? 0);
    await uploads()[0]?.answer(taken(PIECE));
    for (let turn = 0; turn < 20; turn++) await hostTurn();
    expect(state().references).toEqual([]);
    expect(uploads()).toHaveLength(1);
    expect(state().announcements).toEqual([]);
  });
  it("of a file that cannot be read says so", async () => {
    const { page, state } = opened();
    const blob = new Blob(["x"]);
    blob.slice = () => ({ arrayBuffer: () => Promise.reject(new Error("gone")) }) as unknown as Blob;
    await addFiles(page, [{ name: "gone.png", blob }]);
    await outstanding(() => state().references[0]?.status === "failed");
    expect(state().references[0]?.error).toContain("could not be read");
  });
  it("of an image that is there already adds nothing", async () => {
    const { uploads, add, state, notices } = opened();
    await add(png(10, "a.png"), png(10, "b.png"));
    await uploads()[0]?.answer(taken(10, held("a")));
    await uploads()[1]?.answer(taken(10, held("a")));
    expect(state().references).toHaveLength(1);
    expect(notices()).toEqual(["This image is already a reference."]);
  });
});

describe("a refusal", () => {
  it("says why, before anything is sent", async () => {
    const { page, notices, calls } = opened();
    await addFiles(page, [{ name: "anim.gif", blob: new Blob(["GIF89a......"]) }]);
    await addFiles(page, [png(3_000_001, "huge.png")]);
    await addFiles(page, [{ name: "notes.txt", blob: new Blob(["words"]) }]);
    expect(notices()).toEqual([
      "anim.gif was not added. This model takes PNG, JPEG, not GIF.",
      "huge.png was not added. 3 MB is too large: this model takes at most 3 MB.",
      "notes.txt was not added. Only images that can be read here can be added.",
    ]);
    expect(calls).toHaveLength(0);
  });
  it("takes what fits of too many", async () => {
    const { state, notices, add } = opened();
    await add(png(9, "a"), png(9, "b"), png(9, "c"));
    expect(state().references.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(notices()).toEqual(["c was not added. This model takes at most 2 references."]);
  });
  it("names the model that takes none", async () => {
    const { page, notices } = opened("demo:none");
    addImage(page, generation("b1", 0, { mediaType: "image/png" }));
    expect(notices()).toEqual(["result 1 was not added. No eyes does not take reference images."]);
  });
  it("of a link comes to where it was typed", () => {
    const { page, calls } = opened();
    expect(addLink(page, "http://example.org/cat.png")).toContain("https://");
    expect(calls).toHaveLength(0);
  });
});

describe("what is sent", () => {
  const draft: DraftState = { prompt: "a fox", references: [held("a"), held("b")], mask: held("m") };

  it("is what the model takes, in the order that is shown", async () => {
    const { page, state, last } = opened("demo:edit", draft);
    moveReference(page, state().references[1]?.key ?? 0, 0);
    void state().generate();
    expect(last().call).toMatchObject({ wishes: [{ references: ["b", "a"], mask: null }] });
  });
  it("has the mask as long as its reference is the first", () => {
    const { state, notices } = opened("demo:edit", draft);
    expect(referencesToSend(state())).toEqual({ references: ["a", "b"], mask: "m", action: null });
    state().removeReference(state().references[0]?.key ?? 0);
    expect(state().mask).toBeNull();
    expect(notices()).toEqual(["The mask was removed: it belongs to a different first reference."]);
    state().notices[0]?.action?.run();
    expect(referencesToSend(state())).toEqual({ references: ["a", "b"], mask: "m", action: null });
  });
  it("follows the model, and keeps the rest with a word", () => {
    const { state } = opened("demo:edit", draft);
    state().chooseModel("demo:one");
    expect(referencesToSend(state())).toEqual({ references: ["a"], mask: null, action: null });
    expect(problemsOf(state().references, ONE)).toEqual([null, "This model takes at most 1 reference."]);
    expect(maskProblem(state())).toContain("does not take one");
    state().chooseModel("demo:none");
    expect(referencesToSend(state())).toEqual({ references: [], mask: null, action: null });
    state().chooseModel("demo:edit");
    expect(referencesToSend(state())).toEqual({ references: ["a", "b"], mask: "m", action: null });
  });
  it("waits for what is on its way", async () => {
    const { state, uploads, add, calls } = opened("demo:edit", { ...draft, references: [], mask: null });
    await add(png(10));
    const done = state().generate();
    await settled();
    expect(calls.map(({ call }) => call.method)).not.toContain("generate");
    await uploads()[0]?.answer(taken(10, held("z")));
    await settled();
    const made = calls.find(({ call }) => call.method === "generate");
    expect(made?.call).toMatchObject({ wishes: [{ references: ["z"] }] });
    await made?.refuse();
    await done;
  });
  it("is nothing while a reference is missing", async () => {
    const { state, uploads, add, calls } = opened("demo:edit", { ...draft, references: [], mask: null });
    await add(png(10));
    await uploads()[0]?.refuse();
    await state().generate();
    expect(calls.map(({ call }) => call.method)).not.toContain("generate");
    expect(state().refusal?.message).toBe("A reference could not be uploaded.");
    expect(state().busy).toBe(false);
  });
});

describe("the references of a draft", () => {
  const draft: DraftState = { prompt: "", references: [held("a")], mask: held("m") };

  it("are there when the page opens, with the mask", () => {
    const { state } = opened("demo:edit", draft);
    expect(state().references).toMatchObject([{ status: "ready", reference: { digest: "a" } }]);
    expect(state().mask).toEqual({ reference: held("m"), over: "a" });
  });
  it("are saved when they change", () => {
    const { page, state, last } = opened("demo:edit", draft);
    addReferences(page, [held("b")]);
    state().saveDraft();
    expect(last().call).toMatchObject({ method: "save_draft", references: ["a", "b"], mask: "m" });
  });
  it("stay with their topic, also when they arrive later", async () => {
    const { state, uploads, add } = opened("demo:edit", draft);
    await add(png(10));
    state().showTopic("other");
    expect(state().references).toEqual([]);
    await uploads()[0]?.answer(taken(10, held("z")));
    expect(state().references).toEqual([]);
    state().showTopic(null);
    expect(state().references.map(({ reference }) => reference?.digest)).toEqual(["a", "z"]);
  });
  it("go with the request of their topic, also when another one is shown before they are uploaded", async () => {
    const { state, uploads, add, calls, last } = opened();
    await add(png(10), png(11));
    state().setPrompt("a fox");
    const asked = state().generate();
    await uploads()[0]?.answer(taken(10, held("y")));
    state().showTopic("other");
    state().takeReferences([held("not asked for")], null);
    await uploads()[1]?.answer(taken(11, held("z")));
    const sent = calls.find(({ call }) => call.method === "generate");
    expect(sent?.call).toMatchObject({
      wishes: [{ prompt: "a fox", references: ["y", "z"], mask: null }],
    });
    await sent?.answer({
      type: "generated",
      topic: topic("t1", "one", 99),
      batches: [batch("b9", "t1", "a fox", [generation("b9", 0)])],
    });
    await asked;
    // The request made its topic the active one.
    expect(last().call).toEqual({ method: "select_topic", topicId: "other" });
  });
  it("let a click be taken back while they are on their way: nothing of it is sent", async () => {
    const { state, uploads, add, calls } = opened();
    await add(png(10));
    state().setPrompt("a fox");
    const asked = state().generate();
    expect(state()).toMatchObject({ busy: true, waits: true });
    state().takeBack();
    expect(state()).toMatchObject({ busy: false, waits: false });
    // Another click does not wait for the one before.
    const again = state().generate();
    await uploads()[0]?.answer(taken(10, held("y")));
    await asked;
    const sent = calls.filter(({ call }) => call.method === "generate");
    expect(sent.map(({ call }) => call)).toMatchObject([{ wishes: [{ references: ["y"] }] }]);
    expect(state()).toMatchObject({ busy: true, waits: false });
    await sent[0]?.refuse();
    await again;
    expect(state()).toMatchObject({ busy: false, refusal: { code: "rate_limited" } });
  });
  it("say nothing of a click that was taken back when they fail", async () => {
    const { state, uploads, add, calls } = opened();
    await add(png(10));
    state().setPrompt("a fox");
    const asked = state().generate();
    state().takeBack();
    await uploads()[0]?.refuse();
    await asked;
    expect(state()).toMatchObject({ busy: false, refusal: null });
    expect(calls.some(({ call }) => call.method === "generate")).toBe(false);
  });
  it("of a batch come back with its settings", () => {
    const { state } = opened("demo:edit", draft);
    state().reuse(
      batch("b1", "t1", "again", [], { model: "demo:edit", references: [held("x")], mask: held("y") }),
    );
    expect(referencesToSend(state())).toEqual({ references: ["x"], mask: "y", action: null });
  });
});

describe("a reference from elsewhere", () => {
  it("is taken by the kernel from a result", async () => {
    const { page, state, last } = opened();
    addImage(page, generation("b1", 2, { mediaType: "image/png" }));
    expect(last().call).toEqual({ method: "take_reference", source: "generation", value: "b1-2" });
    await last().answer({ type: "reference_taken", reference: held("r") });
    expect(referencesToSend(state()).references).toEqual(["r"]);
  });
  it("that turns out to be of a wrong kind is kept and not sent", async () => {
    const { page, state, last } = opened();
    expect(addLink(page, "https://example.org/cat")).toBeNull();
    await last().answer({ type: "reference_taken", reference: held("r", { mediaType: "image/webp" }) });
    expect(referencesToSend(state()).references).toEqual([]);
    expect(problemsOf(state().references, EDIT)).toEqual(["This model takes PNG, JPEG, not WEBP."]);
  });
});

describe("a mask", () => {
  it("is uploaded as one and lies over the first reference", async () => {
    const { page, state, uploads } = opened("demo:edit", { prompt: "", references: [held("a")], mask: null });
    const saved = saveMask(page, png(9).blob, new AbortController().signal);
    await outstanding(() => uploads().length === 1);
    expect(piece(uploads()[0]).purpose).toBe("mask");
    await uploads()[0]?.answer(taken(9, held("m")));
    expect(await saved).toBeNull();
    expect(referencesToSend(state())).toEqual({ references: ["a"], mask: "m", action: null });
    state().removeMask();
    expect(referencesToSend(state()).mask).toBeNull();
  });
  it("that is refused says why, and the earlier one stays", async () => {
    const { page, state, uploads } = opened("demo:edit", {
      prompt: "",
      references: [held("a")],
      mask: held("m"),
    });
    const saved = saveMask(page, png(9).blob, new AbortController().signal);
    await outstanding(() => uploads().length === 1);
    await uploads()[0]?.refuse(error({ message: "No room." }));
    expect((await saved)?.message).toBe("No room.");
    expect(referencesToSend(state()).mask).toBe("m");
  });
});

describe("the rules", () => {
  it("leave to the kernel what the page does not know", () => {
    expect(problemOf({ mediaType: null, bytes: null }, 0, EDIT)).toBeNull();
  });
  it("know files by their first bytes, not by their names", async () => {
    expect(await kindOf(new Blob([new Uint8Array([0xff, 0xd8, 0xff, 0xe0])]))).toBe("image/jpeg");
    expect(await kindOf(new Blob(["RIFF\0\0\0\0WEBPVP8 "]))).toBe("image/webp");
    expect(await kindOf(new Blob(["\0\0\0\x1cftypheic\0\0\0\0"]))).toBe("image/heic");
    expect(await kindOf(new Blob([]))).toBe("");
  });
  it("take one link of a dropped list", () => {
    expect(linkOf("# from a browser\r\nhttps://example.org/a.png\r\n")).toBe("https://example.org/a.png");
    expect(linkOf("javascript:alert(1)")).toBeNull();
  });
  it("move an entry within the list", () => {
    expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b", "c"], 0, 9)).toEqual(["b", "c", "a"]);
    expect(moved(["a"], 3, 0)).toEqual(["a"]);
  });
});

describe("a file that tells how it was made", () => {
  const FOUND: FoundState = {
    tool: "imgplay-widget",
    here: true,
    prompt: "a fox",
    model: "demo:edit",
    modelTitle: "Edit",
    requested: { seed: 7, unknown: 1 },
    width: 30,
    height: 20,
    references: [],
    mask: null,
    workflow: null,
  };
  const brought = async (model: string, found: FoundState | null) => {
    const page = opened(model);
    const done = takeFiles(page.page, [png(9)]);
    await outstanding(() => page.uploads().length === 1);
    const { purpose } = piece(page.uploads()[0]);
    await page.uploads()[0]?.answer(taken(9, purpose === "recipe" ? null : held("f"), found));
    await done;
    await settled();
    return { ...page, purpose };
  };

  it("offers its settings beside being a reference, with one upload", async () => {
    const { state, purpose, uploads } = await brought("demo:edit", FOUND);
    expect(purpose).toBe("reference");
    expect(uploads()).toHaveLength(1);
    expect(state().references).toHaveLength(1);
    const { message, action } = state().notices[0] ?? {};
    expect([message, action?.label]).toEqual(["This image was made here.", "Use its settings"]);
    // No key takes it back: nothing was done.
    expect(state().announcements.at(-1)?.undoable).toBe(false);
    action?.run();
    expect(state().prompt).toBe("a fox");
    expect(state().config.params["demo:edit"]).toEqual({ seed: 7 });
    expect(state().references).toHaveLength(0);
  });
  it("brings its settings also to a model that takes no references, and is not stored", async () => {
    const { purpose, notices } = await brought("demo:none", FOUND);
    expect(purpose).toBe("recipe");
    expect(notices()).toEqual(["This image was made here."]);
  });
  it("is refused like any other there where it says nothing", async () => {
    const { notices } = await brought("demo:none", null);
    expect(notices()).toEqual([expect.stringContaining("was not added.")]);
  });
  it("of another tool brings a model that is offered, and its settings", async () => {
    const { state } = await brought("demo:none", { ...FOUND, tool: "ComfyUI", here: false });
    const { message, action } = state().notices[0] ?? {};
    expect([message, action?.label]).toEqual([
      "This image tells how ComfyUI made it.",
      "Use its prompt and settings",
    ]);
    action?.run();
    expect([state().config.model, state().prompt]).toEqual(["demo:edit", "a fox"]);
    expect(state().config.params["demo:edit"]).toEqual({ seed: 7 });
  });
  it.each([
    [512, 256, "the prompt and the size were taken over."],
    [9, 256, "only the prompt was taken over."],
  ])(
    "of an unknown model brings the prompt and the size, where that fits: %s",
    async (width, height, words) => {
      const foreign = { ...FOUND, tool: "Forge", here: false, model: "xl", modelTitle: "xl", requested: {} };
      const { state, notices } = await brought("demo:none", { ...foreign, width, height });
      state().notices[0]?.action?.run();
      expect([state().config.model, state().prompt]).toEqual(["demo:none", "a fox"]);
      expect(notices()).toContain(`xl is not offered here; ${words}`);
      const { params } = state().config;
      expect(params["demo:none"] ?? {}).toEqual(width === 512 ? { width, height } : {});
    },
  );
  it("offers its workflow of ComfyUI", async () => {
    const { state, calls } = await brought("demo:none", { ...FOUND, prompt: null, workflow: "{}" });
    const { message, action } = state().notices[0] ?? {};
    expect([message, action?.label]).toEqual(["cat.png holds a workflow of ComfyUI.", "Add as a model"]);
    action?.run();
    await settled();
    expect(calls.at(-1)?.call).toEqual({ method: "add_workflow", name: "cat.png", text: "{}" });
  });
  it("is one of several, and offers nothing", async () => {
    const { page, uploads, notices } = opened("demo:edit");
    await takeFiles(page, [png(9), png(10)]);
    await outstanding(() => uploads().length === 2);
    await uploads()[0]?.answer(taken(9, held("f"), FOUND));
    await settled();
    expect(notices()).toEqual([]);
  });
});
