// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { error, model, SERVER_PRESETS, snapshot } from "../dev/fixtures";
import widget, { KEPT_FOR } from "../src/index";
import { hostTheme } from "../src/lib/theme";
import { ago, changeText, differenceText, elapsed, roughly, took } from "../src/lib/words";
import type { Snapshot } from "../src/protocol.gen";
import { FakeModel, settled } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  // Effects that wait for a removed timer would delay the effects of the next test.
  await drawn();
  vi.useRealTimers();
  document.body.replaceChildren();
});

/** Return a widget as a host opens it, with two views, its kernel having answered. */
async function opened(patch: Partial<Snapshot> = {}) {
  const fake = new FakeModel();
  const model = new AbortController();
  const { initialize, render } = widget();
  initialize({ model: fake.model, signal: model.signal } as unknown as Props);
  const view = () => {
    const el = document.createElement("div");
    document.body.append(el);
    const ended = new AbortController();
    render({ model: fake.model, el, signal: ended.signal } as unknown as Props);
    return { el, ended };
  };
  const views = [view(), view()] as const;
  await fake.reply(fake.requests("hello")[0]?.id ?? "", {
    type: "snapshot",
    snapshot: { ...snapshot(Date.now(), true), ...patch },
  });
  await drawn();
  return { fake, model, views };
}

async function drawn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
  await settled();
}

function find<T extends HTMLElement = HTMLElement>(el: HTMLElement, testid: string): T {
  const found = el.querySelector<T>(`[data-testid="${testid}"]`);
  if (!found) throw new Error(`${testid} is not on the page`);
  return found;
}

const focused = () => (document.activeElement as HTMLElement).dataset.testid;

async function type(el: HTMLElement, text: string): Promise<HTMLTextAreaElement> {
  const prompt = find<HTMLTextAreaElement>(el, "prompt");
  prompt.value = text;
  prompt.dispatchEvent(new Event("input", { bubbles: true }));
  await drawn();
  return prompt;
}

const press = (target: HTMLElement, key: string, more: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));

