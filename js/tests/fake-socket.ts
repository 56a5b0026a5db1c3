// A WebSocket without a network: a test opens it, sends through it and cuts it.
import { vi } from "vitest";
import { snapshot } from "../dev/fixtures";
import type { Call, KernelMessage, PageMessage, Result, Snapshot } from "../src/protocol.gen";
import { packed } from "../src/socket";
import { settled } from "./kit";

interface Sent {
  message: PageMessage;
  buffers: Uint8Array[];
}

export class FakeSocket extends EventTarget {
  /** All sockets that were made, oldest first. */
  static all: FakeSocket[] = [];
  binaryType = "blob";
  closed = false;
  readonly sent: Sent[] = [];

  constructor(readonly address: URL) {
    super();
    FakeSocket.all.push(this);
  }

  static get last(): FakeSocket {
    return FakeSocket.all.at(-1) as FakeSocket;
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    const length = new DataView(frame.buffer).getUint32(0);
    const [message, lengths] = JSON.parse(new TextDecoder().decode(frame.slice(4, 4 + length)));
    let at = 4 + length;
    const buffers = (lengths as number[]).map((size) => {
      at += size;
      return frame.slice(at - size, at);
    });
    this.sent.push({ message, buffers });
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.dispatchEvent(new Event("open"));
  }

  ready(studio = "s1"): void {
    this.open();
    this.dispatchEvent(new MessageEvent("message", { data: `ready ${studio}`.trim() }));
  }

  /** The server, or the network, ends the socket. */
  end(code = 1006, reason = ""): void {
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }

  receive(message: KernelMessage, buffers: ArrayBuffer[] = []): void {
    this.dispatchEvent(new MessageEvent("message", { data: packed(message, buffers).buffer }));
  }

  requests(method: Call["method"]): { id: string; call: Call }[] {
    return this.sent.flatMap(({ message }) =>
      message.kind === "request" && message.call.method === method ? [message] : [],
    );
  }

  async reply(to: string, result: Result): Promise<void> {
    this.receive({ kind: "reply", to, result, error: null });
    await settled();
  }

  /** Answer the last hello with a snapshot. */
  async hello(patch: Partial<Snapshot> = {}): Promise<void> {
    const { id } = this.requests("hello").at(-1) ?? { id: "" };
    const shown = { ...snapshot(Date.now(), true), ...patch };
    await this.reply(id, { type: "snapshot", snapshot: shown });
  }
}

/** Let the page make fake sockets in place of real ones. */
export function useFakeSockets(): void {
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
}
