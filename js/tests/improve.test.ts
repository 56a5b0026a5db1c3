// @vitest-environment happy-dom

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, error, generation, provider, snapshot, topic } from "../dev/fixtures";
import widget from "../src/index";
import type { DraftState, ProviderState } from "../src/protocol.gen";
import { DRAFT_DELAY, isImproving } from "../src/slices/drafts";
import { improve } from "../src/slices/improve";
import { writerMissing, writerOf } from "../src/slices/improving";
import { UNDO_MILLISECONDS } from "../src/slices/notices";
import { receive, showSnapshot } from "../src/store";
import { FakeModel, settled, storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await drawn();
  vi.useRealTimers();
  document.body.replaceChildren();
});

async function drawn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
  await settled();
}

const draft = (prompt: string): DraftState => ({ prompt, references: [], mask: null });
const OPENAI = { writes: true, keyVariable: "OPENAI_API_KEY" } as const;
const locked = [provider("demo", "Demo"), provider("openai", "OpenAI", { ...OPENAI, key: "missing" })];
const open = [
  provider("demo", "Demo", { writer: "openai:words:small" }),
  provider("openai", "OpenAI", { ...OPENAI, key: "set", writer: "openai:words:small" }),
];

function opened(activeTopicId: string | null = "t1", providers: ProviderState[] = open) {
  const kernel = storeWithKernel();
  const shown = {
    ...snapshot(0, true),
    providers,
    topics: [topic("t1", "one", 10), topic("t2", "two", 20)],
    activeTopicId,
    feed: activeTopicId === null ? null : { topicId: activeTopicId, batches: [], before: null },
    draft: draft("a fox"),
  };
  showSnapshot(kernel.store, shown, true);
  const state = () => kernel.store.getState();
  const sent = (method: string) => kernel.calls.filter(({ call }) => call.method === method);
  const said = () => state().announcements.map(({ text }) => text);
  const notices = () => state().notices.map(({ message }) => message);
  /** Ask, and return the function that answers. */
  const ask = (mode: "expand" | "translate" = "expand") => {
    void improve(kernel.page, mode);
    const call = kernel.last();
    expect(call.call.method).toBe("improve");
    return {
      ...call,
      answers: (prompt: string) => call.answer({ type: "improved", prompt }),
    };
  };
  return { ...kernel, state, sent, said, notices, ask };
}

describe("a prompt that is improved", () => {
  it("takes the place of the old one, is saved as if typed, and is said", async () => {
    const { state, sent, said, notices, ask } = opened();
    const asked = ask();
    expect(asked.call).toEqual({
      method: "improve",
      prompt: "a fox",
      mode: "expand",
      model: state().config.model,
      confirm: false,
    });
    expect(isImproving(state())).toBe(true);
    expect(said()).toEqual(["Improving the prompt…"]);
    await asked.answers("A red fox in snow");
    expect(state().prompt).toBe("A red fox in snow");
    expect(isImproving(state())).toBe(false);
    expect(notices()).toEqual(["The prompt was improved."]);
    expect(said().at(-1)).toBe("The prompt was improved.");
    vi.advanceTimersByTime(DRAFT_DELAY);
    expect(sent("save_draft").at(-1)?.call).toMatchObject({ topicId: "t1", prompt: "A red fox in snow" });
    expect(sent("improve")).toHaveLength(1);
  });
  it("is put back by its notice for ten seconds, and saved so", async () => {
    const { state, sent, ask, notices } = opened();
    await ask().answers("A red fox in snow");
    const action = state().notices[0]?.action;
    expect(action?.label).toBe("Undo");
    action?.run();
    expect(state().prompt).toBe("a fox");
    expect(notices()).toEqual([]);
    vi.advanceTimersByTime(DRAFT_DELAY);
    expect(sent("save_draft").at(-1)?.call).toMatchObject({ prompt: "a fox" });
    await ask().answers("A red fox in snow");
    vi.advanceTimersByTime(UNDO_MILLISECONDS);
    expect(notices()).toEqual([]);
  });
  it("is put back step by step, as long as nothing else was written", async () => {
    const { state, ask, said, notices } = opened();
    await ask().answers("Ein roter Fuchs im Schnee");
    await ask("translate").answers("A red fox in snow");
    expect(notices()).toEqual(["The prompt was improved.", "The prompt was translated."]);
    expect(state().undoImproving()).toBe(true);
    expect(state().prompt).toBe("Ein roter Fuchs im Schnee");
    expect(said().at(-1)).toBe("The earlier prompt is back.");
    expect(notices()).toEqual(["The prompt was improved."]);
    state().setPrompt("Ein roter Fuchs");
    expect(state().undoImproving()).toBe(false);
    state().setPrompt("Ein roter Fuchs im Schnee");
    expect(state().undoImproving()).toBe(true);
    expect(state().prompt).toBe("a fox");
    expect(state().undoImproving()).toBe(false);
  });
  it("that is as good as it was stays, and says so", async () => {
    const { state, ask, notices } = opened();
    state().setPrompt("a fox ");
    await ask("translate").answers("a fox");
    expect(state().prompt).toBe("a fox ");
    expect(notices()).toEqual(["The prompt needs no change."]);
  });
  it("belongs to its topic, whatever is shown when it comes", async () => {
    const { state, sent, ask, notices } = opened();
    const asked = ask();
    state().showTopic("t2");
    expect(isImproving(state())).toBe(false);
    await asked.answers("A red fox in snow");
    expect(state().prompt).toBe("");
    expect(notices()).toEqual(["The prompt of “one” was improved."]);
    vi.advanceTimersByTime(DRAFT_DELAY);
    expect(sent("save_draft").at(-1)?.call).toMatchObject({ topicId: "t1", prompt: "A red fox in snow" });
    state().notices[0]?.action?.run();
    state().showTopic("t1");
    expect(state().prompt).toBe("a fox");
  });
  it("goes along when its topic is made meanwhile, and so does what is put back", async () => {
    const { state, sent, ask } = opened(null);
    await ask().answers("A fox in snow");
    const asked = ask();
    void state().generate();
    await sent("generate")[0]?.answer({
      type: "generated",
      topic: topic("t9", "new", 30),
      batches: [batch("b1", "t9", "A fox in snow", [generation("b1", 0, { status: "pending" })])],
    });
    expect(isImproving(state())).toBe(true);
    await asked.answers("A red fox in snow");
    expect(state()).toMatchObject({ activeTopicId: "t9", prompt: "A red fox in snow" });
    for (const { action } of [...state().notices].reverse()) action?.run();
    expect(state().prompt).toBe("a fox");
  });
  it("of a topic that was deleted comes to nothing", async () => {
    const { store, state, ask } = opened();
    const asked = ask();
    receive(store, { type: "topic_removed", topicId: "t1" });
    await asked.answers("A red fox in snow");
    expect(state().prompt).toBe("");
    vi.advanceTimersByTime(DRAFT_DELAY);
  });
});

