// The bridge to the kernel: requests and their answers, snapshots, events in order, acks. It knows a channel, and
// nothing of what is below the channel.
import { type Channel, ENDED, PROTOCOL } from "./host";
import { type Answer, errorState, RequestError, type Send } from "./lib/answer";
import type { Connection } from "./lib/connection";
import type { Look } from "./lib/theme";
import { t } from "./messages";
import type {
  Call,
  Events,
  Event as KernelEvent,
  KernelMessage,
  ModelState,
  ReplyMessage,
  Snapshot,
} from "./protocol.gen";

/** Milliseconds without any message after which a request makes the page tell that it waits. */
export const WAITING_AFTER = 1000;
export const ACK_EVERY = 1000;
export const FIRST_HELLO_RETRY = 5000;
const LAST_HELLO_RETRY = 60_000;
/** Milliseconds after which an idle kernel that never answered counts as one that does not know this widget. */
export const UNKNOWN_AFTER = 5000;
/** Milliseconds that a host needs to tell which kernel it has after it let one go. */
const HOST_SETTLES = 500;
/** Milliseconds after which a request counts as lost if a younger request was answered. */
export const LOST_AFTER = 30_000;

/** The calls that no user waits for: a slow picture does not mean that the kernel is silent. */
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

/** The events after which the page asks for a snapshot: they tell that something changed, but not what. */
const ASK_AGAIN = new Set<KernelEvent["type"]>(["store_changed", "models_changed"]);

/** What the bridge tells the layers above. */
export interface Listener {
  /** A notebook was saved with this snapshot. */
  saved(snapshot: Snapshot): void;
  /**
   * A snapshot is asked for. The function that is returned takes the snapshot in when it arrives, and remembers
   * the state of the page at the time of the question.
   */
  asks(): TakeSnapshot;
  /** All models that are offered. They come after a snapshot, and only when they have changed. */
  catalog(models: ModelState[]): void;
  events(events: KernelEvent[], buffers: DataView[]): void;
  connection(connection: Connection): void;
  /** The look that code or this page has set. */
  look(look: Look): void;
}

type TakeSnapshot = (snapshot: Snapshot, buffers: DataView[]) => void;

export interface Bridge {
  /** Send a call, with bytes if it takes some. Settles exactly once, and rejects with a `RequestError`. */
  request: Send;
  /**
   * Count a view that shows the page until the signal. Without a view nothing is acknowledged, so that the kernel
   * stops pushing pictures to a widget whose cell was run again.
   */
  watch(signal: AbortSignal): void;
  /** Set the height in pixels, null for the automatic one. The kernel learns the height only if it is `kept`. */
  setHeight: Channel["setHeight"];
}

/** Connect the page to the kernel. Everything ends with the signal. */
export function createBridge(channel: Channel, listener: Listener, signal: AbortSignal): Bridge {
  const saved = channel.saved();
  const requests = createRequests();
  const silence = createSilence(channel, requests, listener, () => snapshots, saved !== undefined);
  const request: Send = (call, buffers) => {
    const refusal = signal.aborted ? "closed" : silence.refusal();
    if (refusal) return Promise.reject(unanswered(refusal));
    const { id, answer } = requests.add(call);
    silence.listen();
    if (!channel.send({ kind: "request", id, call }, buffers)) silence.end();
    return answer;
  };
  const snapshots: Snapshots = createSnapshots(
    request,
    listener,
    silence,
    (seq) => events.catchUp(seq),
    signal,
  );
  const events = createEvents(channel, listener, snapshots);

  const message = (message: KernelMessage, buffers: DataView[]): void => {
    if (message.kind === "events") {
      silence.heard();
      events.take(message, buffers);
    } else if (requests.settle(message, buffers)) silence.heard();
  };
  const { end: closed, doubt: doubtful, drop: dropped } = silence;
  channel.follow({ message, closed, doubtful, dropped, look: listener.look }, signal);
  addEventListener("offline", silence.probe, { signal });
  addEventListener("online", silence.probe, { signal });
  // A reply can be lost. Replies to younger requests show that the kernel is there and answers.
  const lost = setInterval(() => requests.rejectLost() && snapshots.probe(), LOST_AFTER);
  signal.addEventListener("abort", () => {
    clearInterval(lost);
    for (const part of [silence, snapshots, events]) part.stop();
    requests.rejectAll("closed");
  });

  listener.look(channel.look());
  if (saved) listener.saved(saved);
  snapshots.start();
  return { request, watch: events.watch, setHeight: channel.setHeight };
}

