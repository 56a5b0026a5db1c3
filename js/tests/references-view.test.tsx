// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { model, snapshot } from "../dev/fixtures";
import widget from "../src/index";
import type { ReferenceState } from "../src/protocol.gen";
import { FakeModel, hostThatShows, Pixel, settled } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

beforeEach(() => {
  vi.useFakeTimers();
  hostThatShows("blobs");
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
  document.body.replaceChildren();
});

const held = (digest: string): ReferenceState => ({ digest, mediaType: "image/png", width: 30, height: 20 });
const RULE = {
  minCount: 0,
  maxCount: 3,
  maxPixels: null,
  maxBytes: 3_000_000,
  mediaTypes: ["image/png"],
  givesSize: false,
};

const focused = () => (document.activeElement as HTMLElement).dataset.testid;

/** Return a widget whose model takes references; its draft has those that are named. */
async function opened(digests: string[] = [], takes = true, mask: ReferenceState | null = null) {
  const fake = new FakeModel();
  const { signal } = new AbortController();
  const { initialize, render } = widget();
  initialize({ model: fake.model, signal } as unknown as Props);
  const el = document.createElement("div");
  document.body.append(el);
  render({ model: fake.model, el, signal } as unknown as Props);
  const base = snapshot(0, false);
  const own = model("edit", { title: "Edit", references: takes ? RULE : null, mask: takes });
  await fake.reply(fake.requests("hello")[0]?.id ?? "", {
    type: "snapshot",
    snapshot: {
      ...base,
      models: [own],
      config: { ...base.config, model: own.name },
      draft: { prompt: "a fox", references: digests.map(held), mask },
    },
  });
  await drawn();
  const entries = () => [...el.querySelectorAll<HTMLElement>('[data-testid="reference"]')];
  const open = (index: number) => entries()[index]?.querySelector("[role=button]") as HTMLElement;
  const part = (testid: string) => el.querySelector<HTMLElement>(`[data-testid="${testid}"]`);
  const click = async (testid: string) => {
    part(testid)?.focus();
    part(testid)?.click();
    await drawn();
  };
  const generated = async () => {
    el.querySelector<HTMLElement>('[data-testid="generate"]')?.click();
    await drawn();
    return fake.requests("generate").at(-1)?.call;
  };
  return { fake, el, entries, open, part, click, generated };
}

async function drawn(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await vi.advanceTimersByTimeAsync(50);
    await settled();
  }
}

const press = (target: HTMLElement | null, key: string, more: KeyboardEventInit = {}) =>
  target?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));

/** Something dragged or pasted: its types, and what they hold. */
function transfer(data: Record<string, string>, files: File[] = []) {
  const types = [...Object.keys(data), ...(files.length > 0 ? ["Files"] : [])];
  return {
    types,
    files,
    getData: (type: string) => data[type] ?? "",
    setData: () => undefined,
    dropEffect: "",
  };
}

function send(target: Element, type: string, property: string, value: unknown): Event {
  const event = new Event(type, { bubbles: true, cancelable: true });
  Object.defineProperty(event, property, { value });
  target.dispatchEvent(event);
  return event;
}

const png = () =>
  new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2])], "cat.png", { type: "image/png" });

