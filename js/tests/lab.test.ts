// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LabStudio } from "../src/lab/studio";
import { labTexts } from "../src/messages/lab";
import { settled } from "./kit";

const BASE = "http://127.0.0.1:8888/user/ann/";
const texts = labTexts("en");

beforeEach(() => {
  vi.stubGlobal("BUILD", "b1");
});
afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

/** A studio whose script loads on the try with this number, from 1. */
function studio({ loadsOn = 1 } = {}) {
  const asked: string[] = [];
  const opened: string[] = [];
  const topics: string[] = [];
  const lab = new LabStudio(BASE, texts, async (address) => {
    asked.push(address.slice(`${BASE}image-playground/static/`.length));
    if (asked.length < loadsOn) throw new TypeError("Failed to fetch dynamically imported module");
    return {
      default: (base: string) => {
        opened.push(base);
        return {
          showIn: (el: HTMLElement) => el.append("the studio"),
          openTopic: (topic: string) => void topics.push(topic),
        };
      },
    };
  });
  return { lab, asked, opened, topics };
}

function panel(): { el: HTMLElement; ended: AbortController } {
  const el = document.createElement("div");
  document.body.append(el);
  return { el, ended: new AbortController() };
}

function answering(answer: object | Error): void {
  vi.stubGlobal("fetch", async () => {
    if (answer instanceof Error) throw answer;
    return { type: "basic", ...answer };
  });
}

describe("the studio of JupyterLab", () => {
  it("loads once for all panels, below the base of the server, by an address with its build", async () => {
    const { lab, asked, opened } = studio();
    const [first, second] = [panel(), panel()];
    expect(asked).toEqual([]);
    lab.show(first.el, first.ended.signal);
    lab.show(second.el, second.ended.signal);
    expect(first.el.textContent).toBe(texts.opening);
    await settled();
    const third = panel();
    lab.show(third.el, third.ended.signal);
    expect([first, second, third].map(({ el }) => el.textContent)).toEqual(Array(3).fill("the studio"));
    expect([asked, opened]).toEqual([["page.js?b1"], ["/user/ann/"]]);
  });

  it("shows a topic that was asked for before and after it loaded", async () => {
    const { lab, topics } = studio();
    lab.showTopic("t1");
    const { el, ended } = panel();
    lab.show(el, ended.signal);
    await settled();
    lab.showTopic("t2");
    expect(topics).toEqual(["t1", "t2"]);
  });

  it.each([
    ["missing", { status: 404 }],
    ["login", { status: 403 }],
    ["login", { type: "opaqueredirect", status: 0 }],
    ["offline", new TypeError("Failed to fetch")],
    ["failed", { status: 200 }],
  ] as const)("says why it cannot load, and the next step: %s", async (problem, answer) => {
    answering(answer);
    const { lab } = studio({ loadsOn: 2 });
    const { el, ended } = panel();
    lab.show(el, ended.signal);
    await settled();
    const [said, next] = texts.problems[problem];
    expect([...el.querySelectorAll("p")].map(({ textContent }) => textContent)).toEqual([said, next]);
  });

  it("tries again at another address, and shows it in all panels that wait and are still open", async () => {
    answering({ status: 404 });
    const { lab, asked } = studio({ loadsOn: 3 });
    const [first, second, closed] = [panel(), panel(), panel()];
    for (const { el, ended } of [first, second, closed]) lab.show(el, ended.signal);
    await settled();
    closed.ended.abort();
    first.el.querySelector("button")?.click();
    await settled();
    expect(second.el.textContent).toContain(texts.problems.missing[0]);
    second.el.querySelector("button")?.click();
    await settled();
    expect(asked).toEqual(["page.js?b1", "page.js?b1-1", "page.js?b1-2"]);
    expect([first, second].map(({ el }) => el.textContent)).toEqual(["the studio", "the studio"]);
    expect(closed.el.textContent).not.toBe("the studio");
  });
});

it.each([
  ["zh_CN", "图像工作室"],
  ["zh", "图像工作室"],
  ["en", "Image Playground"],
  ["fr_FR", "Image Playground"],
])("the extension speaks the language of JupyterLab (%s)", (tag, name) => {
  expect(labTexts(tag).name).toBe(name);
});