describe("the widget", () => {
  it("tells the host of each change by the user, for a host that then runs cells", async () => {
    const { fake } = await opened();
    fake.state._changes = 4;
    fake.trigger("change:_changes");
    expect(fake.saved._heard).toBe(4);
  });

  it("asks once for two views, and shows both the same", async () => {
    const { fake, views } = await opened();
    expect(fake.requests("hello")).toHaveLength(1);
    for (const { el } of views) {
      expect(el.querySelectorAll('[data-testid="batch"]')).toHaveLength(4);
      expect(el.querySelectorAll('[data-testid="topic"]')).toHaveLength(4);
      expect(find(el, "topic").getAttribute("aria-current")).toBe("true");
    }
    await type(views[0].el, "a fox");
    expect(find<HTMLTextAreaElement>(views[1].el, "prompt").value).toBe("a fox");
  });
  it("says beside the time that has passed how long the model usually takes", async () => {
    const { fake, views } = await opened();
    const words = () => find(views[0].el, "elapsed").parentElement?.textContent;
    expect(words()).toMatch(/^Working1\d susually 20 s$/);
    const [running] = snapshot(Date.now(), true).feed?.batches[0]?.generations.slice(1) ?? [];
    if (!running) throw new Error("Nothing runs.");
    const unknown = { ...running, usualDuration: null };
    fake.receive({ kind: "events", seq: 1, events: [{ type: "generation_changed", generation: unknown }] });
    await drawn();
    expect(words()).toMatch(/^Working1\d s$/);
  });
  it("takes one view away and keeps the other", async () => {
    const { views } = await opened();
    views[0].ended.abort();
    expect(views[0].el.childElementCount).toBe(0);
    find(views[1].el, "prompt");
  });
  it("has no page before its first view, and none a while after its last one", async () => {
    const fake = new FakeModel();
    const { initialize, render } = widget();
    initialize({ model: fake.model, signal: new AbortController().signal } as unknown as Props);
    expect(fake.sent).toEqual([]);
    expect(fake.handlers.size).toBe(0);
    const show = () => {
      const el = document.body.appendChild(document.createElement("div"));
      const ended = new AbortController();
      render({ model: fake.model, el, signal: ended.signal } as unknown as Props);
      return { el, ended };
    };
    const first = show();
    await fake.reply(fake.requests("hello")[0]?.id ?? "", { type: "snapshot", snapshot: snapshot(0, true) });
    for (const { id } of fake.requests("queue")) await fake.reply(id, { type: "queue", batches: [] });
    await type(first.el, "a fox");
    first.ended.abort();
    // A cell that is run again may show the same page again.
    const second = show();
    expect(find<HTMLTextAreaElement>(second.el, "prompt").value).toBe("a fox");
    press(find(second.el, "prompt"), "Enter");
    await drawn();
    second.ended.abort();
    await vi.advanceTimersByTimeAsync(KEPT_FOR - 1000);
    expect(fake.handlers.size).toBe(1);
    await vi.advanceTimersByTimeAsync(2 * KEPT_FOR);
    // A click waits for its answer.
    expect(fake.handlers.size).toBe(1);
    await fake.reply(fake.requests("generate")[0]?.id ?? "", { type: "empty" });
    await vi.advanceTimersByTimeAsync(KEPT_FOR);
    expect(fake.handlers.size).toBe(0);
    await drawn();
    expect(vi.getTimerCount()).toBe(0);
    const third = show();
    expect(fake.requests("hello").length).toBeGreaterThan(2);
    third.ended.abort();
  });
  it("saves the config, stops listening and stops its timers at its end", async () => {
    const { fake, model, views } = await opened();
    find(views[0].el, "count-2").click();
    for (const { ended } of views) ended.abort();
    model.abort();
    expect(fake.requests("configure")).toHaveLength(1);
    expect(fake.handlers.size).toBe(0);
    // What the last click still had to draw.
    await drawn();
    expect(vi.getTimerCount()).toBe(0);
  });
  it("shows an error with its message, its next step and Retry", async () => {
    const { fake, views } = await opened();
    const tile = views[0].el.querySelector<HTMLElement>('[data-status="error"]');
    expect(tile?.textContent).toContain("The provider takes no more requests for now.");
    expect(tile?.textContent).toContain("Wait a minute, then retry.");
    if (tile) find(tile, "retry").click();
    expect(fake.requests("retry")[0]?.call).toMatchObject({ batchId: "b4", generationId: "b4-2" });
  });
  it("deletes a topic at once, and offers to take it back", async () => {
    const { fake, views } = await opened();
    find(views[0].el, "topic-menu").click();
    await drawn();
    find(views[0].el, "delete-topic").click();
    expect(fake.requests("delete")[0]?.call).toMatchObject({ what: "topic", ids: ["t1"] });
    await drawn();
    expect(views[0].el.querySelectorAll('[data-testid="topic"]')).toHaveLength(3);
    find(views[0].el, "notice-action");
  });
  it.each([
    ["the pointer", () => new Event("pointerenter")],
    ["the focus", () => new FocusEvent("focusin", { bubbles: true })],
  ])("offers what can be done with an image when %s comes to it", async (_, coming) => {
    const { el } = (await opened()).views[0];
    const tile = el.querySelector<HTMLElement>('[data-testid="tile"][data-status="success"]') as HTMLElement;
    const offered = () =>
      ["star", "download", "tile-menu", "select"].map(
        (id) => tile.querySelector(`[data-testid="${id}"]`) !== null,
      );
    expect(offered()).toEqual([false, false, false, false]);
    tile.dispatchEvent(coming());
    await drawn();
    expect(offered()).toEqual([true, true, true, true]);
  });
  it.each([
    ["before its answer", false],
    ["after its answer", true],
  ])(
    "stays in the topic that was chosen while a snapshot was on its way, which comes %s",
    async (_, late) => {
      const { fake, views } = await opened();
      const { el } = views[0];
      fake.receive({ kind: "events", seq: 1, events: [{ type: "store_changed" }] });
      const hello = fake.requests("hello").at(-1)?.id ?? "";
      const current = () =>
        el.querySelector<HTMLElement>('[data-topic-id][aria-current="true"]')?.dataset.topicId;
      expect(current()).toBe("t1");
      el.querySelector<HTMLElement>('[data-topic-id="t2"] [data-row]')?.click();
      const chosen = fake.requests("select_topic")[0]?.id ?? "";
      const feed = { topicId: "t2", batches: [], before: null };
      const older = () => fake.reply(hello, { type: "snapshot", snapshot: snapshot(Date.now(), true) });
      if (!late) await older();
      await fake.reply(chosen, {
        type: "topic_shown",
        feed,
        draft: { prompt: "", references: [], mask: null },
      });
      if (late) await older();
      await drawn();
      expect(current()).toBe("t2");
      await type(el, "a fox");
      find(el, "generate").click();
      await drawn();
      expect(fake.requests("generate")[0]?.call).toMatchObject({ topicId: "t2" });
      // The next one is newer than the choice.
      fake.receive({ kind: "events", seq: 2, events: [{ type: "store_changed" }] });
      await fake.reply(fake.requests("hello").at(-1)?.id ?? "", {
        type: "snapshot",
        snapshot: { ...snapshot(Date.now(), true), seq: 2 },
      });
      await drawn();
      expect(current()).toBe("t1");
    },
  );
  it("asks again for pictures that were refused, when the kernel is back", async () => {
    const { fake } = await opened();
    const asked = () => fake.requests("thumbnails").map(({ call }) => call);
    expect(asked()).toHaveLength(1);
    fake.trigger("comm:close");
    await drawn();
    expect(asked()).toHaveLength(1);
    // Anything that comes shows that it is there again.
    fake.receive({ kind: "events", seq: 1, events: [] });
    await fake.reply(fake.requests("hello").at(-1)?.id ?? "", {
      type: "snapshot",
      snapshot: { ...snapshot(Date.now(), true), seq: 1 },
    });
    await drawn();
    expect(asked()).toHaveLength(2);
    expect(asked()[1]).toEqual(asked()[0]);
  });
  it("shows prompts as text, never as HTML", async () => {
    const { fake, views } = await opened();
    const hostile = "<img src=x onerror=alert(1)>";
    const base = snapshot(Date.now(), true).topics[0];
    if (!base) throw new Error("no topic");
    fake.receive({
      kind: "events",
      seq: 1,
      events: [{ type: "topic_changed", topic: { ...base, coverVersion: null, title: hostile } }],
    });
    await drawn();
    expect(find(views[0].el, "topic").textContent).toContain(hostile);
    expect(find(views[0].el, "topic").querySelector("img")).toBeNull();
  });
});

