import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { error, model, snapshot } from "../dev/fixtures";
import { ACK_EVERY, createBridge, FIRST_HELLO_RETRY, LOST_AFTER, WAITING_AFTER } from "../src/bridge";
import { RequestError } from "../src/lib/answer";
import type { Call, Event as KernelEvent } from "../src/protocol.gen";
import { FakeModel, settled } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBeGreaterThanOrEqual(0);
  vi.useRealTimers();
});

const CANCEL: Call = { method: "cancel", batchId: "b", generationId: null };

function connected(state: Record<string, unknown> = {}) {
  const fake = new FakeModel();
  fake.state = state;
  const ended = new AbortController();
  const seen = {
    snapshots: [] as [number, boolean][],
    events: [] as KernelEvent[],
    connections: [] as string[],
    catalogs: [] as string[][],
  };
  const bridge = createBridge(
    fake.model,
    {
      snapshot: ({ seq }, _buffers, live) => void seen.snapshots.push([seq, live]),
      events: (events) => void seen.events.push(...events),
      catalog: (models) => void seen.catalogs.push(models.map(({ name }) => name)),
      connection: (connection) => void seen.connections.push(connection),
    },
    ended.signal,
  );
  const view = new AbortController();
  bridge.watch(view.signal);
  const hello = async (seq: number): Promise<void> => {
    const request = fake.requests("hello").at(-1);
    if (!request) throw new Error("no hello was sent");
    await fake.reply(request.id, { type: "snapshot", snapshot: { ...snapshot(0, false), seq } });
  };
  const event = (message: string): KernelEvent => ({ type: "notice_shown", level: "info", message });
  const events = (seq: number, ...list: KernelEvent[]): void =>
    fake.receive({ kind: "events", seq, events: list.length > 0 ? list : [event(String(seq))] });
  const messages = () => seen.events.map((each) => (each.type === "notice_shown" ? each.message : each.type));
  return { fake, ended, view, seen, bridge, hello, events, messages };
}

describe("the catalog", () => {
  it("comes packed with a snapshot, and is not asked for again", async () => {
    vi.useRealTimers(); // a stream is unpacked
    const { fake, seen, ended } = connected();
    const text = new Blob([JSON.stringify([model("packed")])]);
    const packed = await new Response(
      text.stream().pipeThrough(new CompressionStream("deflate")),
    ).arrayBuffer();
    fake.receive(
      {
        kind: "reply",
        to: fake.requests("hello")[0]?.id ?? "",
        result: { type: "snapshot", snapshot: { ...snapshot(0, false), catalog: "abc", catalogBuffer: 0 } },
        error: null,
      },
      [new DataView(packed)],
    );
    await vi.waitFor(() => expect(seen.catalogs).toEqual([["demo:packed"]]));
    fake.receive({ kind: "events", seq: 1, events: [{ type: "models_changed" }] });
    await vi.waitFor(() => expect(fake.requests("hello")).toHaveLength(2));
    expect(fake.requests("hello").map(({ call }) => call)).toMatchObject([
      { catalog: null },
      { catalog: "abc" },
    ]);
    ended.abort();
    vi.useFakeTimers();
  });
});

describe("requests", () => {
  it("are answered by their own reply, once", async () => {
    const { fake, bridge } = connected();
    const answers: string[] = [];
    void bridge.request(CANCEL).then(() => answers.push("first"));
    void bridge.request(CANCEL).then(() => answers.push("second"));
    const [first, second] = fake.requests("cancel");
    await fake.reply(second?.id ?? "", { type: "empty" });
    await fake.reply(second?.id ?? "", { type: "empty" });
    await fake.reply("of another page", { type: "empty" });
    expect(answers).toEqual(["second"]);
    await fake.reply(first?.id ?? "", { type: "empty" });
    expect(answers).toEqual(["second", "first"]);
  });
  it("fail with the error of the kernel", async () => {
    const { fake, bridge } = connected();
    const answer = bridge.request(CANCEL);
    const id = fake.requests("cancel")[0]?.id ?? "";
    fake.receive({ kind: "reply", to: id, result: null, error: error({ message: "No." }) });
    await expect(answer).rejects.toMatchObject({ state: { message: "No." } });
  });
  it("bring the buffers of their reply", async () => {
    const { fake, bridge } = connected();
    const answer = bridge.request({ method: "original", generationId: "g" });
    const bytes = new DataView(new ArrayBuffer(3));
    const result = {
      type: "original",
      generationId: "g",
      mediaType: "image/png",
      fileName: "g.png",
      buffer: 0,
    } as const;
    fake.receive({ kind: "reply", to: fake.requests("original")[0]?.id ?? "", result, error: null }, [bytes]);
    expect((await answer).buffers[0]).toBe(bytes);
  });
  it("have ids that no other page has", () => {
    const one = connected().fake.requests("hello")[0]?.id;
    const other = connected().fake.requests("hello")[0]?.id;
    expect(one).not.toBe(other);
  });
  it("count as lost only when younger ones were answered", async () => {
    const { fake, bridge, hello } = connected();
    await hello(0);
    const outcome: unknown[] = [];
    bridge.request(CANCEL).catch((cause: unknown) => outcome.push(cause));
    vi.advanceTimersByTime(2 * LOST_AFTER);
    await settled();
    expect(outcome).toEqual([]);
    expect(fake.requests("hello").length).toBeGreaterThan(1);
    await hello(0);
    vi.advanceTimersByTime(LOST_AFTER);
    await settled();
    expect(outcome).toHaveLength(1);
    expect((outcome[0] as RequestError).state.code).toBe("no_answer");
  });
});

