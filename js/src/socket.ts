// The channel to a server: one WebSocket, which connects again by itself.
import { UNHURRIED } from "./bridge";
import type { Channel, Follower, HostKernel } from "./host";
import type { Look } from "./lib/theme";
import type { Call, KernelMessage, PageMessage } from "./protocol.gen";

/** Milliseconds until the first try to connect again. Each next pause is twice as long. */
export const FIRST_PAUSE = 500;
export const LAST_PAUSE = 10_000;
/** Milliseconds that a try to connect may take. */
export const OPENS_WITHIN = 10_000;
/** Milliseconds after which a socket that answers nothing is replaced: its network may be gone without a word. */
export const SILENT_FOR = 30_000;

/** The calls that cost money again when they are done again. */
const PAID: ReadonlySet<Call["method"]> = new Set(["generate", "retry", "improve"]);

/**
 * The way to a server and back.
 *
 * A frame is the length of its JSON (4 bytes, big-endian), the JSON `[message, lengths of the buffers]`, and the
 * buffers. The server says "ready" first, as a text, with the name of its studio. What is sent before the first
 * "ready" waits here. What is sent during a cut is dropped: the bridge repeats it.
 */
export class SocketChannel implements Channel {
  readonly #address: URL;
  readonly #isLoggedOut: () => Promise<boolean>;
  // Until the first message the studio is being opened, and later nothing tells that the server is busy.
  readonly #kernel: HostKernel = { status: "busy", connectionStatus: "connecting" };
  #follower: Follower | undefined;
  #socket: WebSocket | undefined;
  #left = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;
  /** The name of the studio that said "ready" last. */
  #studio: string | undefined;
  #early: Uint8Array<ArrayBuffer>[] = [];
  /** The ids of the paid requests that are sent and not answered. */
  readonly #paid = new Set<string>();
  /** The time of the first request after the last message of the server; 0 if there is none. */
  #askedAt = 0;

  /** @param isLoggedOut tells whether the server refuses this browser because its login ended */
  constructor(address: URL, isLoggedOut: () => Promise<boolean>) {
    this.#address = address;
    this.#isLoggedOut = isLoggedOut;
  }

