// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { batch, generation, snapshot, topic } from "../dev/fixtures";
import widget from "../src/index";
import { GATHER } from "../src/lib/wanted";
import { FakeModel } from "./kit";

type Props = Parameters<ReturnType<typeof widget>["render"]>[0];

const BATCHES = 200;
const made = Array.from({ length: BATCHES }, (_, number) => {
  // The newest one, which has the greatest id, comes first.
  const id = `b${String(BATCHES - number).padStart(3, "0")}`;
  const images = [0, 1, 2, 3].map((position) =>
    generation(id, position, position === 3 ? { status: "error" } : {}),
  );
  return batch(id, "t1", `prompt of ${id}`, images);
});

const wait = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
/** An image that loads whatever it is told to. */
class Loading {
  onload?: () => void;
  set src(_: string) {
    queueMicrotask(() => this.onload?.());
  }
}

let fake: FakeModel;
let feed: HTMLElement;
const answered = new Set<string>();

/** Answer the requests for thumbnails. Return what each of them asked for. */
async function answer(): Promise<string[][]> {
  const groups: string[][] = [];
  for (const { id, call } of fake.requests("thumbnails")) {
    if (call.method !== "thumbnails" || answered.has(id)) continue;
    answered.add(id);
    groups.push(call.generationIds);
    const items = call.generationIds.map((generationId) => ({ generationId, buffer: 0, reason: null }));
    const bytes = new DataView(new ArrayBuffer(4));
    fake.receive(
      { kind: "reply", to: id, result: { type: "thumbnails", items }, error: null },
      items.map(() => bytes),
    );
    await wait();
  }
  return groups;
}

async function scroll(step: number, frames: number): Promise<string[][]> {
  const groups: string[][] = [];
  for (let frame = 0; frame < frames; frame++) {
    feed.scrollTop += step;
    const event = new Event("scroll");
    Object.defineProperty(event, "timeStamp", { value: Date.now() });
    feed.dispatchEvent(event);
    await wait(16);
    groups.push(...(await answer()));
  }
  await wait(GATHER + 1);
  return [...groups, ...(await answer())];
}

const rowOf = (id: string) => BATCHES - Number(id.slice(1, -2));
const drawn = () =>
  [...feed.querySelectorAll<HTMLElement>("[data-status=success]")].map(
    ({ dataset }) => dataset.generationId ?? "",
  );

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("Image", Loading);
  vi.stubGlobal(
    "URL",
    Object.assign(URL, { createObjectURL: () => "blob:x", revokeObjectURL: () => undefined }),
  );
  answered.clear();
  fake = new FakeModel();
  const { initialize, render } = widget();
  const el = document.createElement("div");
  document.body.append(el);
  const { signal } = new AbortController();
  initialize({ model: fake.model, signal } as unknown as Props);
  render({ model: fake.model, el, signal } as unknown as Props);
  await fake.reply(fake.requests("hello")[0]?.id ?? "", {
    type: "snapshot",
    snapshot: {
      ...snapshot(0, true),
      topics: [topic("t1", "one", BATCHES * 3)],
      activeTopicId: "t1",
      feed: { topicId: "t1", batches: made, before: null },
    },
  });
  await wait(50);
  feed = el.querySelector("[data-testid=feed]") as HTMLElement;
  Object.defineProperty(feed, "clientHeight", { value: 600 });
  await scroll(1, 1);
  // What is on the page now gets its pictures.
  await scroll(0, 10);
});
afterEach(async () => {
  await wait(200);
  vi.useRealTimers();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

it("asks for what scrolling shows next, many thumbnails in one message", async () => {
  const before = new Set(drawn());
  const groups = await scroll(20, 60);
  const came = drawn().filter((id) => !before.has(id));
  expect(came.length).toBeGreaterThan(20);
  const asked = groups.flat();
  // None twice, none that is not there, and few messages.
  expect(new Set(asked).size).toBe(asked.length);
  expect(asked.filter((id) => id.endsWith("-3"))).toEqual([]);
  expect(Math.min(...groups.map((group) => group.length))).toBeGreaterThanOrEqual(6);
  // Also for images of rows that come later.
  expect(Math.max(...asked.map(rowOf))).toBeGreaterThan(Math.max(...drawn().map(rowOf)));
});

it("looks ahead in the direction of the user", async () => {
  await scroll(400, 30);
  await wait(500);
  await scroll(0, 1);
  const first = Math.min(...drawn().map(rowOf));
  const up = (await scroll(-20, 20)).flat().map(rowOf);
  expect(Math.min(...drawn().map(rowOf))).toBeLessThan(first);
  expect(Math.min(...up)).toBeLessThan(Math.min(...drawn().map(rowOf)));
});

it("asks for nothing ahead of a list that rests or rushes by", async () => {
  expect((await scroll(0, 20)).flat()).toEqual([]);
  const rushed = await scroll(900, 8);
  expect(rushed.flat().length).toBeLessThanOrEqual(drawn().length);
});
