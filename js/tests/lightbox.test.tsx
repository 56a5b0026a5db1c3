// @vitest-environment happy-dom
import { render } from "preact";
import { useState } from "preact/hooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, generation, model, snapshot } from "../dev/fixtures";
import { Media } from "../src/media";
import { type LoadPart, Parts } from "../src/parts";
import type { ChainResult, RecipeState, VersionState } from "../src/protocol.gen";
import { showSnapshot } from "../src/store";
import { PageContext } from "../src/views/context";
import { Large } from "../src/views/large";
import type { LightboxTarget } from "../src/views/lightbox";
import { partFromSource, settled, storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  document.body.replaceChildren();
});

const RECIPE: RecipeState = {
  generationId: "new-0",
  batchId: "new",
  prompt: "a fox",
  provider: "demo",
  model: "demo:studio",
  modelTitle: "Demo studio",
  seed: 7,
  requested: { steps: 20, style: "vivid" },
  applied: { steps: 25 },
  differences: [{ parameter: "steps", requested: 20, applied: 25 }],
  width: 1024,
  height: 1024,
  mediaType: "image/png",
  bytes: 1_400_000,
  digest: "d",
  path: "/store/assets/d.png",
  createdAt: 0,
  startedAt: 0,
  finishedAt: 1000,
  cost: "0.04",
  servedBy: "studio-2026-04-21",
  requestId: "req-1",
  attempt: 1,
  action: null,
  references: [],
  mask: null,
  version: "0.1.0",
};

/** Return a lightbox over two batches of two images each, of which an older page is not loaded yet. */
async function opened(
  start: LightboxTarget = { batchId: "new", generationId: "new-0" },
  load: LoadPart = partFromSource,
) {
  const { store, page: own, calls, last } = storeWithKernel();
  const two = (id: string) =>
    batch(
      id,
      "t1",
      `prompt of ${id}`,
      [0, 1].map((at) => generation(id, at, { width: 64, height: 32 })),
    );
  const told = (...ids: string[]) => ({
    ...snapshot(0, true),
    feed: { topicId: "t1", batches: ids.map(two), before: ids.at(-1) ?? null },
  });
  showSnapshot(store, told("old2", "old1"), true);
  const media = new Media(() => new Promise(() => undefined));
  const parts = new Parts(load);
  const page = { ...own, media, parts } as unknown as Parameters<typeof PageContext.Provider>[0]["value"];
  const root = document.createElement("div");
  document.body.append(root);
  let target: LightboxTarget | null = start;
  function Host() {
    const [shown, show] = useState<LightboxTarget | null>(start);
    target = shown;
    return shown && <Large target={shown} onMove={show} onClose={() => show(null)} />;
  }
  render(
    <PageContext.Provider value={page}>
      <Host />
    </PageContext.Provider>,
    root,
  );
  const drawn = async (): Promise<void> => {
    await vi.advanceTimersByTimeAsync(50);
    await settled();
  };
  await drawn();
  const dialog = (): HTMLElement | null => root.querySelector('[data-testid="lightbox"]');
  const press = async (key: string, altKey = false): Promise<void> => {
    dialog()?.dispatchEvent(new KeyboardEvent("keydown", { key, altKey, bubbles: true, cancelable: true }));
    await drawn();
  };
  return {
    store,
    calls,
    last,
    root,
    dialog,
    press,
    drawn,
    shown: () => target?.generationId ?? null,
    two,
    told,
  };
}

const FIRST = { batchId: "old2", generationId: "old2-0" };

