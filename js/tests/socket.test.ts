// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ACK_EVERY, createBridge, FIRST_REPEAT, WAITING_AFTER } from "../src/bridge";
import { errorState } from "../src/lib/answer";
import { t } from "../src/messages";
import type { Call, Event as KernelEvent } from "../src/protocol.gen";
import {
  FIRST_PAUSE,
  LAST_PAUSE,
  NO_STUDIO,
  OPENS_WITHIN,
  packed,
  SILENT_FOR,
  SocketChannel,
  unpacked,
} from "../src/socket";
import { FakeSocket, useFakeSockets } from "./fake-socket";
import { settled } from "./kit";

const ADDRESS = new URL("ws://127.0.0.1:8460/api/image-playground/socket");
const GENERATE = { method: "generate", wishes: [] } as unknown as Call;
const STAR: Call = { method: "star", generationIds: ["g"], starred: true };

let ended: AbortController;
beforeEach(() => {
  vi.useFakeTimers();
  useFakeSockets();
  ended = new AbortController();
});
afterEach(() => {
  ended.abort();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Return a bridge on a socket that is not open yet, and what the bridge tells. */
function page() {
  const loggedOut = { is: false };
  const reasons: string[] = [];
  const channel = new SocketChannel(ADDRESS, {
    isLoggedOut: async () => loggedOut.is,
    refused: (reason) => void reasons.push(reason),
  });
  const seen = { connections: [] as string[], snapshots: [] as number[], events: [] as KernelEvent[] };
  const bridge = createBridge(
    channel,
    {
      saved: () => undefined,
      asks:
        () =>
        ({ seq }) =>
          void seen.snapshots.push(seq),
      catalog: () => undefined,
      events: (events) => void seen.events.push(...events),
      connection: (connection) => {
        if (seen.connections.at(-1) !== connection) seen.connections.push(connection);
      },
      refused: () => undefined,
      look: () => undefined,
    },
    ended.signal,
  );
  bridge.watch(document.body.appendChild(document.createElement("div")), ended.signal);
  return { bridge, channel, seen, loggedOut, reasons };
}

/** Return a page whose server has answered. */
async function answering() {
  const opened = page();
  FakeSocket.last.ready();
  await FakeSocket.last.hello({ seq: 0 });
  return { ...opened, socket: FakeSocket.last };
}

/** Return what became of a request, to be read later. */
function outcome(request: Promise<unknown>): { code?: string } {
  const known: { code?: string } = {};
  request.then(
    () => Object.assign(known, { code: "done" }),
    (cause: unknown) => Object.assign(known, { code: errorState(cause).code }),
  );
  return known;
}

/** Pass the pause, unless a new socket is there already, and let it say "ready". */
async function reconnected(studio?: string): Promise<FakeSocket> {
  if (FakeSocket.last.closed) await vi.advanceTimersByTimeAsync(LAST_PAUSE);
  FakeSocket.last.ready(studio);
  await settled();
  return FakeSocket.last;
}

describe("a frame", () => {
  it("has a message and its buffers, in any language and of any size", () => {
    const buffers = [new Uint8Array([1, 2, 3]).buffer, new ArrayBuffer(0), new Uint8Array([9]).buffer];
    const message = {
      kind: "events",
      seq: 3,
      events: [{ type: "notice_shown", level: "info", message: "狐狸 🦊" }],
    };
    const frame = unpacked(packed(message as Parameters<typeof packed>[0], buffers).buffer);
    expect(frame.message).toEqual(message);
    const bytes = frame.buffers.map((view) => [
      ...new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
    ]);
    expect(bytes).toEqual([[1, 2, 3], [], [9]]);
  });
  it("carries an upload's bytes, and leaves them to the page", async () => {
    const { bridge, socket } = await answering();
    const piece = new Uint8Array([5, 6]).buffer;
    const call = { method: "upload", uploadId: "u", offset: 0, total: 2, purpose: "reference" } as Call;
    void bridge.request(call, [piece]).catch(() => undefined);
    expect(socket.sent.at(-1)?.buffers).toEqual([new Uint8Array([5, 6])]);
    expect(piece.byteLength).toBe(2);
  });
});

describe("a page on a socket", () => {
  it("asks once, when the server is ready", async () => {
    const { seen } = page();
    FakeSocket.last.open();
    await vi.advanceTimersByTimeAsync(2 * FIRST_REPEAT);
    expect(FakeSocket.last.sent).toEqual([]);
    expect(seen.connections).toEqual(["busy"]);
    FakeSocket.last.ready();
    expect(FakeSocket.last.requests("hello")).toHaveLength(1);
    await FakeSocket.last.hello({ seq: 0 });
    expect([seen.connections.at(-1), seen.snapshots]).toEqual(["ready", [0]]);
    expect(FakeSocket.all).toHaveLength(1);
  });
  it("tells of a cut at once, without a click, and of its end", async () => {
    const { seen, socket } = await answering();
    socket.end();
    await vi.advanceTimersByTimeAsync(WAITING_AFTER);
    expect(seen.connections.at(-1)).toBe("offline");
    const next = await reconnected();
    await next.hello({ seq: 7 });
    expect([seen.connections.at(-1), seen.snapshots.at(-1)]).toEqual(["ready", 7]);
  });
  it("connects again after growing pauses, which begin anew once the server is ready", async () => {
    const { socket } = await answering();
    socket.end();
    for (const pause of [500, 1000, 2000, 4000, 8000, LAST_PAUSE, LAST_PAUSE]) {
      const { length } = FakeSocket.all;
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(FakeSocket.all).toHaveLength(length);
      await vi.advanceTimersByTimeAsync(1);
      expect(FakeSocket.all).toHaveLength(length + 1);
      FakeSocket.last.end();
    }
    const { length } = FakeSocket.all;
    (await reconnected()).end();
    await vi.advanceTimersByTimeAsync(FIRST_PAUSE);
    expect(FakeSocket.all).toHaveLength(length + 2);
  });
  it.each([
    ["the tab is seen", () => document.dispatchEvent(new Event("visibilitychange"))],
    ["the network is back", () => dispatchEvent(new Event("online"))],
  ])("connects again as soon as %s", async (_, happen) => {
    const { socket } = await answering();
    happen();
    expect(FakeSocket.all).toHaveLength(1);
    socket.end();
    happen();
    expect(FakeSocket.all).toHaveLength(2);
    FakeSocket.last.ready();
    await vi.advanceTimersByTimeAsync(LAST_PAUSE);
    expect(FakeSocket.all).toHaveLength(2);
  });
  it("gives up a try that hangs, and lets its socket go", async () => {
    page();
    const first = FakeSocket.last;
    await vi.advanceTimersByTimeAsync(OPENS_WITHIN + FIRST_PAUSE);
    expect(FakeSocket.all).toHaveLength(2);
    expect(first.closed).toBe(true);
    first.ready();
    expect(first.sent).toEqual([]);
  });
  it("lets its socket go at its end", async () => {
    const { socket } = await answering();
    ended.abort();
    expect(socket.closed).toBe(true);
    socket.end();
    await vi.advanceTimersByTimeAsync(LAST_PAUSE);
    expect(FakeSocket.all).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
  it("acknowledges anew what another socket sends, which counts anew", async () => {
    const { socket, seen } = await answering();
    const event: KernelEvent = { type: "notice_shown", level: "info", message: "" };
    for (const seq of [1, 2, 3]) socket.receive({ kind: "events", seq, events: [event] });
    await vi.advanceTimersByTimeAsync(2 * ACK_EVERY);
    socket.end();
    const next = await reconnected();
    await next.hello({ seq: 0 });
    next.receive({ kind: "events", seq: 1, events: [event] });
    await vi.advanceTimersByTimeAsync(2 * ACK_EVERY);
    expect(seen.events).toHaveLength(4);
    const acks = next.sent.flatMap(({ message }) => (message.kind === "ack" ? [message.seq] : []));
    expect(acks).toEqual([0, 1]);
  });
});

describe("a request without an answer", () => {
  it.each([STAR, GENERATE])("is sent again to the same studio, with the same id: $method", async (call) => {
    const { bridge, socket } = await answering();
    void bridge.request(call).catch(() => undefined);
    socket.end();
    const next = await reconnected();
    expect(next.requests(call.method)).toEqual(socket.requests(call.method));
  });
  it.each(["s2", ""])(
    "is not sent to another studio (%j) if it could cost twice: the page says where to look",
    async (studio) => {
      const { bridge, socket } = await answering();
      const [generated, starred] = [outcome(bridge.request(GENERATE)), outcome(bridge.request(STAR))];
      socket.end();
      const next = await reconnected(studio);
      expect([next.requests("generate").length, next.requests("star").length]).toEqual([0, 1]);
      expect([generated.code, starred.code]).toEqual(["no_answer", undefined]);
    },
  );
  it("is sent after a cut in which it was made, and was never sent before", async () => {
    const { bridge, socket } = await answering();
    socket.end();
    const generated = outcome(bridge.request(GENERATE));
    const next = await reconnected("s2");
    const [request] = next.requests("generate");
    await next.reply(request?.id ?? "", { type: "empty" });
    expect(generated.code).toBe("done");
  });
  it("replaces a socket that has become silent", async () => {
    const { bridge, socket } = await answering();
    void bridge.request(STAR).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(SILENT_FOR);
    expect(FakeSocket.all).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2 * FIRST_REPEAT);
    expect([FakeSocket.all.length, socket.closed]).toEqual([2, true]);
    FakeSocket.last.ready();
    expect(FakeSocket.last.requests("star")).toHaveLength(1);
  });
  it("may take long where it has much to carry, or asks others", async () => {
    const { bridge } = await answering();
    const call = { method: "improve", topicId: null, prompt: "", model: "" } as unknown as Call;
    void bridge.request(call).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(10 * SILENT_FOR);
    expect(FakeSocket.all).toHaveLength(1);
  });
});

describe("a server that refuses the socket", () => {
  it("because the login ended makes the page read-only until the user is logged in again", async () => {
    const { seen, socket, loggedOut } = await answering();
    socket.end();
    loggedOut.is = true;
    await vi.advanceTimersByTimeAsync(FIRST_PAUSE);
    FakeSocket.last.end();
    await vi.advanceTimersByTimeAsync(2 * WAITING_AFTER);
    expect(seen.connections.at(-1)).toBe("gone");
    const next = await reconnected();
    await next.hello({ seq: 1 });
    expect(seen.connections.at(-1)).toBe("ready");
  });
  it("because it is not there is waited for", async () => {
    const { seen, socket, loggedOut } = await answering();
    loggedOut.is = true;
    socket.end();
    await vi.advanceTimersByTimeAsync(FIRST_PAUSE);
    FakeSocket.last.end();
    await settled();
    loggedOut.is = false;
    await vi.advanceTimersByTimeAsync(2 * FIRST_PAUSE);
    FakeSocket.last.end();
    await vi.advanceTimersByTimeAsync(2 * WAITING_AFTER);
    expect(seen.connections.at(-1)).toBe("offline");
  });
  it("because its studio cannot be opened tells why, and takes it back", async () => {
    const { seen, reasons } = page();
    FakeSocket.last.open();
    FakeSocket.last.end(NO_STUDIO, "The store is locked.");
    await vi.advanceTimersByTimeAsync(WAITING_AFTER);
    expect([seen.connections.at(-1), reasons.at(-1)]).toEqual(["gone", "The store is locked."]);
    const next = await reconnected();
    await next.hello();
    expect([seen.connections.at(-1), reasons.at(-1)]).toEqual(["ready", ""]);
  });
});

it("says in the words of the page that an answer is lost", async () => {
  const { bridge, socket } = await answering();
  const refused = bridge.request(GENERATE).catch(errorState);
  socket.end();
  await reconnected("s2");
  expect(await refused).toMatchObject({ message: t.problem.lost, nextStep: t.problem.lostNext });
});