describe("what is written meanwhile", () => {
  it("stays, and ends the waiting", async () => {
    const { state, ask, said, notices } = opened();
    const asked = ask();
    state().setPrompt("a fox and a hare");
    expect(isImproving(state())).toBe(false);
    expect(said().at(-1)).toBe("The prompt stays as it is.");
    await asked.answers("A red fox in snow");
    expect(state().prompt).toBe("a fox and a hare");
    expect(notices()).toEqual([]);
  });
  it("stays also where it is the same again, and only the newest answer counts", async () => {
    const { state, ask } = opened();
    const first = ask();
    state().setPrompt("a fo");
    state().setPrompt("a fox");
    const second = ask("translate");
    await first.answers("A red fox in snow");
    expect(state().prompt).toBe("a fox");
    expect(isImproving(state())).toBe(true);
    await second.answers("A fox");
    expect(state().prompt).toBe("A fox");
  });
  it("stays where it came from another view, and that is said", async () => {
    const { store, state, ask, notices } = opened();
    const asked = ask();
    receive(store, { type: "draft_changed", topicId: "t1", draft: draft("an owl") });
    await asked.answers("A red fox in snow");
    expect(state().prompt).toBe("an owl");
    expect(notices()).toEqual(["The prompt stays as it is."]);
  });
  it("is not troubled by a failure that comes late", async () => {
    const { state, ask, notices } = opened();
    const asked = ask();
    state().cancelImproving();
    await asked.refuse();
    expect(state()).toMatchObject({ prompt: "a fox", improving: null });
    expect(notices()).toEqual([]);
  });
});

describe("a refusal", () => {
  it("says its reason, and the prompt stays", async () => {
    const { state, ask, sent } = opened();
    await ask().refuse();
    expect(state()).toMatchObject({ prompt: "a fox", improving: null, refusal: null });
    const [notice] = state().notices;
    expect(notice).toMatchObject({ level: "error" });
    expect(notice?.message).toContain("Wait a minute, then retry.");
    expect(sent("improve")).toHaveLength(1);
  });
  it("for want of a key says which would do", async () => {
    const { state, ask, notices } = opened("t1", locked);
    await ask().refuse(error({ code: "missing_key" }));
    expect(notices()).toEqual([
      "Improving a prompt needs a text model. Choose a model of OpenAI and enter its key.",
    ]);
    expect(state().notices[0]?.level).toBe("info");
  });
  it("is not asked for without a prompt", () => {
    const { page, state, sent } = opened();
    state().setPrompt("  ");
    void improve(page, "expand");
    expect(sent("improve")).toHaveLength(0);
  });
});

it("the text model is named, or who would have one", () => {
  const { state, store } = opened();
  expect(writerOf(state())).toBe("OpenAI words:small");
  store.setState({ providers: locked });
  expect(writerOf(state())).toBeNull();
  expect(writerMissing(state())).toContain("OpenAI");
  store.setState({ config: { ...state().config, model: "gone:model" } });
  expect(writerOf(state())).toBeNull();
});