describe("the prompt", () => {
  it("generates on Enter, and not on Shift+Enter or while a character is composed", async () => {
    const { fake, views } = await opened();
    const prompt = await type(views[0].el, "a fox");
    press(prompt, "Enter", { shiftKey: true });
    press(prompt, "Enter", { isComposing: true });
    press(prompt, "Enter", { keyCode: 229 });
    expect(fake.requests("generate")).toHaveLength(0);
    press(prompt, "Enter");
    expect(fake.requests("generate")).toHaveLength(1);
  });
  it("is refused quietly beyond the model's limit", async () => {
    const { fake, views } = await opened();
    const prompt = await type(views[0].el, "x".repeat(1001));
    expect(views[0].el.textContent).toContain("1001 / 1000");
    press(prompt, "Enter");
    expect(fake.requests("generate")).toHaveLength(0);
  });
});

describe("the model", () => {
  const options = (el: HTMLElement) => [...el.querySelectorAll<HTMLElement>('[data-testid="model-option"]')];
  const shownNames = (el: HTMLElement) => options(el).map((option) => option.dataset.model);

  async function picking() {
    const { fake, views } = await opened();
    const { el } = views[0];
    find(el, "model-select").click();
    await drawn();
    const search = find<HTMLInputElement>(el, "model-search");
    const query = async (text: string) => {
      search.value = text;
      search.dispatchEvent(new Event("input", { bubbles: true }));
      await drawn();
    };
    return { fake, el, search, query };
  }

  it("is chosen from a list by words and keys, and changes the form at once", async () => {
    const { el, search, query } = await picking();
    expect(document.activeElement).toBe(search);
    expect(shownNames(el)).toEqual(["demo:studio", "demo:instant", "demo:every"]);
    expect(el.querySelector('[aria-selected="true"]')?.getAttribute("data-model")).toBe("demo:studio");

    await query("demo");
    expect(shownNames(el)).toEqual(["demo:studio", "demo:instant", "demo:every"]);
    press(search, "ArrowDown");
    await drawn();
    press(search, "ArrowDown");
    await drawn();
    const active = document.getElementById(search.getAttribute("aria-activedescendant") ?? "");
    expect(active?.dataset.model).toBe("demo:every");
    press(search, "Enter");
    await drawn();

    expect(options(el)).toHaveLength(0);
    expect(find(el, "model-select").textContent).toBe("Every kind");
    expect(document.activeElement).toBe(find(el, "model-select"));
    expect(el.textContent).toContain("Sampler");
    expect(find(el, "estimate").textContent).toContain("≈ $0.");
  });
  it("folds the models of a provider without a key into one line, which unfolds by key and stays so", async () => {
    const { el, search } = await picking();
    const line = () => find(el, "model-fold");
    const active = () => document.getElementById(search.getAttribute("aria-activedescendant") ?? "");
    expect(line().textContent).toBe("OpenAIkey missing1 model, folded");
    for (let step = 0; step < 3; step++) {
      press(search, "ArrowDown");
      await drawn();
    }
    expect(active()).toBe(line());
    press(search, "Enter");
    await drawn();
    expect(shownNames(el)).toContain("openai:gpt-image-1");
    expect(active()).toBe(line());
    expect(line().textContent).toBe("OpenAIkey missing1 model, unfolded");
    press(search, "Escape");
    await drawn();
    find(el, "model-select").click();
    await drawn();
    expect(shownNames(el)).toContain("openai:gpt-image-1");
    line().click();
    await drawn();
    expect(shownNames(el)).not.toContain("openai:gpt-image-1");
  });
  it("is found by a search also where the key is missing", async () => {
    const { el, query } = await picking();
    await query("gpt");
    expect(shownNames(el)).toEqual(["openai:gpt-image-1"]);
    expect(el.querySelector('[data-testid="model-fold"]')).toBeNull();
  });
  it("is there at once if the chosen one lacks its key", async () => {
    const fresh = snapshot(Date.now(), true);
    const { views } = await opened({ config: { ...fresh.config, model: "openai:gpt-image-1" } });
    find(views[0].el, "model-select").click();
    await drawn();
    expect(views[0].el.querySelector('[aria-selected="true"]')?.getAttribute("data-model")).toBe(
      "openai:gpt-image-1",
    );
  });
  it("is one of those with the chosen traits, which stay when the list is opened again", async () => {
    const { el, search } = await picking();
    const trait = (name: string) => find<HTMLButtonElement>(el, `trait-${name}`);
    expect(trait("price").textContent).toBe("Has a price 1");
    expect(trait("mask").disabled).toBe(true);
    trait("price").click();
    await drawn();
    expect(trait("price").getAttribute("aria-pressed")).toBe("true");
    expect(shownNames(el)).toEqual(["demo:every"]);
    press(search, "Escape");
    await drawn();
    find(el, "model-select").click();
    await drawn();
    expect(shownNames(el)).toEqual(["demo:every"]);
    trait("price").click();
    await drawn();
    expect(shownNames(el)).toHaveLength(3);
  });
  it("can be any again where words and traits leave none", async () => {
    const { el, query } = await picking();
    find(el, "trait-price").click();
    await drawn();
    await query("studio");
    expect(shownNames(el)).toEqual([]);
    find(el, "traits-clear").click();
    await drawn();
    expect(shownNames(el)).toEqual(["demo:studio"]);
  });
  it("stays on Escape, and says when nothing is called so", async () => {
    const { el, search, query } = await picking();
    await query("nothing is called so");
    expect(options(el)).toHaveLength(0);
    expect(find(el, "config-panel").textContent).toContain("No listed model");
    press(search, "Enter");
    press(search, "Escape");
    await drawn();
    expect(el.querySelector('[data-testid="model-search"]')).toBeNull();
    expect(find(el, "model-select").textContent).toBe("Demo studio");
  });
  it("in free text is asked for, then chosen; a wrong one is explained in place", async () => {
    const { fake, views } = await opened();
    const { el } = views[0];
    const write = async (id: string) => {
      const field = find<HTMLInputElement>(el, "other-id");
      field.value = id;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      await drawn();
      find(el, "other-use").click();
      await drawn();
      return fake.requests("model").at(-1);
    };
    find(el, "model-select").click();
    await drawn();
    find(el, "other-model").click();
    await drawn();
    const provider = find<HTMLSelectElement>(el, "other-provider");
    provider.value = "openai";
    provider.dispatchEvent(new Event("change", { bubbles: true }));
    await drawn();

    const wrong = await write("typo");
    expect(wrong?.call).toMatchObject({ name: "openai:typo" });
    // Its button keeps the focus while it is asked, and asks once.
    find(el, "other-use").focus();
    find(el, "other-use").click();
    await drawn();
    expect(fake.requests("model")).toHaveLength(1);
    expect(focused()).toBe("other-use");
    fake.receive({
      kind: "reply",
      to: wrong?.id ?? "",
      result: null,
      error: error({ message: "No such model." }),
    });
    await drawn();
    expect(find(el, "other-error").textContent).toContain("No such model.");

    const right = await write("gpt-image-9");
    expect(el.querySelector('[data-testid="other-error"]')).toBeNull();
    const named = model("gpt-image-9", { provider: "openai", title: "GPT Image 9" });
    await fake.reply(right?.id ?? "", { type: "model", model: named });
    await drawn();
    expect(find(el, "model-select").textContent).toBe("GPT Image 9");

    // Who has chosen another one meanwhile keeps it.
    find(el, "model-select").click();
    await drawn();
    find(el, "other-model").click();
    await drawn();
    const late = await write("gpt-image-10");
    find(el, "other-id").closest("form")?.querySelector("button")?.click();
    await drawn();
    options(el)
      .find((each) => each.textContent?.includes("Demo instant"))
      ?.click();
    await drawn();
    await fake.reply(late?.id ?? "", {
      type: "model",
      model: model("gpt-image-10", { provider: "openai", title: "GPT Image 10" }),
    });
    await drawn();
    expect(find(el, "model-select").textContent).toBe("Demo instant");
  });
});

