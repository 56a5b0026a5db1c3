// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { focusOn, reveal } from "../src/lib/focus";
import { followRoom, isTall, roomOf, settleRoom, shownPart } from "../src/lib/room";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

/** Let the page be in a frame of 14,000 px on a screen of 900 px. */
function inTallFrame(): void {
  vi.stubGlobal("parent", {});
  vi.stubGlobal("innerHeight", 14_000);
  vi.stubGlobal("screen", { height: 900, availHeight: 860 });
}

function at(element: Element, left: number, top: number, width: number, height: number): void {
  element.getBoundingClientRect = () => new DOMRect(left, top, width, height);
}

describe("a frame is tall", () => {
  it("where it is taller than the screen, and is in another page", () => {
    expect(isTall()).toBe(false);
    inTallFrame();
    expect(isTall()).toBe(true);
    vi.stubGlobal("innerHeight", 900);
    expect(isTall()).toBe(false);
  });
  it("but no window of its own, however far the user zooms out", () => {
    vi.stubGlobal("innerHeight", 1800);
    vi.stubGlobal("screen", { height: 900, availHeight: 860 });
    expect(isTall()).toBe(false);
  });
});

describe("the room in a tall frame", () => {
  const studio = { left: 50, top: 5100, width: 1000, height: 600 };
  const seen = (top: number, height = 800) => ({ left: 0, top, width: 1200, height });

  it("is the studio where all of it is in sight", () => {
    expect(shownPart(studio, seen(5000))).toEqual(studio);
  });
  it("is its part in sight, from above and from below", () => {
    expect(shownPart(studio, seen(5200))).toEqual({ ...studio, top: 5200, height: 500 });
    expect(shownPart(studio, seen(4700))).toEqual({ ...studio, height: 400 });
    expect(shownPart({ ...studio, height: 2000 }, seen(5500))).toEqual({ ...studio, top: 5500, height: 800 });
  });
  it("keeps a size that is of use, within the studio", () => {
    expect(shownPart(studio, seen(5600))).toEqual({ ...studio, top: 5440, height: 260 });
    expect(shownPart(studio, seen(4400))).toEqual({ ...studio, height: 260 });
    expect(shownPart(studio, seen(9000))).toEqual({ ...studio, top: 5440, height: 260 });
    expect(shownPart({ ...studio, height: 200 }, seen(5250))).toEqual({ ...studio, height: 200 });
    expect(shownPart(studio, seen(5200, 200))).toEqual({ ...studio, top: 5200, height: 260 });
  });
});

describe("an open studio", () => {
  type Told = (entries: { intersectionRect: DOMRect }[]) => void;
  let tell: Told[] = [];
  let observed: number[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    inTallFrame();
    tell = [];
    observed = [];
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        index: number;
        constructor(told: Told) {
          this.index = tell.push(told) - 1;
          observed.push(0);
        }
        observe() {
          observed[this.index] = (observed[this.index] ?? 0) + 1;
        }
        unobserve() {}
        disconnect() {
          observed[this.index] = -1;
        }
      },
    );
  });

  function opened() {
    const root = document.createElement("div");
    root.className = "imgplay";
    const strip = document.createElement("i");
    root.append(strip);
    document.body.append(root);
    at(root, 10, 5100, 1000, 600);
    const end = followRoom(root, [strip]);
    const variable = (name: string): string => root.style.getPropertyValue(name);
    const see = (top: number, height: number): void =>
      tell[0]?.([{ intersectionRect: new DOMRect(0, top, 1200, height) }]);
    return { root, strip, end, variable, see };
  }

  it("takes the height of the screen until it knows the window", () => {
    const { variable, see } = opened();
    expect(variable("--ip-editor")).toBe("860px");
    see(5000, 620);
    expect(variable("--ip-editor")).toBe("620px");
    expect([variable("--ip-y"), variable("--ip-h"), variable("--ip-below")]).toEqual([
      "5100px",
      "520px",
      "80px",
    ]);
  });
  it("follows when the host rests, and at once where something opens", () => {
    const { strip, variable, see } = opened();
    see(5000, 620);
    see(5300, 620);
    expect(roomOf(strip)).toEqual({ left: 10, top: 5300, width: 1000, height: 400 });
    expect(variable("--ip-above")).toBe("0px");
    vi.advanceTimersByTime(200);
    expect(variable("--ip-above")).toBe("200px");
    see(5100, 620);
    settleRoom(strip);
    expect(variable("--ip-above")).toBe("0px");
  });
  it("asks for the window when a strip has moved, and keeps the last one while nothing is in sight", () => {
    const { variable, see } = opened();
    see(5000, 620);
    expect(observed[0]).toBe(1);
    tell[1]?.([]);
    expect(observed[0]).toBe(2);
    see(0, 0);
    vi.advanceTimersByTime(200);
    expect(variable("--ip-editor")).toBe("620px");
  });
  it("leaves nothing behind", () => {
    const { strip, end } = opened();
    expect(document.body.children).toHaveLength(2);
    end();
    expect(document.body.children).toHaveLength(1);
    expect(observed).toEqual([-1, -1]);
    expect(roomOf(strip)).toMatchObject({ left: 0, top: 0 });
  });
});

describe("the focus", () => {
  /** Return a button in a list that scrolls, at a place below the lower edge of the list. */
  function shown() {
    document.body.innerHTML =
      '<div id="host" style="overflow-y: auto"><div class="imgplay"><ul style="overflow-y: auto"><button></button></ul></div></div>';
    const [host, list, button] = ["#host", "ul", "button"].map((each) => document.querySelector(each));
    if (!host || !list || !(button instanceof HTMLElement)) throw new Error("not drawn");
    at(host, 0, 0, 500, 300);
    at(list, 0, 0, 500, 200);
    at(button, 0, 400, 100, 30);
    const focus = vi.spyOn(button, "focus");
    return { host, list, button, focus };
  }
  it("scrolls the host too, where the window is the host's", () => {
    const { button, focus } = shown();
    focusOn(button);
    expect(focus).toHaveBeenCalledWith({ preventScroll: false });
  });
  it("scrolls nothing but the page's own lists in a tall frame", () => {
    inTallFrame();
    const { host, list, button, focus } = shown();
    focusOn(button);
    expect(focus).toHaveBeenCalledWith({ preventScroll: true });
    expect([host.scrollTop, list.scrollTop]).toEqual([0, 230]);
  });
  it("leaves the lists below a dialog alone", () => {
    const { list, button } = shown();
    button.popover = "manual";
    reveal(button);
    expect(list.scrollTop).toBe(0);
  });
});
