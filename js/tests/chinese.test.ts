// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { error, snapshot } from "../dev/fixtures";
import widget from "../src/index";
import { causeText, errorText, RequestError, worded } from "../src/lib/answer";
import { noticeOf } from "../src/lib/models";
import { helpOf } from "../src/lib/parameters";
import { shortcutGroups } from "../src/lib/shortcuts";
import { speak } from "../src/messages";
import { zh } from "../src/messages/zh";
import type { ModelState, ParameterState } from "../src/protocol.gen";
import { FakeModel, settled } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

beforeEach(() => {
  vi.useFakeTimers();
  document.documentElement.lang = "zh-CN";
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
  document.documentElement.removeAttribute("lang");
  speak("en");
});

/** Names that are the same in every language: formats, keys, units. */
const NAMES =
  /\b(?:AI|ZIP|PNG|JPEG|WEBP|JSON|ID|Python|Ctrl|Shift|Esc|Delete|Enter|HD|MP|[124]K|F2|[A-Z])\b|https?:\S*/g;

async function drawn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
  await settled();
}

async function opened(topic: boolean) {
  const fake = new FakeModel();
  const { signal } = new AbortController();
  const { initialize, render } = widget();
  initialize({ model: fake.model, signal } as unknown as Props);
  const el = document.createElement("div");
  document.body.append(el);
  render({ model: fake.model, el, signal } as unknown as Props);
  const shown = snapshot(Date.now(), topic);
  await fake.reply(fake.requests("hello")[0]?.id ?? "", { type: "snapshot", snapshot: shown });
  await drawn();
  return { el: el.querySelector(".imgplay") as HTMLElement, shown };
}

/** Return everything that is shown or read out: the texts, the names and the tips. */
function words(root: HTMLElement): string[] {
  const found: string[] = [];
  for (const element of root.querySelectorAll<HTMLElement>("*")) {
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) found.push(node.textContent ?? "");
    }
    for (const name of ["aria-label", "aria-valuetext", "title", "placeholder", "alt"])
      found.push(element.getAttribute(name) ?? "");
  }
  return found;
}

/** Return the Latin words that remain without the kernel's words and without names. */
function english(texts: string[], said: unknown): string[] {
  const kernel: string[] = [];
  JSON.stringify(said, (_, value) => {
    if (typeof value === "string" && /[A-Za-z]{2}/.test(value)) kernel.push(value, value.slice(0, 80));
    return value;
  });
  kernel.sort((a, b) => b.length - a.length);
  const left = texts.map((text) => {
    const own = kernel.reduce((rest, each) => rest.replaceAll(each, " "), text);
    return own.replaceAll(NAMES, " ");
  });
  return [...new Set(left.filter((text) => /[A-Za-z]{2}/.test(text)).map((text) => text.trim()))];
}

describe("the Chinese page", () => {
  it.each([true, false])("says nothing in English, with a topic: %s", async (topic) => {
    const { el, shown } = await opened(topic);
    expect(english(words(el), shown)).toEqual([]);
  });
  it("says nothing in English in its menus", async () => {
    const { el, shown } = await opened(true);
    // A tile has its menu when the pointer comes to it.
    for (const tile of el.querySelectorAll("[data-testid=tile]"))
      tile.dispatchEvent(new Event("pointerenter"));
    // And the prompt has one when there is something to improve.
    const prompt = el.querySelector<HTMLTextAreaElement>("[data-testid=prompt]") as HTMLTextAreaElement;
    prompt.value = "狐狸";
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn();
    const buttons = [...el.querySelectorAll<HTMLElement>("[aria-haspopup=menu]")];
    const menus = new Map(buttons.map((button) => [button.dataset.testid, button]));
    expect(menus.size).toBeGreaterThan(2);
    for (const button of menus.values()) {
      button.click();
      await drawn();
      const menu = el.querySelector<HTMLElement>("[role=menu]") as HTMLElement;
      expect(english(words(menu), shown)).toEqual([]);
      button.click();
      await drawn();
    }
  });
  it("names its shortcuts in Chinese", () => {
    speak("zh", zh);
    const texts = shortcutGroups().flatMap(({ title, shortcuts }) => [
      title,
      ...shortcuts.map(({ text }) => text),
    ]);
    expect(english(texts, null)).toEqual([]);
  });
});

describe("what the kernel says", () => {
  const refused = error({ code: "rate_limited", message: "429 Slow down.", nextStep: "Wait 20 s." });
  it("has a Chinese title and next step, with the kernel's own sentence as the detail", async () => {
    const { el } = await opened(true);
    const tile = el.querySelector<HTMLElement>("[data-status=error]") as HTMLElement;
    expect(tile.querySelector("strong")?.textContent).toBe("请求过于频繁。");
    expect(tile.textContent).toContain("请稍候再重试。");
    expect(tile.querySelector("[lang=en]")?.textContent).toBe(
      "The provider takes no more requests for now. Wait a minute, then retry.",
    );
    expect(tile.querySelector("p")?.title).toContain("Wait a minute");
  });
  it("is put in Chinese in a notice too", () => {
    speak("zh", zh);
    expect(causeText(new RequestError(refused))).toBe(
      "请求过于频繁。请稍候再重试。（429 Slow down. Wait 20 s.）",
    );
  });
  it("comes as it is where its code is not known, and in English", () => {
    speak("zh", zh);
    expect(errorText({ ...refused, code: "theirs" })).toBe("429 Slow down. Wait 20 s.");
    speak("en");
    expect(worded(refused)).toEqual({ message: "429 Slow down.", next: "Wait 20 s.", detail: "" });
    expect(errorText(refused)).toBe("429 Slow down. Wait 20 s.");
  });
  it("has helps of the page's own for parameters that are known, and the demo's notice", async () => {
    const { el, shown } = await opened(true);
    expect(el.querySelector("[data-testid=notice]")?.textContent).toContain("演示模型");
    expect(noticeOf({ ...(shown.models[0] as ModelState), notice: "" })).toBe("");
    const seed = shown.models[0]?.parameters.find(({ name }) => name === "seed") as ParameterState;
    expect(helpOf({ ...seed, help: "The same seed." })).toContain("种子");
    expect(helpOf({ ...seed, help: "" })).toBe("");
    expect(helpOf({ ...seed, name: "theirs", help: "Their words." })).toBe("Their words.");
  });
});