describe("the lightbox", () => {
  it("goes through the whole feed with the arrow keys, and loads older pages on the way", async () => {
    const { press, shown, last, two, drawn } = await opened(FIRST);
    for (const id of ["old2-1", "old1-0", "old1-1"]) {
      await press("ArrowRight");
      expect(shown()).toBe(id);
    }
    await press("ArrowRight");
    expect(last().call).toMatchObject({ method: "feed", topicId: "t1", before: "old1" });
    await last().answer({
      type: "feed",
      feed: { topicId: "t1", batches: [two("old0")], before: null },
    });
    await drawn();
    expect(shown()).toBe("old0-0");
    await press("ArrowLeft");
    expect(shown()).toBe("old1-1");
  });
  it("hands an image over to be edited, and closes", async () => {
    const { store, press, shown, last, drawn } = await opened(FIRST);
    store.getState().receiveCatalog([
      model("studio", {
        references: {
          minCount: 0,
          maxCount: 1,
          maxPixels: null,
          maxBytes: 9,
          mediaTypes: [],
          givesSize: false,
        },
      }),
    ]);
    await press("e");
    await drawn();
    expect(shown()).toBeNull();
    expect(last().call).toMatchObject({ method: "take_reference", value: "old2-0" });
  });
  it("hears the keys that were pressed before its part was there", async () => {
    let come = (): void => undefined;
    const coming = new Promise<void>((resolve) => {
      come = resolve;
    });
    const load: LoadPart = async (name) => {
      await coming;
      return partFromSource(name);
    };
    // As a browser does it: a dialog that opens takes the focus.
    vi.spyOn(HTMLDialogElement.prototype, "showModal").mockImplementation(function (this: HTMLDialogElement) {
      this.tabIndex = -1;
      this.focus();
    });
    const { root, dialog, shown, drawn } = await opened(FIRST, load);
    expect(dialog()).toBeNull();
    const waiting = root.querySelector<HTMLElement>("dialog");
    for (const key of ["ArrowRight", "ArrowRight", "i"])
      waiting?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    come();
    await drawn();
    await drawn();
    expect(shown()).toBe("old1-0");
    expect(root.querySelector('[data-testid="recipe"]')).not.toBeNull();
  });
  it("does not go on to an older page for one who has gone back meanwhile", async () => {
    const { press, shown, last, two, drawn } = await opened({ batchId: "old1", generationId: "old1-1" });
    await press("ArrowRight");
    await press("ArrowLeft");
    expect(shown()).toBe("old1-0");
    await last().answer({ type: "feed", feed: { topicId: "t1", batches: [two("old0")], before: null } });
    await drawn();
    expect(shown()).toBe("old1-0");
  });
  it("shows the next image when the one that is shown is deleted, and closes after the last", async () => {
    const { store, shown, drawn } = await opened(FIRST);
    const dialog = document.querySelector("dialog");
    store.getState().removeGeneration("old2", "old2-0");
    await drawn();
    expect(shown()).toBe("old2-1");
    // Another one would be closed.
    expect(document.querySelector("dialog")).toBe(dialog);
    store.getState().removeBatch("old1");
    store.getState().removeBatch("old2");
    await drawn();
    expect(shown()).toBeNull();
  });
  it("stays over a snapshot that does not tell of its image, and asks for that", async () => {
    const { store, last, shown, press, drawn, two, told } = await opened(FIRST);
    store.getState().setFilter({ everywhere: true });
    const found = (...ids: string[]) => ({
      type: "feed" as const,
      feed: { topicId: null, batches: ids.map(two), before: null },
    });
    await last().answer(found("old2", "old1"));
    await press("ArrowRight");
    await press("ArrowRight");
    expect(shown()).toBe("old1-0");
    showSnapshot(store, told("old9"), true);
    await drawn();
    expect(shown()).toBe("old1-0");
    await last().answer(found("old2", "old1"));
    await press("ArrowRight");
    expect(shown()).toBe("old1-1");
  });
  it("lets an image of an older page go that another kernel deleted", async () => {
    const { store, last, shown, press, drawn, two, told } = await opened({
      batchId: "old1",
      generationId: "old1-1",
    });
    const older = (...ids: string[]) => ({
      type: "feed" as const,
      feed: { topicId: "t1", batches: ids.map(two), before: null },
    });
    await press("ArrowRight");
    await last().answer(older("old0"));
    await drawn();
    expect(shown()).toBe("old0-0");
    showSnapshot(store, told("old2", "old1"), true);
    await drawn();
    expect(shown()).toBe("old0-0");
    expect(last().call).toMatchObject({ method: "feed", topicId: "t1", before: "old1" });
    await last().answer(older());
    await drawn();
    expect(shown()).toBeNull();
  });
  it("never acts on an image that is gone", async () => {
    const { store, shown, calls, dialog, drawn } = await opened(FIRST);
    const press = (): unknown =>
      dialog()?.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Delete", bubbles: true, cancelable: true }),
      );
    store.getState().removeGeneration("old2", "old2-0");
    // The next key can come before the next frame.
    await settled();
    expect(shown()).toBe("old2-1");
    press();
    await settled();
    expect(calls.at(-1)?.call).toEqual({ method: "delete", what: "generation", ids: ["old2-1"] });
    await drawn();
  });
  it("tells how the image was made, and what the provider changed", async () => {
    const { press, root, last, drawn } = await opened(FIRST);
    await press("i");
    expect(last().call).toEqual({ method: "recipe", generationId: "old2-0" });
    await last().answer({ type: "recipe", recipe: RECIPE });
    await drawn();
    const text = root.querySelector('[data-testid="recipe"]')?.textContent ?? "";
    for (const word of ["1.4 MB", "$0.04", "req-1", "/store/assets/d.png", "Vivid"])
      expect(text).toContain(word);
    expect(root.querySelector('[data-changed="true"]')?.textContent).toBe("Steps20 25");
  });
  it("says why there is no recipe", async () => {
    const { press, root, last, drawn } = await opened(FIRST);
    await press("i");
    await last().refuse();
    await drawn();
    expect(root.querySelector('[data-testid="recipe"]')?.textContent).toContain("Wait a minute");
  });
  it("pins an image to compare it with another one", async () => {
    const { press, root } = await opened(FIRST);
    await press("c");
    expect(root.querySelectorAll("figure")).toHaveLength(2);
    const facts = () => [...root.querySelectorAll("footer > div")].map((each) => each.textContent);
    const pinned = facts()[1];
    for (const _ of [1, 2]) await press("ArrowRight");
    expect(root.querySelectorAll("figure")).toHaveLength(2);
    // Each of the two says what it is.
    expect(facts()).toHaveLength(2);
    expect(facts()[0]?.replace("A", "B")).toBe(pinned);
    expect(facts()[1]).not.toBe(pinned);
    await press("c");
    expect(root.querySelectorAll("figure")).toHaveLength(1);
  });
  it("stars the image by a key", async () => {
    const { press, calls } = await opened(FIRST);
    await press("f");
    expect(calls.map(({ call }) => call)).toContainEqual({
      method: "star",
      generationIds: ["old2-0"],
      starred: true,
    });
  });
});

