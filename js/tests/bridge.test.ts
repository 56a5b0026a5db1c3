// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { error, model, snapshot } from "../dev/fixtures";
import { ACK_EVERY, createBridge, FIRST_REPEAT, UNKNOWN_AFTER, WAITING_AFTER } from "../src/bridge";
import { PROTOCOL, widgetChannel } from "../src/host";
import { RequestError } from "../src/lib/answer";
import type { Look } from "../src/lib/theme";
import type { Call, Event as KernelEvent } from "../src/protocol.gen";
import { FakeModel, settled } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBeGreaterThanOrEqual(0);
  vi.useRealTimers();
});

const CANCEL: Call = { method: "cancel", batchIds: ["b"], generationId: null };

function connected(state: Record<string, unknown> = {}, manager: FakeModel["widget_manager"] = {}) {
  const fake = new FakeModel();
  fake.state = state;
  fake.widget_manager = manager;
  const ended = new AbortController();
  const seen = {
    snapshots: [] as [number, boolean][],
    events: [] as KernelEvent[],
    connections: [] as string[],
    clicks: 0,
    refusals: [] as unknown[],
    catalogs: [] as string[][],
    looks: [] as Look[],
  };
  const bridge = createBridge(
    widgetChannel(fake.model),
    {
      saved: ({ seq }) => void seen.snapshots.push([seq, false]),
      asks:
        () =>
        ({ seq }) =>
          void seen.snapshots.push([seq, true]),
      events: (events) => void seen.events.push(...events),
      catalog: (models) => void seen.catalogs.push(models.map(({ name }) => name)),
      connection: (connection, clicks) => {
        if (seen.connections.at(-1) !== connection) seen.connections.push(connection);
        seen.clicks = clicks;
      },
      refused: (cause) => void seen.refusals.push(cause),
      look: (look) => void seen.looks.push(look),
    },
    ended.signal,
  );
  const view = new AbortController();
  const el = document.body.appendChild(document.createElement("div"));
  bridge.watch(el, view.signal);
  const hello = async (seq: number): Promise<void> => {
    const request = fake.requests("hello").at(-1);
    if (!request) throw new Error("no hello was sent");
    await fake.reply(request.id, { type: "snapshot", snapshot: { ...snapshot(0, false), seq } });
  };
  const event = (message: string): KernelEvent => ({ type: "notice_shown", level: "info", message });
  const events = (seq: number, ...list: KernelEvent[]): void =>
    fake.receive({ kind: "events", seq, events: list.length > 0 ? list : [event(String(seq))] });
  const messages = () => seen.events.map((each) => (each.type === "notice_shown" ? each.message : each.type));
  return { fake, ended, view, el, seen, bridge, hello, events, messages };
}

describe("waiting", () => {
  it("is not for a request whose younger sibling was answered: it was lost, or takes longer", async () => {
    const { fake, seen, hello, ended, bridge } = connected();
    await hello(0);
    void bridge.request(CANCEL).catch(() => undefined);
    fake.trigger("comm_live_update");
    await hello(0);
    await vi.advanceTimersByTimeAsync(3 * WAITING_AFTER);
    expect(seen.connections.at(-1)).toBe("ready");
    void bridge.request(CANCEL).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(3 * WAITING_AFTER);
    expect(seen.connections.at(-1)).toBe("waiting");
    ended.abort();
  });
});

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
    const { fake, bridge, hello } = connected();
    await hello(0);
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
    const { fake, bridge, hello } = connected();
    await hello(0);
    const answer = bridge.request(CANCEL);
    const id = fake.requests("cancel")[0]?.id ?? "";
    fake.receive({ kind: "reply", to: id, result: null, error: error({ message: "No." }) });
    await expect(answer).rejects.toMatchObject({ state: { message: "No." } });
  });
  it("bring the buffers of their reply", async () => {
    const { fake, bridge, hello } = connected();
    await hello(0);
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
});

