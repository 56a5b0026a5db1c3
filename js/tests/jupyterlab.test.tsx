// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { error, snapshot } from "../dev/fixtures";
import widget, { KEPT_FOR } from "../src/index";
import type { DraggedImage, LabOffers } from "../src/lib/jupyterlab";
import { FakeModel, settled } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await drawn();
  window.imgplayLab = undefined;
  vi.useRealTimers();
  document.body.replaceChildren();
});

async function drawn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
  await settled();
}

/** A JupyterLab that keeps what a studio does with its extension. */
class Lab implements LabOffers {
  readonly tabs: { label: string; el: HTMLElement; closed: AbortController; until: AbortSignal }[] = [];
  readonly codes: string[] = [];
  readonly pictures: Blob[] = [];
  readonly drags: (DraggedImage | null)[] = [];
  takes = true;

  openTab(label: string, show: (el: HTMLElement, signal: AbortSignal) => void, until: AbortSignal): void {
    const el = document.body.appendChild(document.createElement("div"));
    const closed = new AbortController();
    until.addEventListener("abort", () => closed.abort());
    this.tabs.push({ label, el, closed, until });
    show(el, closed.signal);
  }
  insertCode(code: string): boolean {
    this.codes.push(code);
    return this.takes;
  }
  async insertPicture(image: DraggedImage): Promise<boolean> {
    if (this.takes) this.pictures.push(await image.picture());
    return this.takes;
  }
  drag(image: DraggedImage | null): void {
    this.drags.push(image);
  }
}

/** Return the model as a host hands it to a view: what listens to it is taken away with the view. */
function ofView(fake: FakeModel, signal: AbortSignal) {
  return {
    ...fake,
    on: (name: string, handler: () => void) => {
      fake.on(name, handler);
      signal.addEventListener("abort", () => fake.off(name, handler));
    },
  };
}

/** Return a widget in a cell, its kernel having answered. */
async function opened() {
  const fake = new FakeModel();
  const model = new AbortController();
  const { initialize, render } = widget();
  initialize({ model: fake.model, signal: model.signal } as unknown as Props);
  const el = document.body.appendChild(document.createElement("div"));
  const ended = new AbortController();
  render({ model: ofView(fake, ended.signal), el, signal: ended.signal } as unknown as Props);
  await fake.reply(fake.requests("hello")[0]?.id ?? "", {
    type: "snapshot",
    snapshot: snapshot(Date.now(), true),
  });
  for (const { id } of fake.requests("queue")) await fake.reply(id, { type: "queue", batches: [] });
  await drawn();
  return { fake, model, el, ended };
}

const all = (el: Element, testid: string) => [
  ...el.querySelectorAll<HTMLElement>(`[data-testid="${testid}"]`),
];
function find(el: Element, testid: string): HTMLElement {
  const [found] = all(el, testid);
  if (!found) throw new Error(`${testid} is not on the page`);
  return found;
}
const root = (el: Element) => find(el, "imgplay");
const notices = (el: Element) =>
  [...el.querySelectorAll("[data-level]")].map(({ textContent }) => textContent ?? "");

describe("without the extension", () => {
  it("a studio offers none of its things, and is dragged from as before", async () => {
    const { el } = await opened();
    expect(all(el, "open-tab")).toHaveLength(0);
    find(el, "batch-menu").click();
    await drawn();
    find(el, "copy-code");
    expect(all(el, "insert-code")).toHaveLength(0);
    await openTileMenu(el);
    find(el, "copy-image");
    expect(all(el, "insert-picture")).toHaveLength(0);
    const sent: string[] = [];
    drag(el, "dragstart", { setData: (type: string) => void sent.push(type) });
    drag(el, "dragend");
    expect(sent).toEqual(["application/x-imgplay-generation"]);
  });
  it("the tab is not offered where the host has none", async () => {
    const { openTab: _, ...lab } = new Lab();
    window.imgplayLab = {
      ...lab,
      insertCode: () => true,
      insertPicture: async () => true,
      drag: () => undefined,
    };
    const { el } = await opened();
    expect(all(el, "open-tab")).toHaveLength(0);
    find(el, "batch-menu").click();
    await drawn();
    find(el, "insert-code");
  });
});

