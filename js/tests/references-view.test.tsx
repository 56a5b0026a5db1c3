// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { model, snapshot } from "../dev/fixtures";
import widget from "../src/index";
import type { ReferenceState } from "../src/protocol.gen";
import { FakeModel, settled } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

const held = (digest: string): ReferenceState => ({ digest, mediaType: "image/png", width: 30, height: 20 });
const RULE = { maxCount: 3, maxBytes: 3_000_000, mediaTypes: ["image/png"] };

/** A widget whose model takes references; its draft has those that are named. */
async function opened(digests: string[] = [], takes = true) {
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
      draft: { prompt: "a fox", references: digests.map(held), mask: null },
    },
  });
  await drawn();
  const entries = () => [...el.querySelectorAll<HTMLElement>('[data-testid="reference"]')];
  const open = (index: number) => entries()[index]?.querySelector("[role=button]") as HTMLElement;
  const generated = async () => {
    el.querySelector<HTMLElement>('[data-testid="generate"]')?.click();
    await drawn();
    return fake.requests("generate").at(-1)?.call;
  };
  return { fake, el, entries, open, generated };
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
    expect(await generated()).toMatchObject({ references: ["c", "b"] });
  });
  it("is not there for a model that takes none, unless it holds some: these say that they are not sent", async () => {
    const none = await opened([], false);
    expect(none.el.querySelector('[data-testid="references"]')).toBeNull();
    const { el, generated } = await opened(["a"], false);
    expect(el.querySelector('[data-testid="reference-unsent"]')?.textContent).toContain(
      "Not sent: Edit does not take reference images.",
    );
    expect(await generated()).toMatchObject({ references: [], mask: null });
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