describe("before the kernel answers for the first time, requests", () => {
  const pin = (topicId: string): Call => ({ method: "pin_topic", topicId, pinned: true });

  it("wait, and go in their order and once when it does", async () => {
    const { fake, bridge, hello } = connected({}, { kernel: { status: "busy" } });
    void bridge.request(CANCEL);
    void bridge.request(pin("a"));
    void bridge.request(pin("b"));
    vi.advanceTimersByTime(3 * FIRST_REPEAT);
    expect(new Set(fake.sent.map((message) => message.kind === "request" && message.call.method))).toEqual(
      new Set(["hello"]),
    );
    const before = fake.sent.length;
    await hello(0);
    const sent = fake.sent.slice(before).flatMap((each) => (each.kind === "request" ? [each.call] : []));
    expect(sent).toEqual([CANCEL, pin("a"), pin("b")]);
  });
  it("are counted, and the page says so", async () => {
    const { bridge, seen, hello } = connected({}, { kernel: { status: "busy" } });
    void bridge.request(CANCEL);
    void bridge.request({ method: "thumbnails", generationIds: ["g"] });
    vi.advanceTimersByTime(WAITING_AFTER);
    expect([seen.connections, seen.clicks]).toEqual([["busy"], 1]);
    void bridge.request(pin("a"));
    vi.advanceTimersByTime(WAITING_AFTER);
    expect([seen.connections, seen.clicks]).toEqual([["busy"], 2]);
    await hello(0);
    expect(seen.connections).toEqual(["busy", "ready"]);
  });
  it("are refused by name where no kernel is, and never sent", async () => {
    const { fake, bridge, hello } = connected({}, { kernel: null });
    const answer = bridge.request(CANCEL);
    vi.advanceTimersByTime(WAITING_AFTER);
    await expect(answer).rejects.toMatchObject({ state: { code: "none" } });
    await hello(0);
    expect(fake.requests("cancel")).toEqual([]);
  });
  it("are sent too where the kernel only refuses the snapshot, which the page says and asks for again", async () => {
    const { fake, bridge, seen, hello } = connected();
    void bridge.request(CANCEL).catch(() => undefined);
    vi.advanceTimersByTime(WAITING_AFTER);
    const to = fake.requests("hello")[0]?.id ?? "";
    fake.receive({ kind: "reply", to, result: null, error: error({ message: "Locked." }) });
    await settled();
    expect(seen.refusals).toHaveLength(1);
    expect(seen.connections).toEqual(["waiting", "ready"]);
    expect(fake.requests("cancel")).toHaveLength(1);
    vi.advanceTimersByTime(FIRST_REPEAT);
    await hello(0);
    expect(seen.snapshots).toEqual([[0, true]]);
  });
});