describe("the strip of references", () => {
  it("ask in the prompt what to change, as long as the model gets one of them", async () => {
    const hint = (el: HTMLElement) =>
      el.querySelector<HTMLTextAreaElement>('[data-testid="prompt"]')?.placeholder;
    expect(hint((await opened(["a"])).el)).toBe("Say what to change in the picture…");
    expect(hint((await opened([])).el)).toMatch(/^Describe/);
    expect(hint((await opened(["a"], false)).el)).toMatch(/^Describe/);
  });
  it("is moved and emptied by keys, and what it shows is sent", async () => {
    const { entries, open, generated } = await opened(["a", "b", "c"]);
    press(open(2), "ArrowLeft", { shiftKey: true });
    await drawn();
    open(0).focus();
    press(open(0), "ArrowRight");
    expect(document.activeElement).toBe(open(1));
    press(open(0), "Delete");
    await drawn();
    expect(entries()).toHaveLength(2);
    expect(await generated()).toMatchObject({ wishes: [{ references: ["c", "b"] }] });
  });
  it("is not there for a model that takes none, unless it holds some: these say that they are not sent", async () => {
    const none = await opened([], false);
    expect(none.el.querySelector('[data-testid="references"]')).toBeNull();
    const { el, generated } = await opened(["a"], false);
    expect(el.querySelector('[data-testid="reference-unsent"]')?.textContent).toContain(
      "Not sent: Edit does not take reference images.",
    );
    expect(await generated()).toMatchObject({ wishes: [{ references: [], mask: null }] });
  });
  it("can be waited for no longer: Cancel takes the click back while one is on its way", async () => {
    const { fake, el, generated } = await opened();
    const field = el.querySelector('[data-testid="prompt"]') as HTMLElement;
    send(field, "paste", "clipboardData", transfer({}, [png()]));
    await drawn();
    expect(await generated()).toBeUndefined();
    const button = (name: string) => el.querySelector<HTMLButtonElement>(`[data-testid="${name}"]`);
    expect(button("generate")?.getAttribute("aria-busy")).toBe("true");
    button("take-back")?.click();
    await drawn();
    expect(button("generate")?.getAttribute("aria-busy")).toBe("false");
    expect(button("take-back")).toBeNull();
    expect(fake.requests("cancel")).toHaveLength(0);
  });
  it("gives the focus on when one is taken away: to the one in its place, at last to what adds another", async () => {
    const { entries, open, part, click } = await opened(["a", "b", "c"]);
    const remove = (at: number) => entries()[at]?.querySelector('[data-testid="reference-remove"]');
    const take = async (at: number) => {
      (remove(at) as HTMLElement).focus();
      (remove(at) as HTMLElement).click();
      await drawn();
    };
    const second = open(1);
    await take(0);
    expect(document.activeElement === second).toBe(true);
    await take(1);
    expect(document.activeElement === second).toBe(true);
    expect(entries()).toHaveLength(1);
    // Large too: its picture is gone from below.
    open(0).click();
    await drawn();
    await click("reference-preview-remove");
    expect(part("reference-preview")).toBeNull();
    expect(focused()).toBe("reference-add");
  });
  it("is reordered where one is shown large, by buttons that say so and by the same keys", async () => {
    const { part, click, open, generated } = await opened(["a", "b", "c"]);
    open(0).click();
    await drawn();
    expect(part("reference-before")?.textContent).toBe("Move earlier");
    expect(part("reference-before")?.getAttribute("aria-disabled")).toBe("true");
    await click("reference-before");
    await click("reference-after");
    press(part("reference-preview"), "ArrowRight", { shiftKey: true });
    await drawn();
    expect(part("reference-after")?.getAttribute("aria-disabled")).toBe("true");
    expect(focused()).toBe("reference-after");
    expect(await generated()).toMatchObject({ wishes: [{ references: ["b", "c", "a"] }] });
  });
  it("has the focus back from the form of a link", async () => {
    const { fake, open, part, click } = await opened(["a", "b"]);
    await click("reference-link");
    expect(focused()).toBe("reference-url");
    press(part("reference-url"), "Escape");
    await drawn();
    expect(focused()).toBe("reference-link");
    await click("reference-link");
    (part("reference-url") as HTMLInputElement).value = "https://example.org/cat.png";
    press(part("reference-url"), "Enter");
    await drawn();
    expect(fake.requests("take_reference")).toHaveLength(1);
    // The model takes no more than these three.
    expect(part("reference-link")).toBeNull();
    expect(document.activeElement === open(2)).toBe(true);
  });
  it("asks for small pictures of what only the kernel holds", async () => {
    const { fake } = await opened(["a", "b"]);
    expect(fake.requests("reference_thumbnails").map(({ call }) => call)).toEqual([
      { method: "reference_thumbnails", digests: ["a", "b"] },
    ]);
  });
  it("offers a mask over the first one alone", async () => {
    const { el, entries } = await opened(["a", "b"]);
    expect(el.querySelectorAll('[data-testid="mask-paint"]')).toHaveLength(1);
    expect(entries()[0]?.querySelector('[data-testid="mask-paint"]')).not.toBeNull();
  });
  it("takes a link, and does not generate on its Enter", async () => {
    const { fake, el } = await opened();
    el.querySelector<HTMLElement>('[data-testid="reference-link"]')?.click();
    await drawn();
    const url = el.querySelector<HTMLInputElement>('[data-testid="reference-url"]');
    if (url) url.value = "https://example.org/cat.png";
    press(url, "Enter");
    await drawn();
    expect(fake.requests("take_reference")[0]?.call).toMatchObject({
      source: "link",
      value: "https://example.org/cat.png",
    });
    expect(fake.requests("generate")).toHaveLength(0);
  });
});

