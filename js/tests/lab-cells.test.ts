// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { insertPicture, pictureCell, takeDrops } from "../src/lab/drops";
import { insertCode, type NewCell, type NotebookPanel } from "../src/lab/notebook";
import { GENERATION } from "../src/lib/drag";
import type { DraggedImage } from "../src/lib/jupyterlab";

/** Return a notebook whose cells are 100 px high, and what was inserted into it. */
function notebook({ cells = 3, active = 0, readOnly = false, writable = true } = {}) {
  const node = document.body.appendChild(document.createElement("div"));
  const widgets = Array.from({ length: cells }, (_, index) => {
    const cell = node.appendChild(document.createElement("div"));
    cell.getBoundingClientRect = () => new DOMRect(20, 100 * index, 600, 100);
    return { node: cell };
  });
  node.getBoundingClientRect = () => new DOMRect(0, 0, 640, 500);
  const inserted: [number, NewCell][] = [];
  const panel: NotebookPanel & { content: { activeCellIndex: number } } = {
    content: {
      node,
      widgets,
      model: {
        readOnly,
        sharedModel: {
          insertCell: (index, cell) => {
            inserted.push([index, cell]);
            widgets.splice(index, 0, { node: document.createElement("div") });
          },
        },
      },
      activeCellIndex: active,
      deselectAll: () => undefined,
      scrollToItem: async () => undefined,
    },
    context: { contentsModel: { writable } },
  };
  return { panel, inserted, cell: (index: number) => widgets[index]?.node as HTMLElement };
}

const tracker = (...panels: NotebookPanel[]) => ({
  currentWidget: panels[0] ?? null,
  find: (test: (panel: NotebookPanel) => boolean) => panels.find(test),
});

afterEach(() => document.body.replaceChildren());

describe("code", () => {
  it("goes into a new cell below the active one, which is then the active one", () => {
    const { panel, inserted } = notebook({ active: 1 });
    expect(insertCode(tracker(panel), "batch = 1\n")).toBe(true);
    expect(inserted).toEqual([
      [2, { cell_type: "code", source: "batch = 1\n", metadata: { trusted: true } }],
    ]);
    expect(panel.content.activeCellIndex).toBe(2);
  });
  it("is the first cell of a notebook without cells", () => {
    const { panel, inserted } = notebook({ cells: 0, active: -1 });
    expect(insertCode(tracker(panel), "1")).toBe(true);
    expect(inserted[0]?.[0]).toBe(0);
  });
  it("goes nowhere without a notebook, and into no notebook that is read-only", () => {
    expect(insertCode(tracker(), "1")).toBe(false);
    for (const options of [{ readOnly: true }, { writable: false }]) {
      const { panel, inserted } = notebook(options);
      expect(insertCode(tracker(panel), "1")).toBe(false);
      expect(inserted).toEqual([]);
    }
  });
});

describe("a picture", () => {
  const source = (alt: string) => pictureCell(alt, { type: "image/webp", base64: "AAAA" }).source;
  it("is the attachment of a Markdown cell", () => {
    const cell = pictureCell("a fox", { type: "image/webp", base64: "AAAA" });
    if (cell.cell_type !== "markdown") throw new Error("not Markdown");
    const [name] = Object.keys(cell.attachments);
    expect(cell.source).toBe(`![a fox](attachment:${name})`);
    expect(name).toMatch(/^[a-z0-9]+\.webp$/);
    expect(cell.attachments).toEqual({ [name as string]: { "image/webp": "AAAA" } });
  });
  it("has a name of its own, so that cells can be merged", () => {
    expect(source("a fox")).not.toBe(source("a fox"));
  });
  it.each([
    ["a [red] fox", "a \\[red\\] fox"],
    ["](javascript:alert(1))", "\\](javascript:alert(1))"],
    ["<b>$5</b> & `x` *y* _z_", "\\<b\\>\\$5\\</b\\> \\& \\`x\\` \\*y\\* \\_z\\_"],
    ["\\[x\\]", "&#92;\\[x&#92;\\]"],
    [" two\nlines\t", "two lines"],
    ["🦊".repeat(300), `${"🦊".repeat(199)}…`],
  ])("is described by its prompt, which is not Markdown: %s", (prompt, shown) => {
    expect(source(prompt).startsWith(`![${shown}](attachment:`)).toBe(true);
  });
});

