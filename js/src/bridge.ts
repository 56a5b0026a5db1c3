// The only file that touches the widget model: requests and their answers, events in order, acks.
import type { AnyModel } from "@anywidget/types";
import { ENDED, followKernel, hostKernel, isPictures, isSnapshot, lookOf, PROTOCOL, parsed } from "./host";
import { type Answer, errorState, RequestError, type Send } from "./lib/answer";
import { t } from "./messages";
import type {
  Call,
  Event as KernelEvent,
  KernelMessage,
  ModelState,
  PageMessage,
  Snapshot,
} from "./protocol.gen";
import type { Connection, Look } from "./slices/state";

/** Milliseconds without any message after which a request makes the page say that it waits. */
export const WAITING_AFTER = 1000;
export const ACK_EVERY = 1000;
export const FIRST_HELLO_RETRY = 5000;
const LAST_HELLO_RETRY = 60_000;
/** Milliseconds without a first answer from a kernel that has nothing to do: it doesn't know this widget. */
export const UNKNOWN_AFTER = 5000;
/** Milliseconds after which a host that lost its kernel says so. */
const HOST_SETTLES = 500;
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
  "improve",
]);

/** Events after which the page asks for a snapshot: they say that something changed, not what. */
const ASK_AGAIN = new Set<KernelEvent["type"]>(["store_changed", "models_changed"]);

/** What the bridge tells the layers above. */
export interface Listener {
  /** The snapshot of a saved notebook. */
  saved(snapshot: Snapshot): void;
  /** A snapshot is asked for; what this gives takes it in, and knows what was so when it was asked for. */
  asks(): (snapshot: Snapshot, buffers: DataView[]) => void;
  /** All models that are offered. They come after a snapshot, and only when they have changed. */
  catalog(models: ModelState[]): void;
  events(events: KernelEvent[], buffers: DataView[]): void;
  connection(connection: Connection): void;
  /** What was set from code, or by this page: `theme` and `height`. */
  look(look: Look): void;
}

export interface Bridge {
  /** Sends a call, with bytes where it takes some; settles exactly once. Rejects with a `RequestError`. */
  request: Send;
  /** A view shows the page until the signal. Without any, nothing is acknowledged: the kernel then stops
   * pushing pictures to a widget whose cell was run again. */
  watch(signal: AbortSignal): void;
  /** Sets the height in pixels, null for the automatic one; the kernel learns it where it is `kept`. */
  setHeight(height: number | null, kept: boolean): void;
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

  const post = (message: PageMessage, buffers?: ArrayBuffer[]): boolean => {
    try {
      model.send(message, undefined, buffers);
      return true;
    } catch {
      // The channel was closed, or its kernel has ended.
      return false;
    }
  };