const version = (batchId: string, patch: Partial<VersionState> = {}): VersionState => ({
  generationId: `${batchId}-0`,
  batchId,
  topicId: "t1",
  position: 0,
  status: "success",
  prompt: `prompt of ${batchId}`,
  action: null,
  added: [],
  removed: [],
  rewritten: false,
  changes: [],
  ...patch,
});
const chain = (id: string, patch: Partial<ChainResult> = {}): ChainResult => ({
  type: "chain",
  generationId: `${id}-0`,
  ancestors: [],
  earlier: false,
  siblings: [version(id, { action: "edit", added: ["snow"] })],
  siblingsCount: 1,
  children: [],
  childrenCount: 0,
  ...patch,
});

describe("the versions of an image", () => {
  async function withChain(patch: Partial<ChainResult> = { ancestors: [version("far"), version("old1")] }) {
    const view = await opened(FIRST);
    const reads = () => view.calls.filter(({ call }) => call.method === "read_chain");
    const told = async (id: string, more: Partial<ChainResult> = {}): Promise<void> => {
      await vi.advanceTimersByTimeAsync(300);
      await reads().at(-1)?.answer(chain(id, more));
      await view.drawn();
    };
    await told("old2", patch);
    const find = (testid: string) =>
      [...view.root.querySelectorAll(`[data-testid="${testid}"]`)] as HTMLElement[];
    return { ...view, reads, told, find };
  }

  it("stand in a strip with what changed, and are not there for an image without others", async () => {
    const { find, told, store } = await withChain({});
    expect(find("versions")).toEqual([]);
    store.setState(({ batches }) => ({ batches: { ...batches } }));
    await told("old2", { ancestors: [version("old1")], children: [version("new", { status: "pending" })] });
    expect(find("version").map((each) => each.getAttribute("aria-current"))).toEqual([null, "true", null]);
    expect(find("version").map((each) => each.getAttribute("aria-disabled"))).toEqual([
      "false",
      "false",
      "true",
    ]);
    expect(find("version-words")[0]?.textContent).toBe("Edit+ snow");
  });
  it("are walked by keys and clicks, also to another topic, which is fetched, and back", async () => {
    const { press, shown, calls, find, told, two, drawn, root } = await withChain();
    await press("ArrowLeft", true);
    expect(shown()).toBe("old1-0");
    await told("old1", { ancestors: [version("far")], children: [version("new2"), version("old2")] });
    find("version")[0]?.click();
    await drawn();
    const asked = calls.at(-1);
    expect(asked?.call).toEqual({ method: "named_batches", batchIds: ["far"] });
    await asked?.answer({ type: "batches", batches: [{ ...two("far"), topicId: "t2" }] });
    await drawn();
    expect(shown()).toBe("far-0");
    // The image stands in another topic: more of this feed leads nowhere.
    expect(root.querySelector('[data-testid="lightbox-after"]')).toBeNull();
    await told("far", { children: [version("old1")] });
    await press("ArrowRight", true);
    expect(shown()).toBe("old1-0");
    await told("old1", { ancestors: [version("far")], children: [version("old2"), version("new2")] });
    // Where the user came from comes before what is newer.
    await press("ArrowRight", true);
    expect(shown()).toBe("old2-0");
  });
  it("are walked as fast as one presses the keys", async () => {
    const { press, shown, told, calls, two, drawn } = await withChain();
    await press("ArrowLeft", true);
    await press("ArrowLeft", true);
    expect(shown()).toBe("old1-0");
    // The second step waits until it is known where it leads, and the third until the second is done.
    await told("old1", { ancestors: [version("far")], children: [version("old2")] });
    await press("ArrowRight", true);
    await calls.at(-1)?.answer({ type: "batches", batches: [two("far")] });
    await drawn();
    expect(shown()).toBe("far-0");
    await told("far", { children: [version("old1")] });
    expect(shown()).toBe("old1-0");
  });
  it("are walked by as many steps as keys were pressed before the way was known", async () => {
    const { press, shown, told } = await withChain();
    await press("ArrowLeft", true);
    await press("ArrowRight", true);
    await press("ArrowLeft", true);
    await told("old1", { children: [version("old2")] });
    expect(shown()).toBe("old2-0");
    await told("old2", { ancestors: [version("old1")] });
    expect(shown()).toBe("old1-0");
  });
  it("are not walked on by one who has gone elsewhere meanwhile", async () => {
    const { press, shown, told } = await withChain();
    await press("ArrowLeft", true);
    await press("ArrowRight", true);
    await press("ArrowLeft");
    expect(shown()).toBe("old2-1");
    const here = { generationId: "old2-1" };
    await told("old2", { ...here, siblings: [version("old2", here)], children: [version("old2")] });
    expect(shown()).toBe("old2-1");
  });
  it("say which one was deleted, and stay where they are", async () => {
    const { find, shown, calls, drawn, store } = await withChain();
    find("version")[0]?.click();
    await drawn();
    await calls.at(-1)?.answer({ type: "batches", batches: [] });
    await drawn();
    expect(shown()).toBe("old2-0");
    expect(store.getState().notices.at(-1)?.message).toBe("This version was deleted.");
  });
  it("are asked for where another kernel finished them before the page has heard of it", async () => {
    const { find, told, shown, calls, two, drawn, store } = await withChain();
    const running = two("new");
    const [image, other] = running.generations.map((each) => ({ ...each, status: "processing" as const }));
    if (!image || !other) throw new Error("a batch of two has two images");
    store.getState().addBatch({ ...running, generations: [image, other] });
    await told("old2", { children: [version("new")] });
    find("version")[1]?.click();
    await drawn();
    const asked = calls.at(-1);
    expect(asked?.call).toEqual({ method: "named_batches", batchIds: ["new"] });
    await asked?.answer({ type: "batches", batches: [running] });
    await drawn();
    expect(shown()).toBe("new-0");
  });
  it("are read again when the history changes, and not with each picture of a walk", async () => {
    const { store, reads, two, told, find } = await withChain();
    const before = reads().length;
    for (const id of ["x1", "x2", "x3"]) store.getState().addBatch({ ...two(id), topicId: "t9" });
    await told("old2", { ancestors: [version("old1")], children: [version("x1")] });
    expect(reads().length).toBe(before + 1);
    expect(find("version").length).toBe(3);
  });
  it("are compared with one click", async () => {
    const { find, drawn, root } = await withChain({ ancestors: [version("old1")] });
    find("compare-before")[0]?.click();
    await drawn();
    expect(root.querySelectorAll(".ip-lightbox-pane").length).toBe(2);
    expect(root.querySelector(".ip-lightbox-foot")?.textContent).toContain("prompt of old1");
  });
});