describe("a request that is not answered", () => {
  const pin = (pinned: boolean): Call => ({ method: "pin_topic", topicId: "a", pinned });
  async function answering(manager: FakeModel["widget_manager"] = {}) {
    const page = connected({}, manager);
    await page.hello(0);
    const outcome: unknown[] = [];
    const ask = (call = CANCEL, buffers?: ArrayBuffer[]) =>
      void page.bridge.request(call, buffers).then(
        (answer) => outcome.push(answer.result),
        (cause: RequestError) => outcome.push(cause.state.code),
      );
    return { ...page, ask, outcome };
  }

  it("is sent again with the same id, less and less often, and settles once", async () => {
    const { fake, ask, outcome } = await answering();
    ask();
    const counts = [1, 1, 2, 1].map((times) => {
      vi.advanceTimersByTime(times * FIRST_REPEAT);
      return fake.requests("cancel").length;
    });
    expect(counts).toEqual([2, 2, 3, 3]);
    const [id] = new Set(fake.requests("cancel").map((each) => each.id));
    await fake.reply(id ?? "", { type: "empty" });
    await fake.reply(id ?? "", { type: "empty" });
    vi.advanceTimersByTime(100 * FIRST_REPEAT);
    expect(outcome).toEqual([{ type: "empty" }]);
    expect(fake.requests("cancel")).toHaveLength(3);
  });
  it("is no longer waited for once its second answer comes, and a snapshot replaces what may be old", async () => {
    const { fake, ask, seen } = await answering();
    ask();
    vi.advanceTimersByTime(FIRST_REPEAT);
    expect(seen.connections).toEqual(["ready", "waiting"]);
    expect(fake.requests("hello")).toHaveLength(1);
    await fake.reply(fake.requests("cancel")[0]?.id ?? "", { type: "empty" });
    expect(seen.connections).toEqual(["ready", "waiting", "ready"]);
    expect(fake.requests("hello")).toHaveLength(2);
  });
  it("is not sent again while the way is cut, and at once when it is open", async () => {
    const kernel = new HostKernel();
    const { fake, ask, seen } = await answering({ kernel });
    ask();
    kernel.connects("connecting");
    vi.advanceTimersByTime(20 * FIRST_REPEAT);
    expect(seen.connections).toEqual(["ready", "offline"]);
    expect(fake.requests("cancel")).toHaveLength(1);
    kernel.connects("connected");
    expect(fake.requests("cancel")).toHaveLength(2);
    // Events may have been lost too.
    expect(fake.requests("hello")).toHaveLength(2);
  });
  it("does not set what a younger one has set since", async () => {
    const { fake, ask, outcome } = await answering();
    ask(pin(true));
    ask(pin(false));
    await fake.reply(fake.requests("pin_topic")[1]?.id ?? "", { type: "empty" });
    vi.advanceTimersByTime(FIRST_REPEAT);
    await settled();
    expect(fake.requests("pin_topic")).toHaveLength(2);
    expect(outcome).toEqual([{ type: "empty" }, { type: "empty" }]);
  });
  it("is reported where the host took its bytes away", async () => {
    const { fake, ask, outcome } = await answering();
    const bytes = new ArrayBuffer(3);
    ask({ method: "upload", uploadId: "u", offset: 0, total: 3, purpose: "reference" }, [bytes]);
    structuredClone(bytes, { transfer: [bytes] });
    vi.advanceTimersByTime(FIRST_REPEAT);
    await settled();
    expect(outcome).toEqual(["no_answer"]);
    expect(fake.requests("upload")).toHaveLength(1);
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
    vi.advanceTimersByTime(FIRST_REPEAT);
    expect(seen.connections).toEqual(["ready"]);
  });
  it("asks again, less and less often, until the kernel answers", async () => {
    const { fake, seen, hello } = connected();
    expect(fake.requests("hello")).toHaveLength(1);
    vi.advanceTimersByTime(FIRST_REPEAT);
    expect(fake.requests("hello")).toHaveLength(2);
    vi.advanceTimersByTime(FIRST_REPEAT);
    expect(fake.requests("hello")).toHaveLength(2);
    vi.advanceTimersByTime(FIRST_REPEAT);
    expect(fake.requests("hello")).toHaveLength(3);
    expect(seen.connections).toEqual(["waiting", "none"]);
    await hello(0);
    expect(seen.connections).toEqual(["waiting", "none", "ready"]);
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
    const older = JSON.stringify({ ...snapshot(0, false), protocol: PROTOCOL - 1 });
    for (const saved of [older, '{"protocol":99}', "{}", '{"proto', "", {}, undefined]) {
      expect(connected({ _snapshot: saved }).seen.snapshots).toEqual([]);
    }
  });
});

/** A kernel as JupyterLab's manager shows it. */
class HostKernel {
  status = "idle";
  connectionStatus = "connected";
  readonly slots = new Set<(sender: unknown, status: string) => void>();
  readonly statusChanged = {
    connect: (slot: (sender: unknown, status: string) => void) => void this.slots.add(slot),
    disconnect: (slot: (sender: unknown, status: string) => void) => void this.slots.delete(slot),
  };
  readonly ways = new Set<(sender: unknown, status: string) => void>();
  readonly connectionStatusChanged = {
    connect: (slot: (sender: unknown, status: string) => void) => void this.ways.add(slot),
    disconnect: (slot: (sender: unknown, status: string) => void) => void this.ways.delete(slot),
  };
  readonly left = new Set<() => void>();
  readonly disposed = {
    connect: (slot: () => void) => void this.left.add(slot),
    disconnect: (slot: () => void) => void this.left.delete(slot),
  };
  becomes(status: string): void {
    this.status = status;
    for (const slot of this.slots) slot(this, status);
  }
  connects(status: string): void {
    this.connectionStatus = status;
    for (const slot of this.ways) slot(this, status);
  }
  dispose(): void {
    for (const slot of this.left) slot();
  }
}