  const request: Send = (call, buffers) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(unanswered("closed"));
        return;
      }
      if (ended) {
        reject(unanswered(standing() === "none" ? "none" : "gone"));
        return;
      }
      order += 1;
      const id = `${page}-${order}`;
      const urgent = !UNHURRIED.has(call.method);
      open.set(id, { order, sentAt: Date.now(), urgent, resolve, reject });
      watchSilence();
      if (!post({ kind: "request", id, call }, buffers)) end();
    });

  // ---------------------------------------------------------------- is anybody there

  let silence: ReturnType<typeof setTimeout> | undefined;
  let silentSince = 0;
  /** The channel was closed: nothing comes any more, unless something does. */
  let ended = false;
  /** The host said that something happened to the channel, but not what. */
  let doubtful = false;
  // A kernel that answered a younger request is there: the older one takes longer, or was lost.
  const anybodyWaits = (): boolean =>
    [...open.values()].some(({ urgent, order }) => urgent && order > newestAnswered);
  const watchSilence = (): void => {
    if (silence !== undefined) return;
    silentSince = Date.now();
    listenOn();
  };
  const listenOn = (): void => {
    silence = setTimeout(() => {
      silence = undefined;
      if (!anybodyWaits()) return;
      connect(standing());
      listenOn();
    }, WAITING_AFTER);
  };
  const heard = (): void => {
    clearTimeout(silence);
    silence = undefined;
    doubtful = false;
    if (anybodyWaits()) watchSilence();
    if (!greeted) return;
    const back = ended;
    ended = false;
    // What happened meanwhile is not known.
    if (back) hello();
    else connect("ready");
  };

  /** Why nobody answers. */
  const standing = (): Connection => {
    const kernel = hostKernel(model);
    if (kernel === null) return "none";
    if (ended || doubtful || ENDED.has(kernel?.status ?? "")) return "gone";
    const { connectionStatus } = kernel ?? {};
    const cut = connectionStatus === "disconnected" || (greeted && connectionStatus === "connecting");
    if (cut || !navigator.onLine) return "offline";
    if (kernel?.status === "busy") return "busy";
    // A page that was saved with its pictures has no kernel, where the host tells of none.
    if (!greeted && kernel === undefined && isSnapshot(saved)) return "none";
    if (greeted || Date.now() - silentSince < UNKNOWN_AFTER) return "waiting";
    return kernel ? "gone" : "none";
  };

  /** Nobody will answer what was asked. */
  const end = (): void => {
    ended = true;
    const why = standing();
    for (const { reject } of open.values()) reject(unanswered(why === "none" ? why : "gone"));
    open.clear();
    connect(why);
  };
  /** The host has let its kernel go; which one it has then, or whether any, is told a moment later. */
  const drop = (): void => {
    end();
    setTimeout(() => ended && !signal.aborted && connect(standing()), HOST_SETTLES);
  };
  /** Asks whether anybody is there; the silence then says why not. */
  const probe = (): void => {
    if (!ended && asking < 2) greet();
  };
  const doubt = (): void => {
    doubtful = true;
    probe();
  };
  model.on("comm:close", end);
  model.on("comm_live_update", doubt);
  addEventListener("offline", probe, { signal });
  addEventListener("online", probe, { signal });
  const stopFollowing = followKernel(
    model,
    (status) => {
      if (ENDED.has(status)) end();
    },
    drop,
  );

  // A reply can be lost. Replies to younger requests show that the kernel is there and answers.
  const lost = setInterval(() => {
    const before = Date.now() - LOST_AFTER;
    let asked = false;
    for (const [id, { order: mine, sentAt, reject }] of open) {
      if (sentAt > before) continue;
      if (mine < newestAnswered) {
        open.delete(id);
        reject(unanswered("no_answer"));
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
    const show = listener.asks();
    request({ method: "hello", protocol: PROTOCOL, catalog })
      .then(({ result, buffers }) => {
        if (result.type === "snapshot") take(result.snapshot, buffers, show);
      })
      .catch(() => undefined)
      .finally(() => {
        asking -= 1;
        if (asking > 0 || !again || signal.aborted) return;
        again = false;
        greet();
      });
  };

  const take = (snapshot: Snapshot, buffers: DataView[], show: ReturnType<Listener["asks"]>): void => {
    greeted = true;
    clearTimeout(helloTimer);
    connect("ready");
    show(snapshot, buffers);
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
    else request.reject(message.error ? new RequestError(message.error) : unanswered("no_answer"));
    heard();
  };

  const look = (): void => listener.look(lookOf(model));
  const setHeight: Bridge["setHeight"] = (height, kept) => {
    model.set("height", height);
    if (kept) model.save_changes();
  };

  model.on("msg:custom", onMessage);
  model.on("change:theme", look);
  model.on("change:height", look);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", onMessage);
    model.off("change:theme", look);
    model.off("change:height", look);
    model.off("comm:close", end);
    model.off("comm_live_update", doubt);
    stopFollowing();
    clearTimeout(silence);
    clearTimeout(helloTimer);
    clearTimeout(ackTimer);
    clearInterval(lost);
    for (const { reject } of open.values()) reject(unanswered("closed"));
    open.clear();
  });

  look();
  const saved = parsed(model.get("_snapshot"));
  const pictures = parsed(model.get("_pictures"));
  if (isSnapshot(saved)) listener.saved({ ...saved, thumbnails: isPictures(pictures) ? pictures : {} });
  greet();
  greetUntilAnswered(FIRST_HELLO_RETRY);
  return { request, watch, setHeight };
}

async function unpacked(packed: DataView): Promise<ModelState[]> {
  const bytes = new Uint8Array(packed.buffer as ArrayBuffer, packed.byteOffset, packed.byteLength);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** Why a request gets no answer of the kernel. */
function unanswered(code: "closed" | "gone" | "none" | "no_answer"): RequestError {
  const { closed, closedNext, gone, goneNext, lost, lostNext } = t.problem;
  const [message, nextStep] = {
    closed: [closed, closedNext],
    gone: [gone, goneNext],
    none: [t.states.none, t.states.noneNext],
    no_answer: [lost, lostNext],
  }[code] as [string, string];
  return new RequestError({ ...errorState(null), code, message, nextStep });
}