describe("a tab", () => {
  async function inTab() {
    const lab = new Lab();
    window.imgplayLab = lab;
    const widget = await opened();
    find(widget.el, "open-tab").click();
    await drawn();
    const [tab] = lab.tabs;
    if (!tab) throw new Error("no tab");
    return { ...widget, lab, tab };
  }

  it("shows the same page, which fills the tab and opens no other tab", async () => {
    const { fake, el, tab } = await inTab();
    expect(tab.label).toBe("Image studio");
    expect(fake.requests("hello")).toHaveLength(1);
    expect(all(tab.el, "batch")).toHaveLength(all(el, "batch").length);
    fake.set("height", 700);
    await drawn();
    expect(root(el).style.getPropertyValue("--ip-height")).toBe("700px");
    expect(root(el).hasAttribute("data-fill")).toBe(false);
    find(el, "resize-bottom");
    expect(root(tab.el).hasAttribute("data-fill")).toBe(true);
    expect(root(tab.el).style.getPropertyValue("--ip-height")).toBe("");
    expect(all(tab.el, "resize-bottom")).toHaveLength(0);
    expect(all(tab.el, "open-tab")).toHaveLength(0);
    find(el, "open-tab");
  });
  it("leaves the view in the cell when it is closed", async () => {
    const { fake, el, tab } = await inTab();
    tab.closed.abort();
    expect(tab.el.childElementCount).toBe(0);
    await vi.advanceTimersByTimeAsync(2 * KEPT_FOR);
    find(el, "prompt");
    expect(fake.handlers.size).toBe(1);
  });
  it("keeps the page while the cell does not show it, and no longer", async () => {
    const { fake, ended, tab } = await inTab();
    ended.abort();
    await vi.advanceTimersByTimeAsync(2 * KEPT_FOR);
    find(tab.el, "prompt");
    expect([fake.handlers.size, tab.until.aborted]).toEqual([1, false]);
    tab.closed.abort();
    await vi.advanceTimersByTimeAsync(2 * KEPT_FOR);
    expect(fake.handlers.size).toBe(0);
  });
  it("is closed when the kernel's side ends", async () => {
    const { model, tab } = await inTab();
    model.abort();
    expect(tab.until.aborted).toBe(true);
    expect(tab.el.childElementCount).toBe(0);
  });
});

describe("the code of a batch", () => {
  async function chosen(takes: boolean) {
    const lab = new Lab();
    lab.takes = takes;
    window.imgplayLab = lab;
    const { fake, el } = await opened();
    find(el, "batch-menu").click();
    await drawn();
    find(el, "insert-code").click();
    const asked = fake.requests("code");
    expect(asked.map(({ call }) => call)).toEqual([
      { method: "code", batchId: find(el, "batch").dataset.batchId, generationId: null },
    ]);
    return { lab, fake, el, id: asked[0]?.id ?? "" };
  }

  it("goes into the notebook, and the studio says so", async () => {
    const { lab, fake, el, id } = await chosen(true);
    await fake.reply(id, { type: "code", text: "batch = pg.generate()\n" });
    await drawn();
    expect(lab.codes).toEqual(["batch = pg.generate()\n"]);
    expect(notices(el).join()).toContain("The notebook has a new cell with the code.");
  });
  it("says where no notebook takes a cell", async () => {
    const { fake, el, id } = await chosen(false);
    await fake.reply(id, { type: "code", text: "1" });
    await drawn();
    expect(notices(el).join()).toContain("Open a notebook that you can edit");
  });
  it("says why there is none, and asks for no cell", async () => {
    const { lab, fake, el, id } = await chosen(true);
    fake.receive({
      kind: "reply",
      to: id,
      result: null,
      error: error({ code: "page", message: "Not now." }),
    });
    await drawn();
    expect(lab.codes).toEqual([]);
    expect(notices(el).join()).toContain("Not now.");
  });
});

function finishedTile(el: Element): HTMLElement {
  const tile = all(el, "tile").find(({ dataset }) => dataset.status === "success");
  if (!tile) throw new Error("no image");
  return tile;
}

/** Open the menu of the first finished image, as the focus on its tile offers it. Return the id of the image. */
async function openTileMenu(el: Element): Promise<string> {
  const tile = finishedTile(el);
  tile.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
  await drawn();
  find(tile, "tile-menu").click();
  await drawn();
  return tile.dataset.generationId ?? "";
}

