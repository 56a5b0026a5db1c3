// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { snapshot } from "../dev/fixtures";
import { UNKNOWN_AFTER, WAITING_AFTER } from "../src/bridge";
import widget from "../src/index";
import { shortcutGroups } from "../src/lib/shortcuts";
import { Boundary, report } from "../src/views/boundary";
import { FakeModel, settled } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

async function drawn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
  await settled();
}

/** Return a shown widget, as a host opens it; the kernel answers where `answered`. */
async function opened({
  state = {},
  manager = {},
  answered = true,
  snapshotted = snapshot(Date.now(), true),
} = {}) {
  const fake = new FakeModel();
  fake.state = state;
  fake.widget_manager = manager;
  const { signal } = new AbortController();
  const { initialize, render: show } = widget();
  initialize({ model: fake.model, signal } as unknown as Props);
  const el = document.createElement("div");
  document.body.append(el);
  show({ model: fake.model, el, signal } as unknown as Props);
  if (answered) {
    const to = fake.requests("hello")[0]?.id ?? "";
    await fake.reply(to, { type: "snapshot", snapshot: snapshotted });
  }
  await drawn();
  const root = el.querySelector(".imgplay") as HTMLElement;
  const part = (testid: string) => root.querySelector<HTMLElement>(`[data-testid="${testid}"]`);
  const press = async (target: HTMLElement, key: string, more: KeyboardEventInit = {}) => {
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
    await drawn();
  };
  const connectionText = () => part("connection")?.textContent ?? null;
  return { fake, root, part, press, connectionText };
}

const saved = () => {
  const made = snapshot(Date.now(), true);
  const topics = made.topics.map((topic) => ({ ...topic, running: 2 }));
  return { _snapshot: JSON.stringify({ ...made, topics }) };
};