describe("a missing key", () => {
  const keyed = () => {
    const fresh = snapshot(Date.now(), true);
    const found = { key: "set", keyHelp: "", keySource: "system keyring", discoveredAt: Date.now() } as const;
    return {
      ...fresh,
      seq: 1,
      config: { ...fresh.config, model: "openai:gpt-image-1" },
      providers: fresh.providers.map((each) => (each.name === "openai" ? { ...each, ...found } : each)),
    };
  };
  it("does not hide the age of a list and why there is not a newer one", async () => {
    const fresh = keyed();
    const failed = { discoveredAt: Date.now() - 3 * 3600_000, discoveryError: "The server did not answer." };
    const providers = fresh.providers.map((each) => (each.name === "openai" ? { ...each, ...failed } : each));
    const { views } = await opened({ ...fresh, providers });
    const { el } = views[0];
    expect(find(el, "models-age").textContent).toMatch(/updated 3 hours ago.*The server did not answer\./);
    find(el, "model-select").click();
    await drawn();
    expect(find(el, "list-failed").dataset.tip).toBe("The server did not answer.");
  });

  it("is given in the panel, and gone from the page when it is sent", async () => {
    const { fake, views } = await opened();
    const { el } = views[0];
    find(el, "model-select").click();
    await drawn();
    find(el, "model-fold").click();
    await drawn();
    [...el.querySelectorAll<HTMLElement>('[data-testid="model-option"]')]
      .find((option) => option.dataset.model?.startsWith("openai:"))
      ?.click();
    await drawn();
    expect(find(el, "key-missing").textContent).toContain("OPENAI_API_KEY");
    const input = find<HTMLInputElement>(el, "key-input");
    expect(input.type).toBe("password");
    find(el, "key-save").click();
    expect(fake.requests("set_key")).toHaveLength(0);
    input.value = " sk-canary-0123 ";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn();
    find(el, "key-save").focus();
    find(el, "key-save").click();
    await drawn();
    expect(focused()).toBe("key-save");
    const sent = fake.requests("set_key").at(-1);
    expect(sent?.call).toMatchObject({ provider: "openai", key: "sk-canary-0123", remember: true });
    expect(input.value).toBe("");
    const taken = {
      type: "key_taken",
      provider: "openai",
      keptIn: "memory",
      message: "It is kept.",
    } as const;
    await fake.reply(sent?.id ?? "", taken);
    await drawn();
    expect(find(el, "key-said").textContent).toBe("It is kept.");
    expect(el.outerHTML).not.toContain("sk-canary");

    fake.receive({ kind: "events", seq: 1, events: [{ type: "models_changed" }] });
    await fake.reply(fake.requests("hello").at(-1)?.id ?? "", {
      type: "snapshot",
      snapshot: keyed(),
    });
    await drawn();
    expect(el.querySelector('[data-testid="key-missing"]')).toBeNull();
    expect(find(el, "key-said").textContent).toBe("It is kept.");
    expect(focused()).toBe("key-set");
    find(el, "key-test");
  });
  it("is tested once it is there, and a bad one is told", async () => {
    const { fake, views } = await opened();
    const { el } = views[0];
    fake.receive({ kind: "events", seq: 1, events: [{ type: "models_changed" }] });
    await fake.reply(fake.requests("hello").at(-1)?.id ?? "", { type: "snapshot", snapshot: keyed() });
    await drawn();
    expect(el.querySelector('[data-testid="key-missing"]')).toBeNull();
    expect(find(el, "models-age").textContent).toContain("now");
    find(el, "key-test").focus();
    find(el, "key-test").click();
    await drawn();
    find(el, "key-test").click();
    await drawn();
    expect(fake.requests("check_provider")).toHaveLength(1);
    expect(focused()).toBe("key-test");
    const asked = fake.requests("check_provider").at(-1);
    const bad = { provider: "openai", outcome: "bad_key", message: "It refused the key." } as const;
    await fake.reply(asked?.id ?? "", { type: "provider_checked", ...bad });
    await drawn();
    expect(find(el, "key-said").getAttribute("role")).toBe("alert");
  });
});