describe("a picture from outside", () => {
  it("is taken where it is dropped, with a word while it is over the page", async () => {
    const { fake, el } = await opened();
    const target = el.querySelector('[data-testid="topics-panel"]') as Element;
    const data = transfer({}, [png()]);
    expect(send(target, "dragover", "dataTransfer", data).defaultPrevented).toBe(true);
    await drawn();
    const drop = el.querySelector<HTMLElement>('[data-testid="drop"]');
    expect(drop?.dataset.shown).toBe("true");
    send(target, "drop", "dataTransfer", data);
    await vi.waitFor(() => expect(fake.requests("upload")).toHaveLength(1));
    expect(fake.requests("upload")[0]?.call).toMatchObject({ total: 6 });
    await drawn();
    expect(drop?.dataset.shown).toBe("false");
  });
  it("is not offered a place where the model takes none, but a file for its settings", async () => {
    const { el } = await opened([], false);
    const workspace = el.querySelector('[data-testid="workspace"]') as Element;
    const link = transfer({ "text/uri-list": "https://example.org/cat.png" });
    send(workspace, "dragover", "dataTransfer", link);
    expect(link.dropEffect).toBe("none");
    const file = transfer({}, [png()]);
    send(workspace, "dragover", "dataTransfer", file);
    expect(file.dropEffect).toBe("copy");
    expect(el.querySelector('[data-testid="drop"]')?.textContent).toContain("brings its settings");
  });
  it("is taken from the clipboard, where a text stays a text", async () => {
    const { fake, el } = await opened();
    const prompt = el.querySelector('[data-testid="prompt"]') as Element;
    const text = send(prompt, "paste", "clipboardData", transfer({ "text/plain": "words" }, [png()]));
    expect(text.defaultPrevented).toBe(false);
    const image = send(prompt, "paste", "clipboardData", transfer({}, [png()]));
    expect(image.defaultPrevented).toBe(true);
    await vi.waitFor(() => expect(fake.requests("upload")).toHaveLength(1));
  });
});

/** A host that can paint: of each canvas it knows whether anything is on it. It reads back only what was asked
 * for so: of any other canvas that is slow, and browsers warn. */
function paintingHost(): void {
  const pixels = new WeakMap<HTMLCanvasElement, Pixel>();
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (
    this: HTMLCanvasElement,
    _: string,
    options?: CanvasRenderingContext2DSettings,
  ) {
    const pixel = pixels.get(this) ?? new Pixel();
    if (!pixels.has(this) && !options?.willReadFrequently) {
      pixel.getImageData = () => {
        throw new Error("this canvas is not to be read");
      };
    }
    pixels.set(this, pixel);
    Object.defineProperty(this, "alpha", { configurable: true, get: () => pixel.alpha });
    return pixel.canvas as never;
  });
  vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation((done) => done(new Blob(["mask"])));
  vi.stubGlobal(
    "Image",
    class {
      /** A mask is transparent where it is painted. */
      alpha = 0;
      onload = (): void => undefined;
      decode = (): Promise<void> => Promise.resolve();
      set src(_: string) {
        queueMicrotask(() => this.onload());
      }
    },
  );
}