// ---------------------------------------------------------------- requests

interface Open {
  order: number;
  sentAt: number;
  urgent: boolean;
  resolve(answer: Answer): void;
  reject(error: RequestError): void;
}

/** The requests that wait for their answers. */
interface Requests {
  /** Note a call that is to be sent, and return the id of its request and the promise of its answer. */
  add(call: Call): { id: string; answer: Promise<Answer> };
  /** Settle the request that a reply belongs to. Return false if the reply is for another page of the kernel. */
  settle(reply: ReplyMessage, buffers: DataView[]): boolean;
  /** Return whether an urgent request waits that is younger than every answered one. */
  isWaitedFor(): boolean;
  /** Reject each old request if a younger one was answered. Return whether any request is old. */
  rejectLost(): boolean;
  rejectAll(code: Unanswered): void;
}

function createRequests(): Requests {
  const open = new Map<string, Open>();
  const page = Math.random().toString(36).slice(2, 10);
  let order = 0;
  let newestAnswered = 0;
  return {
    add: (call) => {
      order += 1;
      const id = `${page}-${order}`;
      const urgent = !UNHURRIED.has(call.method);
      const answer = new Promise<Answer>((resolve, reject) => {
        open.set(id, { order, sentAt: Date.now(), urgent, resolve, reject });
      });
      return { id, answer };
    },
    settle: ({ to, result, error }, buffers) => {
      const request = open.get(to);
      if (!request) return false;
      open.delete(to);
      newestAnswered = Math.max(newestAnswered, request.order);
      if (result) request.resolve({ result, buffers });
      else request.reject(error ? new RequestError(error) : unanswered("no_answer"));
      return true;
    },
    // A kernel that answered a younger request is there: the older request takes longer, or was lost.
    isWaitedFor: () => [...open.values()].some(({ urgent, order }) => urgent && order > newestAnswered),
    rejectLost: () => {
      const before = Date.now() - LOST_AFTER;
      const old = [...open].filter(([, { sentAt }]) => sentAt <= before);
      for (const [id, { order, reject }] of old) {
        if (order >= newestAnswered) continue;
        open.delete(id);
        reject(unanswered("no_answer"));
      }
      return old.length > 0;
    },
    rejectAll: (code) => {
      for (const { reject } of open.values()) reject(unanswered(code));
      open.clear();
    },
  };
}

// ---------------------------------------------------------------- silence

/** Finds out whether the kernel answers, and why it does not. */
interface Silence {
  /** Start to listen for the kernel: something was asked. */
  listen(): void;
  /** A message came from the kernel. */
  heard(): void;
  /** A snapshot came from the kernel. */
  greeted(): void;
  /** Return why a request need not be sent, undefined if it can be. */
  refusal(): Unanswered | undefined;
  /** Give up all requests: no answer will come. */
  end(): void;
  /** Give up all requests, and find out a moment later whether the host has another kernel. */
  drop(): void;
  /** Ask the kernel whether it is there; if it stays silent, the page tells why. */
  probe(): void;
  /** Ask the kernel whether it is there, and take it for gone if it stays silent. */
  doubt(): void;
  stop(): void;
}