  send(message: PageMessage, buffers: ArrayBuffer[] = []): boolean {
    const { connectionStatus } = this.#kernel;
    if (connectionStatus === "connected") this.#transmit(message, packed(message, buffers));
    else if (this.#studio === undefined) this.#early.push(packed(message, buffers));
    return true;
  }

  follow(follower: Follower, signal: AbortSignal): void {
    this.#follower = follower;
    this.#connect();
    const hurry = (): void => {
      if (this.#kernel.connectionStatus !== "disconnected") return;
      this.#pause = FIRST_PAUSE;
      this.#connect();
    };
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hurry(), {
      signal,
    });
    // A socket of the network before may be open for minutes, and carries nothing.
    addEventListener("online", () => this.#replace(), { signal });
    signal.addEventListener("abort", () => {
      clearTimeout(this.#timer);
      this.#left.abort();
    });
  }

  kernel(): HostKernel {
    return this.#kernel;
  }

  saved(): undefined {
    return undefined;
  }

  look(): Look {
    return { theme: "auto", height: "fill" };
  }

  setHeight(): void {
    // The studio is as high as what holds it.
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#left.abort();
    this.#left = new AbortController();
    const { signal } = this.#left;
    const socket = new WebSocket(this.#address);
    socket.binaryType = "arraybuffer";
    let opened = false;
    const lost = (): void => this.#lose(opened);
    this.#timer = setTimeout(lost, OPENS_WITHIN);
    socket.addEventListener(
      "open",
      () => {
        opened = true;
        // From here on the server may take its time: it opens its studio.
        clearTimeout(this.#timer);
      },
      { signal },
    );
    socket.addEventListener("message", ({ data }) => this.#take(data), { signal });
    socket.addEventListener("close", lost, { signal });
    signal.addEventListener("abort", () => socket.close());
    this.#socket = socket;
  }

  /** Wait, and connect again. A server that does not even open the socket may want a login. */
  #lose(opened: boolean): void {
    this.#cut();
    this.#timer = setTimeout(() => this.#connect(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LAST_PAUSE);
    if (!opened) void this.#askLogin();
  }

  #replace(): void {
    this.#cut();
    this.#pause = FIRST_PAUSE;
    this.#connect();
  }

  /** Let the socket go, and tell so. */
  #cut(): void {
    clearTimeout(this.#timer);
    this.#left.abort();
    this.#askedAt = 0;
    const known = this.#kernel.connectionStatus === "disconnected";
    this.#kernel.connectionStatus = "disconnected";
    if (!known) this.#follower?.changed();
  }

  async #askLogin(): Promise<void> {
    const loggedOut = await this.#isLoggedOut();
    if (this.#kernel.connectionStatus === "connected") return;
    if (loggedOut) this.#kernel.status = "dead";
    else if (this.#kernel.status === "dead") this.#kernel.status = "idle";
  }

  #take(data: string | ArrayBuffer): void {
    if (typeof data === "string") {
      this.#greet(data.slice("ready".length).trim());
      return;
    }
    const { message, buffers } = unpacked(data);
    this.#hear(message, buffers);
  }

  #hear(message: KernelMessage, buffers: DataView[]): void {
    this.#askedAt = 0;
    this.#kernel.status = "idle";
    if (message.kind === "reply") this.#paid.delete(message.to);
    this.#follower?.message(message, buffers);
  }

  /** The server is ready. Another studio than before does not know which requests were done already. */
  #greet(studio: string): void {
    const first = this.#studio === undefined;
    const same = studio !== "" && studio === this.#studio;
    this.#studio = studio;
    this.#pause = FIRST_PAUSE;
    this.#kernel.connectionStatus = "connected";
    if (this.#kernel.status === "dead") this.#kernel.status = "idle";
    for (const frame of this.#early.splice(0)) this.#socket?.send(frame);
    if (first) return;
    // No answer will come. The user is told to look whether it was done: nobody pays twice.
    const lost = same ? [] : [...this.#paid];
    for (const to of lost) this.#hear({ kind: "reply", to, result: null, error: null }, []);
    this.#follower?.changed();
  }

  #transmit(message: PageMessage, frame: Uint8Array<ArrayBuffer>): void {
    if (message.kind === "request") {
      const { id, call } = message;
      if (PAID.has(call.method)) this.#paid.add(id);
      if (!UNHURRIED.has(call.method)) {
        const now = Date.now();
        // The new connection repeats it.
        if (this.#askedAt > 0 && now - this.#askedAt > SILENT_FOR) {
          this.#replace();
          return;
        }
        this.#askedAt ||= now;
      }
    }
    this.#socket?.send(frame);
  }
}

/** Return a message with its buffers as one frame. */
export function packed(
  message: PageMessage | KernelMessage,
  buffers: ArrayBuffer[] = [],
): Uint8Array<ArrayBuffer> {
  const lengths = buffers.map(({ byteLength }) => byteLength);
  const head = new TextEncoder().encode(JSON.stringify([message, lengths]));
  const frame = new Uint8Array(lengths.reduce((sum, length) => sum + length, 4 + head.length));
  new DataView(frame.buffer).setUint32(0, head.length);
  let at = 4;
  for (const part of [head, ...buffers.map((buffer) => new Uint8Array(buffer))]) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** Return the message and the buffers of a frame. */
export function unpacked(frame: ArrayBuffer): { message: KernelMessage; buffers: DataView[] } {
  const length = new DataView(frame).getUint32(0);
  const [message, lengths] = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length))) as [
    KernelMessage,
    number[],
  ];
  let at = 4 + length;
  const buffers = lengths.map((length) => {
    at += length;
    return new DataView(frame, at - length, length);
  });
  return { message, buffers };
}