describe("the connection", () => {
  it("waits after a silent second, and is ready again with any message", async () => {
    const { bridge, seen, hello, events } = connected();
    await hello(0);
    expect(seen.connections).toEqual(["ready"]);
    void bridge.request(CANCEL).catch(() => undefined);
    vi.advanceTimersByTime(WAITING_AFTER - 1);
    expect(seen.connections).toEqual(["ready"]);
    vi.advanceTimersByTime(1);
    expect(seen.connections).toEqual(["ready", "waiting"]);
    events(1);
    expect(seen.connections).toEqual(["ready", "waiting", "ready"]);
  });
  it("does not call the kernel silent because a picture takes its time", async () => {
    const { bridge, hello, seen } = connected();
    await hello(0);
    void bridge.request({ method: "thumbnails", generationIds: ["g"] });
    await vi.advanceTimersByTimeAsync(3 * WAITING_AFTER);
    expect(seen.connections).toEqual(["ready"]);
  });
  it("does not wait while nothing is asked", async () => {
    const { seen, hello } = connected();
    await hello(0);
    vi.advanceTimersByTime(LOST_AFTER);
    expect(seen.connections).toEqual(["ready"]);
  });
  it("asks again, less and less often, until the kernel answers", async () => {
    const { fake, seen, hello } = connected();
    expect(fake.requests("hello")).toHaveLength(1);
    vi.advanceTimersByTime(FIRST_HELLO_RETRY);
    expect(fake.requests("hello")).toHaveLength(2);
    vi.advanceTimersByTime(FIRST_HELLO_RETRY);
    expect(fake.requests("hello")).toHaveLength(2);
    vi.advanceTimersByTime(FIRST_HELLO_RETRY);
    expect(fake.requests("hello")).toHaveLength(3);
    expect(seen.connections).toEqual(["waiting"]);
    await hello(0);
    expect(seen.connections).toEqual(["waiting", "ready"]);
  });
  it("shows the saved snapshot until then, not as the kernel's word", async () => {
    const { seen, hello } = connected({ _snapshot: JSON.stringify({ ...snapshot(0, false), seq: 3 }) });
    expect(seen.snapshots).toEqual([[3, false]]);
    await hello(5);
    expect(seen.snapshots).toEqual([
      [3, false],
      [5, true],
    ]);
  });
  it("takes no snapshot of another protocol", () => {
    for (const saved of ['{"protocol":99}', "{}", '{"proto', "", {}, undefined]) {
      expect(connected({ _snapshot: saved }).seen.snapshots).toEqual([]);
    }
  });
});

describe("events", () => {
  it("are taken in order, each once", async () => {
    const { hello, events, messages, fake } = connected();
    await hello(4);
    events(4);
    events(5);
    events(5);
    events(6);
    expect(messages()).toEqual(["5", "6"]);
    expect(fake.requests("hello")).toHaveLength(1);
  });
  it("lead to one hello after a gap", async () => {
    const { hello, events, fake, seen } = connected();
    await hello(0);
    events(1);
    events(4);
    events(7);
    expect(fake.requests("hello")).toHaveLength(2);
    await hello(7);
    expect(seen.snapshots.at(-1)).toEqual([7, true]);
    // The second gap was found while the first hello was under way.
    expect(fake.requests("hello")).toHaveLength(3);
  });
  it("that are newer than a snapshot are taken after it again", async () => {
    const { hello, events, messages } = connected();
    events(1);
    events(2);
    events(3);
    expect(messages()).toEqual([]);
    await hello(2);
    expect(messages()).toEqual(["3"]);
    events(4);
    expect(messages()).toEqual(["3", "4"]);
  });
  it("of another kernel lead to one hello", async () => {
    const { hello, events, fake } = connected();
    await hello(0);
    events(1, { type: "store_changed" }, { type: "store_changed" });
    expect(fake.requests("hello")).toHaveLength(2);
  });
  it("of new models or keys lead to one hello", async () => {
    const { hello, events, fake } = connected();
    await hello(0);
    events(1, { type: "models_changed" }, { type: "models_changed" });
    expect(fake.requests("hello")).toHaveLength(2);
  });
  it("are not acknowledged while no view shows them, and are again with the next view", async () => {
    const { fake, bridge, view, hello, events } = connected();
    await hello(0);
    view.abort();
    events(1);
    await vi.advanceTimersByTimeAsync(3 * ACK_EVERY);
    expect(fake.acks()).toEqual([0]);
    bridge.watch(new AbortController().signal);
    expect(fake.acks()).toEqual([0, 1]);
  });
  it("are acknowledged at most once a second, with the newest number", async () => {
    const { hello, events, fake } = connected();
    await hello(0);
    events(1);
    events(2);
    events(3);
    expect(fake.acks()).toEqual([0]);
    vi.advanceTimersByTime(ACK_EVERY);
    expect(fake.acks()).toEqual([0, 3]);
    vi.advanceTimersByTime(10 * ACK_EVERY);
    expect(fake.acks()).toEqual([0, 3]);
    events(4);
    expect(fake.acks()).toEqual([0, 3, 4]);
  });
});

it("ends with its signal: nothing listens, nothing ticks, nothing hangs", async () => {
  const { fake, ended, bridge, events, messages } = connected();
  const answer = bridge.request(CANCEL);
  ended.abort();
  await expect(answer).rejects.toBeInstanceOf(RequestError);
  await expect(bridge.request(CANCEL)).rejects.toMatchObject({ state: { code: "closed" } });
  await settled();
  expect(fake.handlers.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  events(1);
  expect(messages()).toEqual([]);
});