describe("a server of one's own", () => {
  it("is added once, with the focus on its button", async () => {
    const { fake, views } = await opened();
    const { el } = views[0];
    find(el, "model-select").click();
    await drawn();
    find(el, "add-server").click();
    await drawn();
    const url = find<HTMLInputElement>(el, "server-url");
    url.value = "http://localhost:8080/v1";
    url.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn();
    find(el, "server-add").focus();
    for (const _ of [1, 2]) {
      find(el, "server-add").click();
      await drawn();
    }
    expect(fake.requests("add_server")).toHaveLength(1);
    expect(focused()).toBe("server-add");
    const outcome = { provider: "local", outcome: "good", message: "" } as const;
    await fake.reply(fake.requests("add_server")[0]?.id ?? "", { type: "server_added", ...outcome });
    await drawn();
    expect(focused()).toBe("server-done");
  });
  it("is filled in by a preset, with its blank, its key and where a key is made", async () => {
    const { fake, views } = await opened();
    const { el } = views[0];
    find(el, "model-select").click();
    await drawn();
    find(el, "add-server").click();
    await drawn();
    await fake.reply(fake.requests("server_presets")[0]?.id ?? "", {
      type: "server_presets",
      presets: SERVER_PRESETS,
    });
    await drawn();
    const choose = async (name: string) => {
      const select = find<HTMLSelectElement>(el, "server-preset");
      select.value = name;
      select.dispatchEvent(new Event("change", { bubbles: true }));
      await drawn();
    };
    const labels = [...find(el, "server-preset").querySelectorAll("option")].map((one) => one.textContent);
    expect(labels).toEqual(["Another server", "Azure OpenAI", "StepFun", "vLLM-Omni"]);
    await choose("stepfun");
    expect(find<HTMLInputElement>(el, "server-url").value).toBe("https://api.stepfun.com/v1");
    expect(find<HTMLInputElement>(el, "server-name").value).toBe("stepfun");
    expect(find<HTMLInputElement>(el, "server-key").placeholder).toBe("STEP_API_KEY");
    expect(el.querySelector("[data-testid=server-dialog] a")?.getAttribute("href")).toContain("stepfun");
    await choose("azure");
    expect(el.querySelector('[data-testid="server-url"]')).toBeNull();
    expect(find<HTMLButtonElement>(el, "server-add").disabled).toBe(true);
    const blank = find<HTMLInputElement>(el, "server-blank");
    expect(document.getElementById(blank.getAttribute("aria-describedby") ?? "")?.textContent).toContain(
      "portal",
    );
    blank.value = "my-team";
    blank.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn();
    find(el, "server-add").click();
    await drawn();
    expect(fake.requests("add_server")[0]?.call).toMatchObject({
      name: "azure",
      url: "",
      preset: "azure",
      values: { resource: "my-team" },
    });
    await choose("");
    expect(find<HTMLInputElement>(el, "server-url").value).toBe("");
    expect(find<HTMLInputElement>(el, "server-name").value).toBe("local");
  });
});