describe("a silent kernel", () => {
  async function answering() {
    const kernel = new HostKernel();
    const page = connected({}, { kernel });
    await page.hello(0);
    const ask = () => void page.bridge.request(CANCEL).catch(() => undefined);
    return { ...page, kernel, ask };
  }
  afterEach(() => vi.unstubAllGlobals());

  it("is busy where the host says so, and ready again with its answer", async () => {
    const { kernel, seen, fake, ask } = await answering();
    kernel.becomes("busy");
    ask();
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(seen.connections).toEqual(["ready", "busy"]);
    await fake.reply(fake.requests("cancel")[0]?.id ?? "", { type: "empty" });
    expect(seen.connections).toEqual(["ready", "busy", "ready"]);
  });
  it("is only waited for while it has nothing else to do", async () => {
    const { seen, ask } = await answering();
    ask();
    vi.advanceTimersByTime(10 * WAITING_AFTER);
    expect(seen.connections).toEqual(["ready", "waiting"]);
  });
  it.each(["restarting", "autorestarting", "dead"])("is gone at once when it is %s", async (status) => {
    const { kernel, seen, bridge } = await answering();
    const answer = bridge.request(CANCEL);
    kernel.becomes(status);
    expect(seen.connections).toEqual(["ready", "gone"]);
    await expect(answer).rejects.toMatchObject({ state: { code: "gone" } });
    kernel.becomes("idle");
    await expect(bridge.request(CANCEL)).rejects.toMatchObject({ state: { code: "gone" } });
    vi.advanceTimersByTime(10 * WAITING_AFTER);
    expect(seen.connections).toEqual(["ready", "gone"]);
  });
  it("is gone when it closed the widget", async () => {
    const { fake, seen } = await answering();
    fake.trigger("comm:close");
    expect(seen.connections).toEqual(["ready", "gone"]);
  });
  it("is none when the host has shut it down, also where the host says so a moment later", async () => {
    const { fake, kernel, seen, bridge } = await answering();
    kernel.dispose();
    fake.widget_manager.kernel = null;
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(seen.connections.at(-1)).toBe("none");
    // In the words of the page.
    await expect(bridge.request(CANCEL)).rejects.toMatchObject({ state: { code: "none" } });
    expect(seen.connections.at(-1)).toBe("none");
  });
  it("is gone when the way to it is closed and nothing can be sent", async () => {
    const { fake, seen, bridge } = await answering();
    fake.send = () => {
      throw new Error("Kernel is dead");
    };
    await expect(bridge.request(CANCEL)).rejects.toMatchObject({ state: { code: "gone" } });
    expect(seen.connections).toEqual(["ready", "gone"]);
  });
  it("is asked when the host doubts the channel, and gone only if it stays silent", async () => {
    const { fake, seen, hello } = await answering();
    fake.trigger("comm_live_update");
    await hello(0);
    vi.advanceTimersByTime(2 * WAITING_AFTER);
    expect(seen.connections).toEqual(["ready"]);
    fake.trigger("comm_live_update");
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(seen.connections).toEqual(["ready", "gone"]);
  });
  it("that speaks again after all is asked for what happened", async () => {
    const { fake, kernel, seen, events, hello } = await answering();
    kernel.becomes("restarting");
    events(1);
    expect(fake.requests("hello")).toHaveLength(2);
    await hello(1);
    expect(seen.connections.at(-1)).toBe("ready");
    expect(seen.snapshots.at(-1)).toEqual([1, true]);
  });
  it("is offline where the browser is, or the host's connection is cut", async () => {
    const { kernel, seen, ask } = await answering();
    kernel.connectionStatus = "connecting";
    ask();
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(seen.connections).toEqual(["ready", "offline"]);
    kernel.connectionStatus = "connected";
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(seen.connections).toEqual(["ready", "offline", "waiting"]);
    vi.stubGlobal("navigator", { onLine: false });
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(seen.connections.at(-1)).toBe("offline");
  });
  it("is not looked for by clicks alone: going offline asks it", async () => {
    const { fake, seen } = await answering();
    vi.stubGlobal("navigator", { onLine: false });
    window.dispatchEvent(new Event("offline"));
    expect(fake.requests("hello")).toHaveLength(2);
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(seen.connections.at(-1)).toBe("offline");
  });
  it("is none where the host has none", () => {
    const { seen } = connected({}, { kernel: null });
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(seen.connections).toEqual(["none"]);
  });
  it("there is none beside a saved page, where the host tells nothing of kernels", () => {
    const state = { _snapshot: JSON.stringify(snapshot(0, false)) };
    const told = connected(state).seen.connections;
    const unsaved = connected().seen.connections;
    vi.advanceTimersByTime(WAITING_AFTER);
    expect(told).toEqual(["none"]);
    expect(unsaved).toEqual(["waiting"]);
  });
  it("doesn't know the widget when it has nothing to do and never answered", () => {
    const { seen } = connected({}, { kernel: new HostKernel() });
    vi.advanceTimersByTime(UNKNOWN_AFTER + WAITING_AFTER);
    expect(seen.connections).toEqual(["waiting", "gone"]);
  });
  it("may be busy with another cell when the page is opened", () => {
    const kernel = new HostKernel();
    kernel.status = "busy";
    const { seen } = connected({}, { kernel });
    vi.advanceTimersByTime(10 * UNKNOWN_AFTER);
    expect(seen.connections).toEqual(["busy"]);
  });
  it("is followed no longer than the page lives", async () => {
    const { kernel, ended, seen } = await answering();
    ended.abort();
    expect(kernel.slots.size + kernel.ways.size + kernel.left.size).toBe(0);
    window.dispatchEvent(new Event("online"));
    expect(seen.connections).toEqual(["ready"]);
  });
});