describe("a picture from a menu", () => {
  const JPEG = Uint8Array.of(1, 2, 3);
  function image() {
    let give = (_: Blob): void => undefined;
    const picture = new Promise<Blob>((resolve) => (give = resolve));
    const asked = vi.fn(() => picture);
    const image: DraggedImage = { alt: "a fox", picture: asked, code: async () => "" };
    return { image, asked, give: () => give(new Blob([JPEG], { type: "image/jpeg" })) };
  }
  beforeEach(() => vi.stubGlobal("createImageBitmap", async () => ({ width: 1, height: 1, close() {} })));
  afterEach(() => vi.unstubAllGlobals());

  it("goes below the cell that was active at the choice, wherever this cell is by then", async () => {
    const { panel, inserted } = notebook({ active: 1 });
    const { image: fox, give } = image();
    const done = insertPicture(tracker(panel), fox);
    panel.content.activeCellIndex = 0;
    insertCode(tracker(panel), "before");
    give();
    expect(await done).toBe(true);
    expect(inserted[1]?.[0]).toBe(3);
    expect(inserted[1]?.[1]).toMatchObject({ cell_type: "markdown" });
    expect(JSON.stringify(inserted[1]?.[1])).toContain('{"image/jpeg":"AQID"}');
    expect(panel.content.activeCellIndex).toBe(3);
  });
  it("is the first cell of a notebook without cells", async () => {
    const { panel, inserted } = notebook({ cells: 0, active: -1 });
    const { image: fox, give } = image();
    give();
    expect(await insertPicture(tracker(panel), fox)).toBe(true);
    expect(inserted[0]?.[0]).toBe(0);
  });
  it("is not asked for where no notebook takes a cell", async () => {
    const { image: fox, asked } = image();
    expect(await insertPicture(tracker(), fox)).toBe(false);
    expect(await insertPicture(tracker(notebook({ readOnly: true }).panel), fox)).toBe(false);
    expect(asked).not.toHaveBeenCalled();
  });
  it("goes nowhere where the notebook is closed meanwhile", async () => {
    const { panel, inserted } = notebook();
    const { image: fox, give } = image();
    const done = insertPicture(tracker(panel), fox);
    Object.assign(panel.content, { model: null });
    give();
    expect(await done).toBe(false);
    expect(inserted).toEqual([]);
  });
  it("rejects where the studio has none", async () => {
    const { panel, inserted } = notebook();
    const { image: fox } = image();
    const none = { ...fox, picture: async () => Promise.reject(new Error("none")) };
    await expect(insertPicture(tracker(panel), none)).rejects.toThrow("none");
    expect(inserted).toEqual([]);
  });
});