function createSilence(
  channel: Channel,
  requests: Requests,
  listener: Listener,
  snapshots: () => Snapshots,
  isSaved: boolean,
): Silence {
  let connection: Connection = "connecting";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let settling: ReturnType<typeof setTimeout> | undefined;
  let silentSince = 0;
  /** The channel was closed. A message that comes nevertheless opens it again. */
  let ended = false;
  /** The host told that something happened to the channel, but not what. */
  let doubtful = false;

  const connect = (next: Connection): void => {
    if (next === connection) return;
    connection = next;
    listener.connection(next);
  };
  /** Return why the kernel does not answer. */
  const reason = (): Connection => {
    const kernel = channel.kernel();
    const greeted = snapshots().isGreeted();
    if (kernel === null) return "none";
    if (ended || doubtful || ENDED.has(kernel?.status ?? "")) return "gone";
    const { connectionStatus } = kernel ?? {};
    const cut = connectionStatus === "disconnected" || (greeted && connectionStatus === "connecting");
    if (cut || !navigator.onLine) return "offline";
    if (kernel?.status === "busy") return "busy";
    // If the host tells of no kernel, a page that was saved with its pictures has none.
    if (!greeted && kernel === undefined && isSaved) return "none";
    if (greeted || Date.now() - silentSince < UNKNOWN_AFTER) return "waiting";
    return kernel ? "gone" : "none";
  };
  const refusal = (): Unanswered | undefined => (ended ? (reason() === "none" ? "none" : "gone") : undefined);
  const listen = (): void => {
    if (timer !== undefined) return;
    silentSince = Date.now();
    wait();
  };
  const wait = (): void => {
    timer = setTimeout(() => {
      timer = undefined;
      if (!requests.isWaitedFor()) return;
      connect(reason());
      wait();
    }, WAITING_AFTER);
  };
  const end = (): void => {
    ended = true;
    const why = reason();
    requests.rejectAll(why === "none" ? why : "gone");
    connect(why);
  };
  const probe = (): void => {
    if (!ended) snapshots().probe();
  };
  const stop = (): void => {
    clearTimeout(timer);
    clearTimeout(settling);
  };

  return {
    listen,
    refusal,
    end,
    probe,
    stop,
    heard: () => {
      clearTimeout(timer);
      timer = undefined;
      doubtful = false;
      if (requests.isWaitedFor()) listen();
      if (!snapshots().isGreeted()) return;
      const back = ended;
      ended = false;
      // What happened meanwhile is not known.
      if (back) snapshots().ask();
      else connect("ready");
    },
    greeted: () => connect("ready"),
    drop: () => {
      end();
      settling = setTimeout(() => ended && connect(reason()), HOST_SETTLES);
    },
    doubt: () => {
      doubtful = true;
      probe();
    },
  };
}

// ---------------------------------------------------------------- snapshots

/** The requests for snapshots. The listener gets each snapshot that comes. */
interface Snapshots {
  /** Ask for the first snapshot, again and again until one comes. */
  start(): void;
  /** Ask for a snapshot; if one is on its way, ask for another one after it. */
  ask(): void;
  /** Ask for a snapshot to see whether the kernel answers. */
  probe(): void;
  /** Return whether a snapshot is on its way. */
  isAsked(): boolean;
  /** Return whether a snapshot has ever come. */
  isGreeted(): boolean;
  stop(): void;
}

