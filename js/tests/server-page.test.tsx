// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch, generation, snapshot } from "../dev/fixtures";
import { WAITING_AFTER } from "../src/bridge";
import { speak, t } from "../src/messages";
import { partsFromServer } from "../src/parts/from-server";
import { showDocument } from "../src/server-document";
import { FIRST_PAUSE, LAST_PAUSE, NO_STUDIO } from "../src/socket";
import { FakeSocket, useFakeSockets } from "./fake-socket";
import { partFromSource, settled } from "./kit";

const HOME = "http://127.0.0.1:8460/user/ann/image-playground";
const KERNEL = /kernel|notebook|\bcells?\b|内核|笔记本|单元格/i;

let ended: AbortController;
beforeEach(() => {
  vi.useFakeTimers();
  useFakeSockets();
  // No server answers.
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  ended = new AbortController();
  go(HOME);
});
afterEach(async () => {
  ended.abort();
  await drawn();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  document.body.replaceChildren();
  document.documentElement.removeAttribute("lang");
  speak("en");
});

function go(address: string): void {
  (window as unknown as { happyDOM: { setURL(url: string): void } }).happyDOM.setURL(address);
}

async function drawn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
  await settled();
}

/** Show the page, whose server has not answered yet. */
function shown() {
  const el = document.createElement("div");
  document.body.append(el);
  const page = showDocument(el, "/user/ann/", partFromSource, ended.signal);
  const root = () => el.querySelector(".imgplay") as HTMLElement;
  const find = (testid: string) => el.querySelector<HTMLElement>(`[data-testid="${testid}"]`);
  return { page, el, root, find, state: page.store.getState };
}

/** Show the page, whose server has answered with a snapshot. */
async function opened(patch: Parameters<FakeSocket["hello"]>[0] = {}) {
  const page = shown();
  FakeSocket.last.ready();
  await FakeSocket.last.hello(patch);
  await drawn();
  return page;
}

describe("the page of a server", () => {
  it("talks to the socket below the base of its server", () => {
    shown();
    expect(FakeSocket.last.address.href).toBe("ws://127.0.0.1:8460/user/ann/api/image-playground/socket");
  });
  it("fills what holds it, without a handle for its height", async () => {
    const { root, find } = await opened();
    expect(root().hasAttribute("data-fill")).toBe(true);
    expect(find("resize-left")).not.toBeNull();
    expect(find("resize-bottom")).toBeNull();
    expect(root().style.getPropertyValue("--ip-height")).toBe("");
  });
  it("names its tab after the topic, with the number of images on their way", async () => {
    const { state } = await opened();
    const [topic] = snapshot(Date.now(), true).topics;
    expect(document.title).toBe(`${topic?.title} · Image studio`);
    const statuses = ["pending", "processing", "success"] as const;
    const images = statuses.map((status, position) => generation("b9", position, { status }));
    const running = batch("b9", topic?.id ?? "", "a fox", images);
    state().queueBatch(running);
    expect(document.title).toBe(`(2) ${topic?.title} · Image studio`);
    state().unqueue("b9");
    state().showTopic(null);
    expect(document.title).toBe("Image studio");
  });
  it("marks its tab when the last image ended while nobody looked, until somebody looks", async () => {
    const { state } = await opened();
    const look = (hidden: boolean) => {
      vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
      document.dispatchEvent(new Event("visibilitychange"));
    };
    const two = (...statuses: ("processing" | "success")[]) =>
      batch(
        "b9",
        "t1",
        "a fox",
        statuses.map((status, position) => generation("b9", position, { status })),
      );
    state().queueBatch(two("processing", "processing"));
    look(true);
    state().queueBatch(two("processing", "success"));
    expect(document.title).toMatch(/^\(1\) /);
    state().queueBatch(two("success", "success"));
    expect(document.title).toMatch(/^✓ /);
    look(false);
    expect(document.title).toMatch(/^Lighthouse/);
    // What ended before one's eyes needs no mark, later either.
    state().queueBatch(two("processing"));
    state().queueBatch(two("success"));
    look(true);
    expect(document.title).toMatch(/^Lighthouse/);
    vi.restoreAllMocks();
  });
  it("says the host's language in the document, unless the document names one", () => {
    shown();
    expect(document.documentElement.lang).toBe(navigator.language);
    document.documentElement.lang = "fr";
    shown();
    expect(document.documentElement.lang).toBe("fr");
  });
});

it.each([
  ["en", "Image studio"],
  ["zh", "图像工作室"],
])("is the main part of its document, with a heading (%s)", async (lang, heading) => {
  document.documentElement.lang = lang;
  const { el } = await opened();
  expect([el.role, el.querySelector("h1")?.textContent]).toEqual(["main", heading]);
  ended.abort();
  expect(el.querySelector("h1")).toBeNull();
});

describe("the address", () => {
  it("opens its topic", async () => {
    const [, other] = snapshot(Date.now(), true).topics;
    go(`${HOME}?topic=${other?.id}`);
    const { state } = await opened();
    expect(state().activeTopicId).toBe(other?.id);
    expect(FakeSocket.last.requests("select_topic")).toMatchObject([{ call: { topicId: other?.id } }]);
  });
  it("follows the topic that is shown, and keeps no login", async () => {
    go(`${HOME}?token=secret`);
    const { state } = await opened();
    const [first, second] = snapshot(Date.now(), true).topics;
    expect(location.href).toBe(`${HOME}?topic=${first?.id}`);
    void state().selectTopic(second?.id ?? "");
    expect(location.href).toBe(`${HOME}?topic=${second?.id}`);
    void state().selectTopic(null);
    expect(location.href).toBe(HOME);
  });
  it("stays as it is until the server has answered", async () => {
    const [, other] = snapshot(Date.now(), true).topics;
    go(`${HOME}?topic=${other?.id}`);
    const { state } = shown();
    FakeSocket.last.open();
    // The state changes: the page tells that it waits, and how many clicks wait.
    await vi.advanceTimersByTimeAsync(2 * WAITING_AFTER);
    state().addNotice("info", "");
    expect(location.href).toBe(`${HOME}?topic=${other?.id}`);
    FakeSocket.last.ready();
    await FakeSocket.last.hello();
    expect(state().activeTopicId).toBe(other?.id);
  });
});