describe("a drag over a notebook", () => {
  const texts = { dropPicture: "Picture", dropCode: "Code" };
  const line = () => document.querySelector<HTMLElement>('[data-testid="imgplay-drop-line"]');
  let ended: AbortController;
  let image: DraggedImage | null;
  beforeEach(() => {
    ended = new AbortController();
    image = {
      alt: "a fox",
      picture: async () => Promise.reject(new Error("none")),
      code: async () => "Image.open('fox')",
    };
  });
  afterEach(() => ended.abort());

  const take = (...panels: NotebookPanel[]) =>
    takeDrops(tracker(...panels), () => image, texts, ended.signal);

  /** Send an event of a drag, and return whether the notebook took it. */
  function drag(kind: string, target: Element, { types = [GENERATION], altKey = false, clientY = 0 } = {}) {
    const event = new MouseEvent(kind, { bubbles: true, cancelable: true, altKey, clientY });
    const dataTransfer = { types, dropEffect: "none" };
    Object.assign(event, { dataTransfer });
    let reached = false;
    target.addEventListener(kind, () => (reached = true), { once: true });
    target.dispatchEvent(event);
    expect(reached).toBe(!event.defaultPrevented);
    return { taken: event.defaultPrevented, effect: dataTransfer.dropEffect };
  }

  it("shows where a drop puts its cell, and what kind of cell", () => {
    const { panel, cell } = notebook();
    take(panel);
    expect(drag("dragover", cell(1))).toEqual({ taken: true, effect: "copy" });
    expect([line()?.style.top, line()?.textContent]).toEqual(["200px", "Picture"]);
    drag("dragover", cell(0), { altKey: true });
    expect([line()?.style.top, line()?.textContent]).toEqual(["100px", "Code"]);
    drag("dragend", cell(0));
    expect(line()).toBeNull();
  });
  it("keeps its line in sight where the cell ends below", () => {
    const { panel, cell } = notebook();
    take(panel);
    cell(2).getBoundingClientRect = () => new DOMRect(20, 200, 600, 2000);
    drag("dragover", cell(2));
    expect(line()?.style.top).toBe("488px");
  });
  it("drops code below the cell with Alt, wherever this cell is by then", async () => {
    const { panel, inserted, cell } = notebook();
    take(panel);
    let give = (_: string): void => undefined;
    if (image) image.code = () => new Promise((resolve) => (give = resolve));
    drag("dragover", cell(1), { altKey: true });
    expect(drag("drop", cell(1), { altKey: true }).taken).toBe(true);
    expect(line()).toBeNull();
    insertCode(tracker(panel), "before");
    give("opens");
    await vi.waitFor(() => expect(inserted).toHaveLength(2));
    expect(inserted[1]).toEqual([3, { cell_type: "code", source: "opens", metadata: { trusted: true } }]);
  });
  it("between and below cells means the cell above the pointer, and above all the top", async () => {
    const { panel, inserted } = notebook();
    take(panel);
    drag("drop", panel.content.node, { altKey: true, clientY: 150 });
    await vi.waitFor(() => expect(inserted[0]?.[0]).toBe(2));
    drag("drop", panel.content.node, { altKey: true, clientY: -5 });
    await vi.waitFor(() => expect(inserted[1]?.[0]).toBe(0));
  });
  it("adds nothing where the studio has nothing to give", async () => {
    const { panel, inserted, cell } = notebook();
    take(panel);
    const asked = vi.spyOn(image as DraggedImage, "picture");
    drag("drop", cell(0));
    expect(asked).toHaveBeenCalled();
    await asked.mock.results[0]?.value.catch(() => undefined);
    await Promise.resolve();
    expect(inserted).toEqual([]);
  });
  it.each([
    ["nothing of a studio is dragged", () => (image = null), {}],
    ["something else is dragged", () => undefined, { types: ["Files"] }],
  ])("is left alone where %s", (_, before, options) => {
    const { panel, cell } = notebook();
    take(panel);
    before();
    expect(drag("dragover", cell(0), options).taken).toBe(false);
    expect(line()).toBeNull();
  });
  it("is left to the studio, to what is no notebook, and to the host at the end", () => {
    const { panel, cell } = notebook();
    const elsewhere = document.body.appendChild(document.createElement("div"));
    const studio = cell(0).appendChild(document.createElement("div"));
    studio.className = "imgplay";
    const locked = notebook({ writable: false });
    take(panel, locked.panel);
    drag("dragover", cell(0));
    for (const target of [elsewhere, studio, locked.cell(0)]) {
      expect(drag("dragover", target).taken).toBe(false);
      expect(line()).toBeNull();
    }
    ended.abort();
    expect(drag("dragover", cell(0)).taken).toBe(false);
  });
});