describe("the keyboard", () => {
  it("stays in the widget, but for saving", async () => {
    const { views } = await opened();
    const leaked: string[] = [];
    const note = (event: KeyboardEvent) => leaked.push(event.key);
    document.addEventListener("keydown", note);
    const prompt = find(views[0].el, "prompt");
    press(find(views[0].el, "generate"), "b");
    press(prompt, "Enter", { shiftKey: true });
    press(prompt, "s", { ctrlKey: true });
    press(prompt, "s", { metaKey: true });
    document.removeEventListener("keydown", note);
    expect(leaked).toEqual(["s", "s"]);
  });
  it("sends, deletes and switches once, however long a key is held", async () => {
    const { fake, views } = await opened();
    const prompt = await type(views[0].el, "a fox");
    const answer = async (method: "generate" | "delete") => {
      for (const { id } of fake.requests(method)) await fake.reply(id, { type: "empty" });
      await drawn();
    };
    for (const repeat of [false, true, true]) {
      expect(press(prompt, "Enter", { repeat })).toBe(false);
      await answer("generate");
    }
    expect(fake.requests("generate")).toHaveLength(1);
    // Lines may go on.
    expect(press(prompt, "Enter", { repeat: true, shiftKey: true })).toBe(true);
    expect(press(prompt, "Delete", { repeat: true })).toBe(true);
    const row = () => document.activeElement as HTMLElement;
    find(views[0].el, "topic").querySelector("button")?.focus();
    for (const repeat of [false, true, true]) {
      press(row(), "Delete", { repeat });
      await answer("delete");
    }
    expect(fake.requests("delete")).toHaveLength(1);
    // A button is pressed by Enter as often as the key repeats.
    expect(press(find(views[0].el, "generate"), "Enter", { repeat: true })).toBe(false);
  });
});