describe("the picture of an image", () => {
  async function chosen(takes: boolean) {
    const lab = new Lab();
    lab.takes = takes;
    window.imgplayLab = lab;
    const { fake, el } = await opened();
    const before = new Set(fake.requests("thumbnails").map(({ id }) => id));
    const generationId = await openTileMenu(el);
    find(el, "insert-picture").click();
    await drawn();
    const asked = fake.requests("thumbnails").find(({ id }) => !before.has(id));
    return { lab, fake, el, generationId, asked };
  }
  const answered = (generationId: string, buffer: number | null) => {
    const item = { generationId, buffer, reason: buffer === null ? ("kind" as const) : null };
    return { result: { type: "thumbnails" as const, items: [item] }, error: null };
  };

  it("goes into the notebook from the menu of its tile, and the studio says so", async () => {
    const { lab, fake, el, generationId, asked } = await chosen(true);
    expect(asked?.call).toMatchObject({ generationIds: [generationId] });
    expect(notices(el).join()).toBe("");
    const bytes = new DataView(Uint8Array.of(7, 8, 9).buffer);
    fake.receive({ kind: "reply", to: asked?.id ?? "", ...answered(generationId, 0) }, [bytes]);
    await drawn();
    expect(lab.pictures.map(({ size }) => size)).toEqual([3]);
    expect(notices(el).join()).toContain("The notebook has a new cell with the preview.");
  });
  it("is not asked for where no notebook takes a cell, and the studio says so", async () => {
    const { el, asked } = await chosen(false);
    expect(asked).toBeUndefined();
    expect(notices(el).join()).toContain("Open a notebook that you can edit");
  });
  it("stays out of the notebook where there is none, and the studio says why", async () => {
    const { lab, fake, el, generationId, asked } = await chosen(true);
    fake.receive({ kind: "reply", to: asked?.id ?? "", ...answered(generationId, null) });
    await drawn();
    expect(lab.pictures).toEqual([]);
    expect(notices(el).join()).toContain("Drag it with Alt held");
    expect(notices(el).join()).not.toContain("new cell");
  });
});

/** Send an event of a drag to the first finished image. */
function drag(el: Element, kind: string, dataTransfer: object = { setData: () => undefined }): string {
  const tile = finishedTile(el);
  tile.dispatchEvent(Object.assign(new Event(kind, { bubbles: true, cancelable: true }), { dataTransfer }));
  return tile.dataset.generationId ?? "";
}

describe("an image that is dragged", () => {
  async function dragged() {
    const lab = new Lab();
    window.imgplayLab = lab;
    const { fake, el } = await opened();
    const id = drag(el, "dragstart");
    const image = lab.drags.at(-1);
    if (!image) throw new Error("nothing is dragged");
    return { lab, fake, el, id, image };
  }

  it("is told to the extension until the end of the drag", async () => {
    const { lab, el, image } = await dragged();
    expect(image.alt).toBe(el.querySelector('[data-testid="batch"] button[title]')?.textContent);
    drag(el, "dragend");
    expect(lab.drags).toEqual([image, null]);
  });
  it("gives the code that opens its file", async () => {
    const { fake, el, id, image } = await dragged();
    const code = image.code();
    const [asked] = fake.requests("code");
    expect(asked?.call).toMatchObject({ batchId: find(el, "batch").dataset.batchId, generationId: id });
    await fake.reply(asked?.id ?? "", { type: "code", text: "Image.open('x')" });
    expect(await code).toBe("Image.open('x')");
  });
  it("gives its thumbnail, which is asked for where the page does not have it", async () => {
    const { fake, id, image } = await dragged();
    const picture = image.picture();
    const asked = fake.requests("thumbnails").at(-1);
    expect(asked?.call).toMatchObject({ generationIds: [id] });
    const bytes = new DataView(Uint8Array.of(0, 1, 2, 3, 4).buffer, 1, 3);
    const result = { type: "thumbnails", items: [{ generationId: id, buffer: 0, reason: null }] } as const;
    fake.receive(
      { kind: "reply", to: asked?.id ?? "", result: { ...result, items: [...result.items] }, error: null },
      [bytes],
    );
    const blob = await picture;
    expect([blob.type, ...new Uint8Array(await blob.arrayBuffer())]).toEqual(["image/webp", 1, 2, 3]);
  });
  it("says why there is no picture, or no code", async () => {
    const { fake, el, id, image } = await dragged();
    const picture = image.picture();
    const asked = fake.requests("thumbnails").at(-1);
    void fake.reply(asked?.id ?? "", {
      type: "thumbnails",
      items: [{ generationId: id, buffer: null, reason: "kind" }],
    });
    await expect(picture).rejects.toThrow();
    await drawn();
    expect(notices(el).join()).toContain("Drag it with Alt held");
    const code = image.code();
    const refused = error({ code: "store_error", message: "The file is gone." });
    fake.receive({ kind: "reply", to: fake.requests("code")[0]?.id ?? "", result: null, error: refused });
    await expect(code).rejects.toThrow();
    await drawn();
    expect(notices(el).join()).toContain("The file is gone.");
  });
});