describe("the button beside the prompt", () => {
  async function page(providers: ProviderState[] = open) {
    const fake = new FakeModel();
    const { signal } = new AbortController();
    const { initialize, render } = widget();
    type Props = Parameters<typeof render>[0];
    initialize({ model: fake.model, signal } as unknown as Props);
    const el = document.createElement("div");
    document.body.append(el);
    render({ model: fake.model, el, signal } as unknown as Props);
    const shown = { ...snapshot(Date.now(), true), providers };
    await fake.reply(fake.requests("hello")[0]?.id ?? "", { type: "snapshot", snapshot: shown });
    await drawn();
    const find = <T extends HTMLElement>(id: string) => {
      const found = el.querySelector<T>(`[data-testid="${id}"]`);
      if (!found) throw new Error(`${id} is not on the page`);
      return found;
    };
    const write = async (text: string) => {
      const prompt = find<HTMLTextAreaElement>("prompt");
      prompt.value = text;
      prompt.dispatchEvent(new Event("input", { bubbles: true }));
      await drawn();
    };
    const click = async (id: string) => {
      find(id).click();
      await drawn();
    };
    const button = () => find<HTMLButtonElement>("improve");
    return { fake, el, find, write, click, button };
  }

  it("waits for a prompt, and says who would write", async () => {
    const { button, write } = await page();
    expect(button().dataset.tip).toBe("Improve the prompt with OpenAI words:small");
    expect(button().disabled).toBe(true);
    await write("a fox");
    expect(button().disabled).toBe(false);
    expect(button().getAttribute("aria-label")).toBe("Improve the prompt");
  });
  it("says what it needs where no key opens a text model, and when one does", async () => {
    const { fake, button } = await page(locked);
    expect(button().dataset.tip).toContain("needs a text model");
    expect(button().dataset.tip).toContain("OpenAI");
    fake.receive({ kind: "events", seq: 1, events: [{ type: "models_changed" }] });
    const shown = { ...snapshot(Date.now(), true), seq: 1, providers: open };
    await fake.reply(fake.requests("hello").at(-1)?.id ?? "", { type: "snapshot", snapshot: shown });
    await drawn();
    expect(button().dataset.tip).toContain("with OpenAI words:small");
  });
  it("improves, and shows that it works without losing the focus", async () => {
    const { fake, find, write, click, button } = await page();
    await write("a fox");
    await click("improve");
    await click("expand-prompt");
    const request = fake.requests("improve")[0];
    expect(request?.call).toMatchObject({ prompt: "a fox", mode: "expand" });
    expect(button().disabled).toBe(false);
    expect(button().getAttribute("aria-busy")).toBe("true");
    expect(button().querySelector("[data-icon=spinner]")).not.toBeNull();
    expect(document.activeElement).toBe(button());
    await fake.reply(request?.id ?? "", { type: "improved", prompt: "A red fox" });
    await drawn();
    const prompt = find<HTMLTextAreaElement>("prompt");
    expect(prompt.value).toBe("A red fox");
    expect(button().getAttribute("aria-busy")).toBe("false");
    await click("notice-action");
    expect(prompt.value).toBe("a fox");
  });
  it.each(["the prompt", "the button"])("is taken back by Ctrl+Z in %s", async (where) => {
    const { fake, find, write, click, button } = await page();
    await write("a fox");
    await click("improve");
    await click("translate-prompt");
    expect(fake.requests("improve")[0]?.call).toMatchObject({ mode: "translate" });
    await fake.reply(fake.requests("improve")[0]?.id ?? "", { type: "improved", prompt: "A red fox" });
    await drawn();
    const prompt = find<HTMLTextAreaElement>("prompt");
    const undo = { key: "z", ctrlKey: true, bubbles: true, cancelable: true };
    const key = new KeyboardEvent("keydown", undo);
    (where === "the prompt" ? prompt : button()).dispatchEvent(key);
    await drawn();
    expect(key.defaultPrevented).toBe(true);
    expect(prompt.value).toBe("a fox");
    // What the user wrote is the browser's to take back.
    const next = new KeyboardEvent("keydown", undo);
    prompt.dispatchEvent(next);
    expect(next.defaultPrevented).toBe(false);
  });
  it("lets the user go back to the prompt as it is", async () => {
    const { fake, find, write, click, button } = await page();
    await write("a fox");
    await click("improve");
    await click("expand-prompt");
    await click("improve");
    await click("keep-prompt");
    expect(button().getAttribute("aria-busy")).toBe("false");
    await fake.reply(fake.requests("improve")[0]?.id ?? "", { type: "improved", prompt: "A red fox" });
    await drawn();
    expect(find<HTMLTextAreaElement>("prompt").value).toBe("a fox");
  });
});