describe("the look", () => {
  it("is what code has set, and follows it", () => {
    const { fake, seen } = connected({ theme: "dark", height: 700 });
    fake.set("theme", "light");
    fake.set("height", null);
    expect(seen.looks).toEqual([
      { theme: "dark", height: 700 },
      { theme: "light", height: 700 },
      { theme: "light", height: null },
    ]);
  });
  it("is automatic where a host or an old notebook says nothing that makes sense", () => {
    const { seen } = connected({ theme: "sepia", height: "tall" });
    expect(seen.looks).toEqual([{ theme: "auto", height: null }]);
  });
  it("tells the kernel a height only when it is kept", () => {
    const { fake, bridge, seen } = connected();
    bridge.setHeight(500, false);
    expect(fake.saved).toEqual({});
    bridge.setHeight(520, true);
    expect(fake.saved).toMatchObject({ height: 520 });
    expect(seen.looks.map(({ height }) => height)).toEqual([null, 500, 520]);
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
  it("are not acknowledged while the host has taken the view out of the document", async () => {
    const { fake, el, hello, events } = connected();
    await hello(0);
    el.remove();
    events(1);
    await vi.advanceTimersByTimeAsync(3 * ACK_EVERY);
    expect(fake.acks()).toEqual([0]);
    document.body.append(el);
    await vi.advanceTimersByTimeAsync(ACK_EVERY);
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

describe("a page", () => {
  it("leaves with its last view, and asks for what it missed with the next one", async () => {
    const { fake, bridge, view, el, hello, events, messages } = connected();
    const second = new AbortController();
    bridge.watch(document.createElement("div"), second.signal);
    await hello(0);
    view.abort();
    expect(fake.leaves()).toHaveLength(0);
    second.abort();
    expect(fake.leaves()).toHaveLength(1);
    // No timer of the page calls the kernel: it would count the page as seen.
    await vi.advanceTimersByTimeAsync(20 * FIRST_REPEAT);
    expect(fake.requests("hello")).toHaveLength(1);
    bridge.watch(el, new AbortController().signal);
    expect(fake.requests("hello")).toHaveLength(2);
    await hello(3);
    expect(fake.acks()).toEqual([0, 3]);
    events(4);
    expect(messages()).toEqual(["4"]);
  });
  it("that is seen again at once takes no snapshot from before it left for the present one", async () => {
    const { fake, bridge, view, el, hello } = connected();
    view.abort();
    bridge.watch(el, new AbortController().signal);
    expect(fake.requests("hello")).toHaveLength(1);
    await hello(0);
    expect(fake.requests("hello")).toHaveLength(2);
  });
  it("leaves when its tab is closed or loaded again, and comes back if the browser shows it again", async () => {
    const { fake, hello } = connected();
    await hello(0);
    window.dispatchEvent(new Event("pagehide"));
    expect(fake.leaves()).toHaveLength(1);
    window.dispatchEvent(new Event("pageshow"));
    expect(fake.requests("hello")).toHaveLength(2);
  });
  it("tells which page it is with each hello, ack and leave", async () => {
    const { fake, view, hello } = connected();
    await hello(0);
    view.abort();
    const pages = fake.sent.flatMap((message) =>
      message.kind === "request" ? ("page" in message.call ? [message.call.page] : []) : [message.page],
    );
    expect(pages).toHaveLength(3);
    expect(new Set(pages).size).toBe(1);
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