describe("the theme", () => {
  const page = (attributes: Record<string, string>) => {
    const element = document.createElement("body");
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const none = document.createElement("html");
  it.each([
    ["light", page({ "data-jp-theme-light": "true" }), true],
    ["dark", page({ "data-jp-theme-light": "false" }), false],
    ["light", page({ "data-vscode-theme-kind": "vscode-high-contrast-light" }), true],
    ["dark", page({ "data-vscode-theme-kind": "vscode-dark" }), false],
    ["dark", page({ class: "dark antialiased" }), false],
    ["light", page({ "data-theme": "light" }), true],
    ["dark", page({}), true],
    ["light", page({}), false],
  ])("is the host's: %s", (theme, body, prefersDark) =>
    expect(hostTheme(none, body, prefersDark)).toBe(theme),
  );
  it("is found on the document's own element too", () => {
    const html = document.createElement("html");
    html.setAttribute("theme", "dark");
    expect(hostTheme(html, page({}), false)).toBe("dark");
  });
});

describe("words", () => {
  it("say times", () => {
    expect([ago(0, 30_000), ago(0, 300_000), ago(0, 7_200_000), ago(0, 200_000_000)]).toEqual([
      "now",
      "5 min",
      "2 h",
      "2 d",
    ]);
    expect([elapsed(7900), elapsed(65_000), elapsed(-5)]).toEqual(["7 s", "1:05", "0 s"]);
    expect([took(412), took(12_300)]).toEqual(["0.4 s", "12 s"]);
  });
  it("say roughly how long something takes", () =>
    expect([0.2, 3.6, 9.4, 9.9, 12, 13, 57, 58, 89, 91, 620].map(roughly)).toEqual([
      "1 s",
      "4 s",
      "9 s",
      "10 s",
      "10 s",
      "15 s",
      "55 s",
      "1 min",
      "1 min",
      "2 min",
      "10 min",
    ]));
  it("say differences", () =>
    expect(differenceText({ parameter: "seed", requested: null, applied: 7 })).toBe("seed: none → 7"));
  it("leave out the long names of models where the room is small", () => {
    const other = { parameter: "model", requested: "paint-2", applied: "paint-2-turbo" };
    expect(differenceText(other)).toBe("model: paint-2 → paint-2-turbo");
    expect(changeText(other)).toBe("other model");
  });
});