describe.each([
  ["en", /server/],
  ["zh-CN", /服务器/],
])("the words (%s)", (lang, server) => {
  beforeEach(() => {
    document.documentElement.lang = lang;
  });

  it("are about a server while it opens, when it is gone, and when it wants a login", async () => {
    const { find } = shown();
    await vi.advanceTimersByTimeAsync(WAITING_AFTER);
    const bar = () => find("connection")?.textContent ?? "";
    const told = [bar()];
    FakeSocket.last.ready();
    await FakeSocket.last.hello();
    await drawn();
    expect(bar()).toBe("");
    // As JupyterHub answers a browser that is logged in.
    vi.stubGlobal("fetch", async (_: URL, { mode }: RequestInit) =>
      mode === "no-cors" ? { type: "basic", status: 200 } : { type: "opaqueredirect", status: 0 },
    );
    FakeSocket.last.end();
    await vi.advanceTimersByTimeAsync(WAITING_AFTER);
    FakeSocket.last.end();
    await vi.advanceTimersByTimeAsync(2 * WAITING_AFTER);
    told.push(bar());
    vi.stubGlobal("fetch", async () => ({ type: "opaqueredirect", status: 0 }));
    FakeSocket.last.end();
    await vi.advanceTimersByTimeAsync(2 * WAITING_AFTER);
    told.push(bar());
    expect(new Set(told).size).toBe(3);
    for (const text of told) {
      expect(text).toMatch(server);
      expect(text).not.toMatch(KERNEL);
    }
  });
  it("are about no kernel anywhere in the page, with all parts", async () => {
    const { page } = await opened();
    for (const name of ["gallery", "large", "mask", "picker", "tools", "zh"] as const)
      await page.parts.want(name);
    const wrong = Object.entries(flat(t)).filter(([name, text]) => KERNEL.test(text) && !UNSEEN.has(name));
    expect(wrong).toEqual([]);
  });
});

/**
 * The texts that a server's page never shows: there always is a server, and it is no browser's own Python. And those
 * that it shows only in JupyterLab, beside a notebook.
 */
const UNSEEN = new Set([
  ...["states.none", "states.noneNext", "errors.own.no_threads.1"],
  ...["batch.inserted", "batch.noNotebook", "tile.insert", "tile.inserted"],
]);

/** Return all texts of a table by their paths; of a text with gaps, its code. */
function flat(table: object, path = ""): Record<string, string> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([key, value]: [string, unknown]) => {
      const name = path + key;
      if (typeof value === "object" && value !== null) return Object.entries(flat(value, `${name}.`));
      return [[name, String(value)]];
    }),
  );
}

it("says why the server has no studio, and again what a login is, when that changes", async () => {
  const { find } = shown();
  FakeSocket.last.open();
  FakeSocket.last.end(NO_STUDIO, "The store is locked.");
  await vi.advanceTimersByTimeAsync(2 * WAITING_AFTER);
  expect(find("connection")?.textContent).toContain("The store is locked.");
  await vi.advanceTimersByTimeAsync(LAST_PAUSE);
  FakeSocket.last.ready();
  await FakeSocket.last.hello();
  await drawn();
  expect(find("connection")).toBeNull();
  expect(t.states.gone).toMatch(/logged in/);
});

it("keeps the text that was not sent, and generates it after the server is back", async () => {
  const { find } = await opened();
  const prompt = find("prompt") as HTMLTextAreaElement;
  prompt.value = "a fox in the snow";
  prompt.dispatchEvent(new Event("input", { bubbles: true }));
  FakeSocket.last.end();
  await vi.advanceTimersByTimeAsync(FIRST_PAUSE);
  FakeSocket.last.ready();
  await FakeSocket.last.hello({ draft: { prompt: "", references: [], mask: null } });
  await drawn();
  expect((find("prompt") as HTMLTextAreaElement).value).toBe("a fox in the snow");
  find("generate")?.click();
  await drawn();
  const [request] = FakeSocket.last.requests("generate");
  expect(JSON.stringify(request)).toContain("a fox in the snow");
});

describe("a part", () => {
  it("comes from its file, under another address after a failure that the browser may remember", async () => {
    vi.stubGlobal("BUILD", "b1");
    const asked: string[] = [];
    const words = {};
    const load = partsFromServer(new URL("http://x.test/static/parts/"), async (address) => {
      asked.push(address);
      if (asked.length === 1) throw new TypeError("Failed to fetch");
      return { default: () => ({ styles: "", module: { words } }) };
    });
    await expect(load("zh")).rejects.toThrow("Failed to fetch");
    const part = await load("zh");
    expect(part.module.words).toBe(words);
    expect(asked.map((address) => address.slice("http://x.test/static/".length))).toEqual([
      "parts/zh-b1.js",
      "parts/zh-b1.js?1",
    ]);
  });
});
