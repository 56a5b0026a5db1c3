// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { placed } from "../src/lib/place";
import { Media } from "../src/media";
import { Parts } from "../src/parts";
import { PageContext } from "../src/views/context";
import { Menu, type MenuItem } from "../src/views/menu";
import { partFromSource, settled, storeWithKernel } from "./kit";

let root: HTMLElement;
afterEach(() => {
  render(null, root);
  document.body.replaceChildren();
});

async function shown(loaded = true) {
  const chosen: string[] = [];
  const item = (text: string, more: Partial<MenuItem> = {}): MenuItem => ({
    text,
    onChoose: () => void chosen.push(text),
    ...more,
  });
  root = document.createElement("div");
  document.body.append(root);
  const items = [item("Copy"), item("Move", { disabled: true }), item("Delete", { danger: true })];
  const { page: own } = storeWithKernel();
  const parts = new Parts(partFromSource);
  if (loaded) await parts.want("tools");
  const page = {
    ...own,
    parts,
    media: new Media(() => Promise.reject(new Error("no kernel"))),
    learnt: Promise.resolve(),
    setHeight: () => undefined,
  };
  const menu = <Menu icon="more" label="More" testid="more" items={() => items} />;
  act(() => render(<PageContext.Provider value={page}>{menu}</PageContext.Provider>, root));
  const button = root.querySelector("button") as HTMLButtonElement;
  const press = (key: string) =>
    act(() => {
      const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
      document.activeElement?.dispatchEvent(event);
    });
  const focused = () => document.activeElement?.textContent;
  const open = () => root.querySelector("[role=menu]") !== null;
  return { chosen, button, press, focused, open };
}

describe("a menu", () => {
  it("opens with the focus on its first entry, and moves it around by key", async () => {
    const { button, press, focused } = await shown();
    act(() => button.click());
    expect(button.getAttribute("aria-expanded")).toBe("true");
    expect(focused()).toBe("Copy");
    press("ArrowDown");
    expect(focused()).toBe("Move");
    press("End");
    expect(focused()).toBe("Delete");
    press("ArrowDown");
    expect(focused()).toBe("Copy");
    press("ArrowUp");
    expect(focused()).toBe("Delete");
    press("m");
    expect(focused()).toBe("Move");
  });
  it("opens at its end with the arrow up", async () => {
    const { button, press, focused } = await shown();
    button.focus();
    press("ArrowUp");
    expect(focused()).toBe("Delete");
  });
  it("does what is chosen once, closes, and gives the focus back", async () => {
    const { button, chosen, open } = await shown();
    act(() => button.click());
    act(() => (document.activeElement as HTMLElement).click());
    expect(chosen).toEqual(["Copy"]);
    expect(open()).toBe(false);
    expect(document.activeElement).toBe(button);
  });
  it("opens once its part is there, and moves the focus into it then", async () => {
    const { button, focused, open } = await shown(false);
    button.focus();
    act(() => button.click());
    expect(open()).toBe(false);
    expect(root.querySelector('[data-testid="part-loading"]')).not.toBeNull();
    await act(async () => settled());
    expect(open()).toBe(true);
    expect(focused()).toBe("Copy");
  });
  it("does nothing for an entry that is off", async () => {
    const { button, chosen, press, open } = await shown();
    act(() => button.click());
    press("ArrowDown");
    act(() => (document.activeElement as HTMLElement).click());
    expect(chosen).toEqual([]);
    expect(open()).toBe(true);
  });
  it("closes on Escape with the focus on its button, and lets nobody else hear of it", async () => {
    const { button, press, open } = await shown();
    const heard: string[] = [];
    root.addEventListener("keydown", (event) => heard.push(event.key));
    act(() => button.click());
    press("Escape");
    expect(open()).toBe(false);
    expect(document.activeElement).toBe(button);
    expect(heard).toEqual([]);
  });
  it("stays open when a host announces a size that is the old one, and closes on a new one", async () => {
    const { button, open } = await shown();
    act(() => button.click());
    // Effects that listen run after the drawing.
    await act(async () => undefined);
    act(() => void window.dispatchEvent(new Event("resize")));
    expect(open()).toBe(true);
    const width = window.innerWidth;
    try {
      window.innerWidth = width - 100;
      act(() => void window.dispatchEvent(new Event("resize")));
      expect(open()).toBe(false);
    } finally {
      window.innerWidth = width;
    }
  });
  it("closes on a press elsewhere, and leaves the focus alone", async () => {
    const { button, open } = await shown();
    act(() => button.click());
    act(() => void document.body.dispatchEvent(new Event("pointerdown", { bubbles: true, composed: true })));
    expect(open()).toBe(false);
  });
});

describe("the place of a popup", () => {
  const room = { left: 0, top: 0, width: 400, height: 300 };
  const popup = { width: 100, height: 120 };
  it("is below its anchor where there is room", () => {
    expect(placed({ left: 50, top: 20, width: 30, height: 30 }, popup, room, "start")).toMatchObject({
      left: 50,
      top: 54,
    });
  });
  it("is above it near the lower edge", () => {
    expect(placed({ left: 50, top: 250, width: 30, height: 30 }, popup, room, "end")).toMatchObject({
      left: 8,
      top: 126,
    });
  });
  it("stays in the window, and says how high it may be", () => {
    const tall = { width: 390, height: 900 };
    const { left, top, maxHeight } = placed(
      { left: 390, top: 200, width: 30, height: 30 },
      tall,
      room,
      "start",
    );
    expect(left).toBe(8);
    expect(top).toBe(8);
    expect(maxHeight).toBe(188);
  });
  it("covers its anchor where neither side has the room, and stays in the window", () => {
    const low = { ...room, height: 250 };
    const at = { left: 50, top: 100, width: 30, height: 30 };
    expect(placed(at, { width: 100, height: 900 }, low, "start")).toMatchObject({ top: 8, maxHeight: 234 });
    expect(placed(at, { width: 100, height: 150 }, low, "start")).toMatchObject({ top: 92, maxHeight: 234 });
  });
  it("stays in a room that does not begin at the corner", () => {
    const seen = { left: 100, top: 5000, width: 400, height: 300 };
    const place = (left: number, top: number, height = popup.height) =>
      placed({ left, top, width: 30, height: 30 }, { width: 100, height }, seen, "end");
    expect(place(100, 5010)).toMatchObject({ left: 108, top: 5044 });
    expect(place(480, 5250)).toMatchObject({ left: 392, top: 5126 });
    expect(place(200, 5200, 900)).toMatchObject({ top: 5008, maxHeight: 188 });
  });
});
