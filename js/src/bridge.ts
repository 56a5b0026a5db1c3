// The only file that touches the widget model: requests and their answers, events in order, acks.
import type { AnyModel } from "@anywidget/types";
import { type Answer, RequestError, type Send } from "./lib/answer";
import type {
  Call,
  ErrorState,
  Event as KernelEvent,
  KernelMessage,
  ModelState,
  PageMessage,
  Snapshot,
} from "./protocol.gen";
import type { Connection } from "./slices/state";

export const PROTOCOL = 2;
/** Milliseconds without any message after which a request makes the page say that it waits. */
export const WAITING_AFTER = 1000;
export const ACK_EVERY = 1000;
export const FIRST_HELLO_RETRY = 5000;
const LAST_HELLO_RETRY = 60_000;
/** After this long, a request whose younger siblings were answered counts as lost on the way. */
export const LOST_AFTER = 30_000;

/** Nobody waits for these with a finger on a button: a slow picture is no silent kernel. */
const UNHURRIED: ReadonlySet<Call["method"]> = new Set([
  "thumbnails",
  "covers",
  "original",
  "upload",
  "take_reference",
  "reference_thumbnails",
  "reference_original",
]);

/** Events after which the page asks for a snapshot: they say that something changed, not what. */
const ASK_AGAIN = new Set<KernelEvent["type"]>(["store_changed", "models_changed"]);

/** What the bridge tells the layers above. */
export interface Listener {
  snapshot(snapshot: Snapshot, buffers: DataView[], live: boolean): void;
  /** All models that are offered. They come after a snapshot, and only when they have changed. */
  catalog(models: ModelState[]): void;
  events(events: KernelEvent[], buffers: DataView[]): void;
  connection(connection: Connection): void;
}

export interface Bridge {
  /** Sends a call, with bytes where it takes some; settles exactly once. Rejects with a `RequestError`. */
  request: Send;
  /** A view shows the page until the signal. Without any, nothing is acknowledged: the kernel then stops
   * pushing pictures to a widget whose cell was run again. */
  watch(signal: AbortSignal): void;
}

interface Open {
  order: number;
  sentAt: number;
  urgent: boolean;
  resolve(answer: Answer): void;
  reject(error: RequestError): void;
}

interface Held {
  seq: number;
  events: KernelEvent[];
  buffers: DataView[];
}

