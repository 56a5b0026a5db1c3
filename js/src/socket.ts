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
export const SILENT_FOR = 10_000;

/** The code with which a server closes a socket because it cannot open its studio. The reason says why. */
export const NO_STUDIO = 4011;

/** The calls that cost money again, or make more, when they are done again. */
const ONCE: ReadonlySet<Call["method"]> = new Set(["generate", "retry", "improve", "move_batches"]);

/** What the channel asks of the page around it. */
interface Surroundings {
  /** Return whether the server refuses this browser because its login ended. */
  isLoggedOut(): Promise<boolean>;
  /** The server cannot open its studio, for this reason. An empty reason takes it back. */
  refused(reason: string): void;
}

/**
 * The way to a server and back.
 *
 * A frame is the length of its JSON (4 bytes, big-endian), the JSON `[message, lengths of the buffers]`, and the
 * buffers. The server says "ready" first, as a text, with the name of its studio. What is sent before the first
 * "ready" waits here. What is sent during a cut is dropped: the bridge repeats it.
 */
export class SocketChannel implements Channel {
  readonly #address: URL;
  readonly #around: Surroundings;
  // Until the first message the studio is being opened, and later nothing tells that the server is busy.
  readonly #kernel: HostKernel = { status: "busy", connectionStatus: "connecting" };
  #follower: Follower | undefined;
  #socket: WebSocket | undefined;
  #left = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;
  /** What was sent before the server was ever ready, once each; undefined from then on. */
  #early: Map<string, Uint8Array<ArrayBuffer>> | undefined = new Map();
  /** The name of the studio that was ready last. */
  #studio = "";
  /** The ids of the requests that are sent, not answered, and not for another studio. */
  readonly #once = new Set<string>();
  /** The time of the first request after the last message of the server; 0 if there is none. */
  #askedAt = 0;

  constructor(address: URL, around: Surroundings) {
    this.#address = address;
    this.#around = around;
  }

  send(message: PageMessage, buffers: ArrayBuffer[] = []): boolean {
    const frame = packed(message, buffers);
    if (this.#kernel.connectionStatus === "connected") this.#transmit(message, frame);
    else this.#early?.set(message.kind === "request" ? message.id : message.kind, frame);
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
    const seen = (): void => {
      if (document.visibilityState === "visible") hurry();
    };
    document.addEventListener("visibilitychange", seen, { signal });
    addEventListener("online", hurry, { signal });
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
    this.#timer = setTimeout(() => this.#lose(false), OPENS_WITHIN);
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
    const closed = ({ code, reason }: CloseEvent): void => {
      if (code === NO_STUDIO) this.#refuse(reason);
      this.#lose(opened);
    };
    socket.addEventListener("close", closed, { signal });
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
    const loggedOut = await this.#around.isLoggedOut();
    if (this.#kernel.connectionStatus === "connected") return;
    if (loggedOut) this.#refuse("");
    else this.#let();
  }

  /** Nothing can be done until the server opens its studio, or until the user logs in (without a reason). */
  #refuse(reason: string): void {
    this.#around.refused(reason);
    this.#kernel.status = "dead";
  }

  #let(): void {
    if (this.#kernel.status !== "dead") return;
    this.#around.refused("");
    this.#kernel.status = "idle";
  }

  #take(data: string | ArrayBuffer): void {
    if (typeof data === "string") {
      this.#greet(data.slice("ready ".length));
      return;
    }
    const { message, buffers } = unpacked(data);
    this.#hear(message, buffers);
  }

  #hear(message: KernelMessage, buffers: DataView[]): void {
    this.#askedAt = 0;
    this.#kernel.status = "idle";
    if (message.kind === "reply") this.#once.delete(message.to);
    this.#follower?.message(message, buffers);
  }

  /** The server is ready. Another studio than before does not know what was asked already. */
  #greet(studio: string): void {
    const early = this.#early;
    const same = studio !== "" && studio === this.#studio;
    this.#early = undefined;
    this.#studio = studio;
    this.#pause = FIRST_PAUSE;
    this.#kernel.connectionStatus = "connected";
    this.#let();
    for (const frame of early?.values() ?? []) this.#socket?.send(frame);
    if (early) return;
    // The user is told that no answer came, and where to see whether it was done: nobody pays twice.
    const lost = same ? [] : [...this.#once];
    for (const to of lost) this.#hear({ kind: "reply", to, result: null, error: null }, []);
    this.#follower?.changed();
  }

  #transmit(message: PageMessage, frame: Uint8Array<ArrayBuffer>): void {
    if (message.kind === "request") {
      const { id, call } = message;
      if (ONCE.has(call.method)) this.#once.add(id);
      if (!UNHURRIED.has(call.method)) {
        const now = Date.now();
        // The new connection repeats it.
        if (this.#askedAt > 0 && now - this.#askedAt > SILENT_FOR) {
          this.#cut();
          this.#connect();
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