describe("the painter of a mask", () => {
  beforeEach(paintingHost);

  /** Return the painter over a picture, with the mask that is there. */
  async function painting(mask: ReferenceState | null = null) {
    const page = await opened(["a"], true, mask);
    const { fake, click } = page;
    const answered = new Set<string>();
    const paint = async () => {
      await click("mask-paint");
      for (const { id, call } of fake.requests("reference_original")) {
        if (call.method !== "reference_original" || answered.has(id)) continue;
        answered.add(id);
        const result = { type: "reference_original", mediaType: "image/png", buffer: 0 } as const;
        const { digest } = call;
        fake.receive({ kind: "reply", to: id, result: { ...result, digest }, error: null }, [
          new DataView(new ArrayBuffer(4)),
        ]);
      }
      await drawn();
    };
    const upload = async (digest: string) => {
      await vi.waitFor(() => expect(fake.requests("upload").length).toBeGreaterThan(0));
      const { id } = fake.requests("upload").at(-1) ?? { id: "" };
      await fake.reply(id, { type: "upload_taken", received: 6, reference: held(digest), found: null });
      await drawn();
    };
    await paint();
    return { ...page, paint, upload };
  }

  it("saves once what is painted, and leaves the focus to its button", async () => {
    const { fake, part, click, upload, generated } = await painting();
    await click("mask-save");
    expect(part("mask-painter")?.textContent).toContain("Nothing is painted yet.");
    await click("mask-invert");
    part("mask-save")?.focus();
    part("mask-save")?.click();
    await drawn();
    part("mask-save")?.click();
    expect(focused()).toBe("mask-save");
    await upload("m");
    expect(fake.requests("upload")).toHaveLength(1);
    expect(part("mask-painter")).toBeNull();
    expect(focused()).toBe("mask-paint");
    expect(await generated()).toMatchObject({ wishes: [{ mask: "m" }] });
  });
  it("leaves the focus to its button on Escape, from the large picture too", async () => {
    const { part, open, el } = await painting();
    const cancel = async () => {
      part("mask-painter")?.dispatchEvent(new Event("cancel", { cancelable: true }));
      await drawn();
      expect(part("mask-painter")).toBeNull();
      expect(focused()).toBe("mask-paint");
    };
    await cancel();
    open(0).click();
    await drawn();
    const paint = [...el.querySelectorAll<HTMLElement>('[data-testid="reference-preview"] button')];
    paint.find((button) => button.textContent === "Paint a mask")?.click();
    await drawn();
    expect(part("reference-preview")).toBeNull();
    await cancel();
  });
  it("takes the mask away where all of it is cleared", async () => {
    const { fake, part, click, generated } = await painting(held("m"));
    await click("mask-clear");
    await click("mask-save");
    expect(part("mask-painter")).toBeNull();
    expect(fake.requests("upload")).toHaveLength(0);
    expect(await generated()).toMatchObject({ wishes: [{ references: ["a"], mask: null }] });
  });
  it("that is left while it saves closes no later one", async () => {
    const { el, part, click, paint, upload } = await painting();
    const button = (text: string) =>
      [...el.querySelectorAll<HTMLElement>('[data-testid="mask-painter"] button')].find(
        (each) => each.textContent === text,
      );
    await click("mask-invert");
    await click("mask-save");
    button("Cancel")?.click();
    await drawn();
    button("Discard")?.click();
    await drawn();
    await paint();
    await upload("m");
    expect(part("mask-painter")).not.toBeNull();
  });
});