/** Connects to the kernel. Everything ends with the signal. */
export function createBridge(model: AnyModel, listener: Listener, signal: AbortSignal): Bridge {
  const open = new Map<string, Open>();
  const page = Math.random().toString(36).slice(2, 10);
  let order = 0;
  let newestAnswered = 0;
  let connection: Connection = "connecting";

  const connect = (next: Connection): void => {
    if (next === connection) return;
    connection = next;
    listener.connection(next);
  };

  const post = (message: PageMessage, buffers?: ArrayBuffer[]): void =>
    model.send(message, undefined, buffers);

  const request: Send = (call, buffers) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new RequestError(CLOSED));
        return;
      }
      order += 1;
      const id = `${page}-${order}`;
      const urgent = !UNHURRIED.has(call.method);
      open.set(id, { order, sentAt: Date.now(), urgent, resolve, reject });
      watchSilence();
      post({ kind: "request", id, call }, buffers);
    });

  // ---------------------------------------------------------------- is anybody there

  let silence: ReturnType<typeof setTimeout> | undefined;
  const anybodyWaits = (): boolean => [...open.values()].some(({ urgent }) => urgent);
  const watchSilence = (): void => {
    silence ??= setTimeout(() => {
      silence = undefined;
      if (anybodyWaits()) connect("waiting");
    }, WAITING_AFTER);
  };
  const heard = (): void => {
    clearTimeout(silence);
    silence = undefined;
    if (anybodyWaits()) watchSilence();
    if (greeted) connect("ready");
  };

  // A reply can be lost. Replies to younger requests show that the kernel is there and answers.
  const lost = setInterval(() => {
    const before = Date.now() - LOST_AFTER;
    let asked = false;
    for (const [id, { order: mine, sentAt, reject }] of open) {
      if (sentAt > before) continue;
      if (mine < newestAnswered) {
        open.delete(id);
        reject(new RequestError(LOST));
      }
      asked = true;
    }
    // The one before may be lost itself; more than one probe would only pile up in a busy kernel.
    if (asked && asking < 2) greet();
  }, LOST_AFTER);

  // ---------------------------------------------------------------- snapshots

  let greeted = false;
  /** The digest of the models that the listener has. */
  let catalog: string | null = null;
  let asking = 0;
  let again = false;
  let held: Held[] = [];
  let lastSeq = -1;
  let helloTimer: ReturnType<typeof setTimeout> | undefined;

  const hello = (): void => {
    if (asking > 0) {
      // What happened after the snapshot on its way was taken is not in it.
      again = true;
      return;
    }
    greet();
  };

  const greet = (): void => {
    asking += 1;
    request({ method: "hello", protocol: PROTOCOL, catalog })
      .then(({ result, buffers }) => {
        if (result.type === "snapshot") take(result.snapshot, buffers);
      })
      .catch(() => undefined)
      .finally(() => {
        asking -= 1;
        if (asking > 0 || !again || signal.aborted) return;
        again = false;
        greet();
      });
  };

  const take = (snapshot: Snapshot, buffers: DataView[]): void => {
    greeted = true;
    clearTimeout(helloTimer);
    connect("ready");
    listener.snapshot(snapshot, buffers, true);
    void takeCatalog(snapshot, buffers);
    const newer = held.filter(({ seq }) => seq > snapshot.seq);
    lastSeq = Math.max(snapshot.seq, newer.at(-1)?.seq ?? -1);
    held = [];
    for (const message of newer) listener.events(message.events, message.buffers);
    acknowledge();
  };

  const takeCatalog = async (snapshot: Snapshot, buffers: DataView[]): Promise<void> => {
    const packed = snapshot.catalogBuffer === null ? undefined : buffers[snapshot.catalogBuffer];
    if (!packed) return;
    const models = await unpacked(packed);
    if (signal.aborted) return;
    catalog = snapshot.catalog;
    listener.catalog(models);
  };

  const greetUntilAnswered = (delay: number): void => {
    helloTimer = setTimeout(() => {
      if (greeted) return;
      greet();
      greetUntilAnswered(Math.min(delay * 2, LAST_HELLO_RETRY));
    }, delay);
  };

  // ---------------------------------------------------------------- events

  let views = 0;
  const watch = (shown: AbortSignal): void => {
    views += 1;
    shown.addEventListener("abort", () => {
      views -= 1;
    });
    if (greeted) acknowledge();
  };

  let ackTimer: ReturnType<typeof setTimeout> | undefined;
  let acknowledged = -1;
  const acknowledge = (): void => {
    if (views === 0 || ackTimer !== undefined || lastSeq <= acknowledged) return;
    acknowledged = lastSeq;
    post({ kind: "ack", seq: lastSeq });
    ackTimer = setTimeout(() => {
      ackTimer = undefined;
      acknowledge();
    }, ACK_EVERY);
  };

  const onEvents = (seq: number, events: KernelEvent[], buffers: DataView[]): void => {
    // A snapshot that is on its way may be older than these; they are taken again after it.
    if (asking > 0) held.push({ seq, events, buffers });
    if (!greeted || seq <= lastSeq) return;
    const gap = seq > lastSeq + 1;
    lastSeq = seq;
    listener.events(events, buffers);
    acknowledge();
    if (gap || events.some(({ type }) => ASK_AGAIN.has(type))) hello();
  };

  const onMessage = (message: KernelMessage, buffers: DataView[]): void => {
    if (message.kind === "events") {
      heard();
      onEvents(message.seq, message.events, buffers);
      return;
    }
    const request = open.get(message.to);
    // Several pages share a kernel: this one was for another page.
    if (!request) return;
    open.delete(message.to);
    newestAnswered = Math.max(newestAnswered, request.order);
    if (message.result) request.resolve({ result: message.result, buffers });
    else request.reject(new RequestError(message.error ?? LOST));
    heard();
  };

  model.on("msg:custom", onMessage);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", onMessage);
    clearTimeout(silence);
    clearTimeout(helloTimer);
    clearTimeout(ackTimer);
    clearInterval(lost);
    for (const { reject } of open.values()) reject(new RequestError(CLOSED));
    open.clear();
  });

  const saved = parsed(model.get("_snapshot"));
  if (isSnapshot(saved)) listener.snapshot(saved, [], false);
  greet();
  greetUntilAnswered(FIRST_HELLO_RETRY);
  return { request, watch };
}

async function unpacked(packed: DataView): Promise<ModelState[]> {
  const bytes = new Uint8Array(packed.buffer as ArrayBuffer, packed.byteOffset, packed.byteLength);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** What a saved notebook holds may come from any version, or be cut. */
function parsed(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  return typeof value === "object" && value !== null && "protocol" in value && value.protocol === PROTOCOL;
}

const CLOSED: ErrorState = {
  code: "closed",
  message: "The widget was closed.",
  nextStep: "Run the cell again.",
  fault: "here",
  provider: null,
  retryable: true,
  retryAfter: null,
  requestId: null,
};

const LOST: ErrorState = {
  ...CLOSED,
  code: "no_answer",
  message: "The kernel's answer did not arrive.",
  nextStep: "Look at the feed: what was stored is shown there. If it is missing, try again.",
};