describe("how the page stands to the kernel is said in words of its own:", () => {
  it("nothing while all is well", async () => {
    const { connectionText } = await opened();
    expect(connectionText()).toBeNull();
  });
  it("connecting, until the first answer", async () => {
    const { connectionText } = await opened({ answered: false });
    expect(connectionText()).toContain("Connecting to the kernel");
  });
  it("a busy kernel makes nothing read-only", async () => {
    const { connectionText, part, fake } = await opened({ manager: { kernel: { status: "busy" } } });
    part("new-topic")?.click();
    expect(fake.requests("select_topic")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(WAITING_AFTER);
    await drawn();
    expect(connectionText()).toContain("The kernel is busy.");
    expect(part("config-panel")?.querySelector("[inert]")).toBeNull();
  });
  it("a kernel that is busy when the page is opened: what is clicked waits, is counted, and is sent once", async () => {
    const kernel = { status: "busy" };
    const { connectionText, root, part, fake } = await opened({
      state: saved(),
      manager: { kernel },
      answered: false,
    });
    // Improve needs a key and says so. Generate needs a prompt.
    const dead = [...root.querySelectorAll<HTMLElement>("[inert], [disabled], [aria-disabled=true]")];
    expect(dead.map(({ dataset, className }) => dataset.testid ?? className)).toEqual([
      "improve",
      "generate",
    ]);
    const prompt = part("prompt") as HTMLTextAreaElement;
    prompt.value = "a fox";
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn();
    part("generate")?.click();
    await drawn();
    expect(part("generate")?.getAttribute("aria-disabled")).toBe("true");
    await vi.advanceTimersByTimeAsync(WAITING_AFTER);
    await drawn();
    expect(connectionText()).toContain("The kernel is busy.");
    expect(connectionText()).toContain("1 click waits.");
    expect(fake.requests("generate")).toEqual([]);
    await fake.reply(fake.requests("hello")[0]?.id ?? "", { type: "snapshot", snapshot: snapshot(0, true) });
    await drawn();
    expect(connectionText()).toBeNull();
    expect(fake.requests("generate")).toMatchObject([{ call: { wishes: [{ prompt: "a fox" }] } }]);
  });
  it("a dead kernel makes the page read-only, and the panels say why", async () => {
    const { connectionText, part, fake } = await opened();
    fake.trigger("comm:close");
    await drawn();
    expect(connectionText()).toContain("Run the cell again");
    for (const panel of ["config-panel", "topics-panel"]) {
      expect(part(panel)?.querySelector("[inert]")).not.toBeNull();
      expect(part(panel)?.title).toContain("Run the cell again");
    }
    expect(part("generate")).toHaveProperty("disabled", true);
    expect(part("batch")).not.toBeNull();
  });
  it("a saved notebook without a kernel shows its feed, read-only", async () => {
    const { connectionText, root, part } = await opened({
      state: saved(),
      manager: { kernel: null },
      answered: false,
    });
    await vi.advanceTimersByTimeAsync(WAITING_AFTER);
    await drawn();
    expect(connectionText()).toContain("Read-only: no kernel is running.");
    expect(part("batch")).not.toBeNull();
    // The page does not know what became of the batches that ran when the notebook was saved.
    expect(part("batch")?.textContent).toContain("Unfinished");
    expect(part("elapsed")).toBeNull();
    expect(part("batch")?.textContent).not.toContain("usually");
    expect(part("cancel-batch")).toBeNull();
    expect(part("topics-panel")?.textContent).not.toMatch(/\d+ running/);
    expect(part("config-panel")?.querySelector("[inert]")).not.toBeNull();
    // What is enabled works without a kernel. The prompt can be read and copied.
    const enabled = [...root.querySelectorAll<HTMLButtonElement>("button, input, textarea, select, a")]
      .filter((each) => !each.disabled && !each.closest("[inert], [aria-disabled=true]"))
      .map(({ dataset, className }) => dataset.testid ?? className);
    expect(new Set(enabled)).toEqual(
      new Set([
        "toggle-left",
        "filter-button",
        "show-shortcuts",
        "full-window",
        "toggle-right",
        "prompt",
        "ip-batch-prompt",
      ]),
    );
    expect(part("prompt")).toHaveProperty("readOnly", true);
    expect(part("config-panel")?.closest("[data-left]")?.getAttribute("data-left")).toBe("open");
    part("toggle-left")?.click();
    await drawn();
    expect(part("config-panel")?.closest("[data-left]")?.getAttribute("data-left")).toBe("closed");
  });
  it("a kernel that never heard of the widget", async () => {
    const { connectionText } = await opened({ manager: { kernel: { status: "idle" } }, answered: false });
    await vi.advanceTimersByTimeAsync(UNKNOWN_AFTER + WAITING_AFTER);
    await drawn();
    expect(connectionText()).toContain("no longer knows this studio");
  });
  it("a lost network", async () => {
    const { connectionText, fake } = await opened();
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    window.dispatchEvent(new Event("offline"));
    await vi.advanceTimersByTimeAsync(WAITING_AFTER);
    await drawn();
    expect(connectionText()).toContain("The connection to the notebook was lost.");
    fake.receive({ kind: "events", seq: 1, events: [] });
    await drawn();
    expect(connectionText()).toBeNull();
  });
});

describe("the look", () => {
  it("set from code goes before the host's, and follows it live", async () => {
    const { fake, root } = await opened({ state: { theme: "light" } });
    expect(root.dataset.theme).toBe("light");
    fake.set("theme", "dark");
    expect(root.dataset.theme).toBe("dark");
    fake.set("theme", "auto");
    document.body.setAttribute("data-jp-theme-light", "true");
    await drawn();
    expect(root.dataset.theme).toBe("light");
    document.body.removeAttribute("data-jp-theme-light");
  });
  it("has the height of the trait, changed by key, and automatic again", async () => {
    const { fake, root, part, press } = await opened({ state: { height: 700 } });
    const height = () => root.style.getPropertyValue("--ip-height");
    const handle = part("resize-bottom") as HTMLElement;
    expect(height()).toBe("700px");
    // Nothing has a size here, so that a step starts from the value.
    await press(handle, "ArrowDown");
    expect(height()).toBe("716px");
    expect(fake.saved.height).toBe(716);
    await press(handle, "ArrowUp", { shiftKey: true });
    expect(fake.saved.height).toBe(652);
    await press(handle, "End");
    expect(handle.getAttribute("aria-valuenow")).toBe("2000");
    await press(handle, "Delete");
    expect(height()).toBe("");
    expect(fake.saved.height).toBeNull();
  });
});

describe("shortcuts", () => {
  it("are listed by ?, but not while a text is written", async () => {
    const { part, press, root } = await opened();
    await press(part("prompt") as HTMLElement, "?");
    expect(part("shortcuts")).toBeNull();
    await press(root, "?");
    for (const { shortcuts } of shortcutGroups()) {
      for (const { text } of shortcuts) expect(part("shortcuts")?.textContent).toContain(text);
    }
  });
  it("lead to the prompt, and fold the panels", async () => {
    const { part, press, root } = await opened();
    await press(root, "p");
    expect(document.activeElement).toBe(part("prompt"));
    await press(root, "[");
    expect(part("toggle-left")?.getAttribute("aria-expanded")).toBe("false");
    await press(root, "]");
    expect(part("toggle-right")?.getAttribute("aria-expanded")).toBe("false");
  });
  it("leave those with a command key to the host", async () => {
    const { part, press, root } = await opened();
    await press(root, "p", { ctrlKey: true });
    expect(document.activeElement).not.toBe(part("prompt"));
  });
});

describe("a part that breaks", () => {
  function Fragile({ broken }: { broken: { now: boolean } }) {
    if (broken.now) throw new Error("the picture had no edge");
    return <p>whole</p>;
  }
  it("says so in its place, leaves what stands beside it, and comes back with Retry", () => {
    const root = document.createElement("div");
    document.body.append(root);
    const broken = { now: true };
    act(() =>
      render(
        <>
          <Boundary name="tile">
            <Fragile broken={broken} />
          </Boundary>
          <p>beside</p>
        </>,
        root,
      ),
    );
    expect(root.textContent).toContain("This part could not be shown.");
    expect(root.textContent).toContain("beside");
    broken.now = false;
    act(() => root.querySelector<HTMLElement>('[data-testid="broken-retry"]')?.click());
    expect(root.textContent).toBe("wholebeside");
    render(null, root);
  });
  it("is one tile of the feed, not the feed", async () => {
    const feed = snapshot(Date.now(), true);
    const all = feed.feed?.batches.flatMap(({ generations }) => generations);
    const victim = all?.find(({ error }) => error !== null);
    if (!victim?.error) throw new Error("nothing failed");
    // What no kernel sends: it cannot be made a text.
    victim.error = { ...victim.error, message: Symbol("broken") as never };
    const { part, root } = await opened({ snapshotted: feed });
    expect(root.querySelectorAll('[data-testid="broken"]')).toHaveLength(1);
    expect(part("broken")?.closest('[data-testid="tile"]')?.getAttribute("data-generation-id")).toBe(
      victim.id,
    );
    expect(root.querySelectorAll('[data-testid="batch"]').length).toBeGreaterThan(1);
  });
  it("can be reported: what broke, where, in which version, and no key", () => {
    const text = report(
      "tile",
      new Error(`no edge at ${["sk", "proj", "abcdefghijklmnopqrstuvwxyz012345"].join("-")}`),
    );
    expect(text).toContain('the part "tile" broke');
    expect(text).toContain("no edge at");
    expect(text).toContain("frame.test");
    expect(text).toMatch(/imgplay-widget \d+\.\d+/);
    expect(text).not.toContain("abcdefghijklmnop");
  });
});