function createSnapshots(
  request: Send,
  listener: Listener,
  silence: Silence,
  catchUp: (seq: number) => void,
  signal: AbortSignal,
): Snapshots {
  let greeted = false;
  /** The digest of the models that the listener has. */
  let catalog: string | null = null;
  let asking = 0;
  let again = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

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
  const take = (snapshot: Snapshot, buffers: DataView[], show: TakeSnapshot): void => {
    greeted = true;
    clearTimeout(timer);
    silence.greeted();
    show(snapshot, buffers);
    void takeCatalog(snapshot, buffers);
    catchUp(snapshot.seq);
  };
  const takeCatalog = async (snapshot: Snapshot, buffers: DataView[]): Promise<void> => {
    const packed = snapshot.catalogBuffer === null ? undefined : buffers[snapshot.catalogBuffer];
    if (!packed) return;
    const models = await unpacked(packed);
    if (signal.aborted) return;
    catalog = snapshot.catalog;
    listener.catalog(models);
  };
  const greetAgain = (delay: number): void => {
    timer = setTimeout(() => {
      if (greeted) return;
      greet();
      greetAgain(Math.min(delay * 2, LAST_HELLO_RETRY));
    }, delay);
  };

  return {
    start: () => {
      greet();
      greetAgain(FIRST_HELLO_RETRY);
    },
    ask: () => {
      // A snapshot that is on its way lacks what happened after it was taken.
      if (asking > 0) again = true;
      else greet();
    },
    probe: () => {
      // The first question may be lost itself; more than two would only pile up in a busy kernel.
      if (asking < 2) greet();
    },
    isAsked: () => asking > 0,
    isGreeted: () => greeted,
    stop: () => clearTimeout(timer),
  };
}

// ---------------------------------------------------------------- events

interface HeldEvents {
  message: Events;
  buffers: DataView[];
}

/** Hands events on in their order, and acknowledges them. */
interface EventStream {
  take(message: Events, buffers: DataView[]): void;
  /** Hand on the events that came after the snapshot with this number. */
  catchUp(seq: number): void;
  watch: Bridge["watch"];
  stop(): void;
}

function createEvents(channel: Channel, listener: Listener, snapshots: Snapshots): EventStream {
  let held: HeldEvents[] = [];
  let lastSeq = -1;
  let acknowledged = -1;
  let views = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const acknowledge = (): void => {
    if (views === 0 || timer !== undefined || lastSeq <= acknowledged) return;
    acknowledged = lastSeq;
    channel.send({ kind: "ack", seq: lastSeq });
    timer = setTimeout(() => {
      timer = undefined;
      acknowledge();
    }, ACK_EVERY);
  };

  return {
    take: (message, buffers) => {
      const { seq, events } = message;
      // A snapshot that is on its way may be older than these events: they are handed on again after it.
      if (snapshots.isAsked()) held.push({ message, buffers });
      if (!snapshots.isGreeted() || seq <= lastSeq) return;
      const gap = seq > lastSeq + 1;
      lastSeq = seq;
      listener.events(events, buffers);
      acknowledge();
      if (gap || events.some(({ type }) => ASK_AGAIN.has(type))) snapshots.ask();
    },
    catchUp: (seq) => {
      const newer = held.filter(({ message }) => message.seq > seq);
      lastSeq = Math.max(seq, newer.at(-1)?.message.seq ?? -1);
      held = [];
      for (const { message, buffers } of newer) listener.events(message.events, buffers);
      acknowledge();
    },
    watch: (shown) => {
      views += 1;
      shown.addEventListener("abort", () => {
        views -= 1;
      });
      if (snapshots.isGreeted()) acknowledge();
    },
    stop: () => clearTimeout(timer),
  };
}

// ---------------------------------------------------------------- what messages hold

async function unpacked(packed: DataView): Promise<ModelState[]> {
  const bytes = new Uint8Array(packed.buffer as ArrayBuffer, packed.byteOffset, packed.byteLength);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** Why the kernel does not answer a request. */
type Unanswered = "closed" | "gone" | "none" | "no_answer";

function unanswered(code: Unanswered): RequestError {
  const { closed, closedNext, gone, goneNext, lost, lostNext } = t.problem;
  const [message, nextStep] = {
    closed: [closed, closedNext],
    gone: [gone, goneNext],
    none: [t.states.none, t.states.noneNext],
    no_answer: [lost, lostNext],
  }[code] as [string, string];
  return new RequestError({ ...errorState(null), code, message, nextStep });
}
