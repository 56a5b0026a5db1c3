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
/** Milliseconds after which a request without an answer is sent again. Each time it waits twice as long as before. */
export const FIRST_REPEAT = 5000;
const LAST_REPEAT = 60_000;
/** Milliseconds after which an idle kernel that never answered counts as one that does not know this widget. */
export const UNKNOWN_AFTER = 5000;
/** Milliseconds that a host needs to tell which kernel it has after it let one go. */
const HOST_SETTLES = 500;

/** The calls that no user waits for: a slow picture does not mean that the kernel is silent. */
export const UNHURRIED: ReadonlySet<Call["method"]> = new Set([
  "thumbnails",
  "covers",
  "original",
  "upload",
  "take_reference",
  "reference_thumbnails",
  "reference_original",
  "improve",
]);

/**
 * The calls that are sent before the kernel has ever answered. All others wait in the page. What was typed or chosen is
 * among them: a page that is loaded again loses what waits in it, and a busy kernel reads what was sent.
 */
const FIRST: ReadonlySet<Call["method"]> = new Set(["hello", "part", "save_draft", "configure"]);

/** The calls for what a user did. The page counts the ones that wait, and reports the ones that were not sent. */
const CLICKS: ReadonlySet<Call["method"]> = new Set([
  "generate",
  "cancel",
  "cancel_sweep",
  "retry",
  "delete",
  "restore",
  "star",
  "move_batches",
  "pin_topic",
  "choose_cover",
  "rename_topic",
  "select_topic",
  "improve",
  "upload",
  "take_reference",
  "add_server",
  "remove_server",
  "add_workflow",
  "set_key",
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
  /** `clicks` is how many clicks wait for their answers. */
  connection(connection: Connection, clicks: number): void;
  /** The kernel answered that it cannot give a snapshot. */
  refused(cause: unknown): void;
  /** The look that code or this page has set. */
  look(look: Look): void;
}

type TakeSnapshot = (snapshot: Snapshot, buffers: DataView[]) => void;

export interface Bridge {
  /**
   * Send a call, with bytes if it takes some. Settles exactly once, and rejects with a `RequestError`. A call waits
   * here until the kernel has answered for the first time, and is sent again if its answer does not come.
   */
  request: Send;
  /**
   * Show the page in an element until the signal. The first view asks for a snapshot. With the last one the page
   * leaves: the kernel tells it nothing until there is a view again, as of a widget whose cell was run again.
   */
  watch(el: Element, signal: AbortSignal): void;
  /** Return whether no click waits for its answer. */
  isIdle(): boolean;
  /** Set the height in pixels, null for the automatic one. The kernel learns the height only if it is `kept`. */
  setHeight: Channel["setHeight"];
}

/** Connect the page to the kernel, once it has a view. Everything ends with the signal. */
export function createBridge(channel: Channel, listener: Listener, signal: AbortSignal): Bridge {
  const saved = channel.saved();
  const page = Math.random().toString(36).slice(2, 10);
  const requests = createRequests(page);
  const silence = createSilence(channel, requests, listener, () => snapshots, saved !== undefined);
  const request: Send = (call, buffers) => {
    const refusal = signal.aborted ? "closed" : silence.refusal();
    if (refusal) return Promise.reject(unanswered(refusal));
    const { open, answer } = requests.add(call, buffers);
    silence.listen();
    if (requests.isAnswered() || FIRST.has(call.method)) transmit(open);
    return answer;
  };
  const transmit = (open: Open): void => {
    const { id, call, buffers } = open;
    open.sentAt = Date.now();
    open.times += 1;
    if (!channel.send({ kind: "request", id, call }, buffers)) silence.end();
  };
  /** Send again what was not answered for some time; after a cut (`all`), everything that was not answered. */
  const repeat = (all = false): void => {
    if (silence.isCut()) return;
    for (const open of requests.unanswered(all)) {
      // A hello would tell the kernel that the page is seen.
      if (open.call.method !== "hello" || !snapshots.isPaused()) transmit(open);
    }
  };
  const catchUp = (seq: number): void => events.catchUp(seq);
  const snapshots: Snapshots = createSnapshots(request, listener, page, catchUp, signal);
  const left = (): void => void channel.send({ kind: "leave", page });
  const views = createViews(snapshots, left, signal);
  const events = createEvents(channel, listener, snapshots, page, views.isSeen);

  const message = (message: KernelMessage, buffers: DataView[]): void => {
    if (message.kind === "events") {
      silence.heard();
      events.take(message, buffers);
      return;
    }
    const settled = requests.settle(message, buffers);
    if (!settled) return;
    for (const open of requests.held()) transmit(open);
    silence.heard();
    // The kernel may have answered the first request long ago: what the answer holds can be old.
    if (settled.urgent && settled.times > 1 && settled.call.method !== "hello") snapshots.ask();
  };
  /** The way to the kernel is open again, and messages in both directions may have been lost; or it was cut. */
  const changed = (): void => {
    repeat(true);
    silence.probe();
  };
  const { end: closed, doubt: doubtful, drop: dropped } = silence;
  channel.follow({ message, closed, doubtful, dropped, changed, look: listener.look }, signal);
  for (const name of ["offline", "online"]) addEventListener(name, changed, { signal });
  const repeats = setInterval(repeat, WAITING_AFTER);
  signal.addEventListener("abort", () => {
    clearInterval(repeats);
    views.leave();
    for (const part of [silence, events]) part.stop();
    requests.rejectAll("closed");
  });

  listener.look(channel.look());
  if (saved) listener.saved(saved);
  const isIdle = (): boolean => requests.clicks() === 0;
  return { request, watch: views.watch, isIdle, setHeight: channel.setHeight };
}

// ---------------------------------------------------------------- views

/** The views that show the page. */
interface Views {
  watch: Bridge["watch"];
  /** Return whether a view is in the document: a host may take out what is scrolled away. */
  isSeen(): boolean;
  leave(): void;
}

function createViews(snapshots: Snapshots, left: () => void, signal: AbortSignal): Views {
  const shown = new Set<Element>();
  const leave = (): void => {
    if (snapshots.pause()) left();
  };
  // The tab is closed or loaded again. It may come back as it was.
  addEventListener("pagehide", leave, { signal });
  addEventListener("pageshow", () => shown.size > 0 && snapshots.resume(), { signal });
  return {
    watch: (el, ended) => {
      shown.add(el);
      ended.addEventListener("abort", () => {
        shown.delete(el);
        if (shown.size === 0) leave();
      });
      snapshots.resume();
    },
    isSeen: () => [...shown].some((el) => el.isConnected),
    leave,
  };
}

// ---------------------------------------------------------------- requests

interface Open {
  id: string;
  order: number;
  call: Call;
  buffers: ArrayBuffer[] | undefined;
  /** The time at which it was sent last. */
  sentAt: number;
  /** How often it was sent; 0 while it waits for the kernel's first answer. */
  times: number;
  urgent: boolean;
  resolve(answer: Answer): void;
  reject(error: RequestError): void;
}

/** The requests that wait for their answers, in their order. */
interface Requests {
  /** Note a call that is to be sent, and return its request and the promise of its answer. */
  add(call: Call, buffers?: ArrayBuffer[]): { open: Open; answer: Promise<Answer> };
  /** Settle and return the request that a reply belongs to, undefined if the reply is for another page. */
  settle(reply: ReplyMessage, buffers: DataView[]): Open | undefined;
  /** Return whether the kernel has ever answered. */
  isAnswered(): boolean;
  /** Return whether an urgent request waits that is younger than every answered one. */
  isWaitedFor(): boolean;
  /** Return how many clicks wait. */
  clicks(): number;
  /** Return the requests that were not sent yet. */
  held(): Open[];
  /** Return the sent requests that are to be sent again: those whose time has come, or `all`. */
  unanswered(all: boolean): Open[];
  /** Reject the clicks that were not sent. */
  rejectHeld(code: Unanswered): void;
  rejectAll(code: Unanswered): void;
}

function createRequests(page: string): Requests {
  const open = new Map<string, Open>();
  /** The number of the youngest request for each thing that requests set. */
  const youngest = new Map<string, number>();
  let order = 0;
  let newestAnswered = 0;

  const reject = (requests: Iterable<Open>, code: Unanswered): void => {
    for (const { id, reject } of requests) {
      open.delete(id);
      reject(unanswered(code));
    }
  };
  const held = (): Open[] => [...open.values()].filter(({ times }) => times === 0);
  /** Return whether a request can be sent again; settle it if it cannot, or need not. */
  const isWanted = (request: Open): boolean => {
    const { id, call, buffers, order } = request;
    const subject = subjectOf(call);
    // A younger request has set the same. After it, this one would set an old value.
    if (subject && youngest.get(subject) !== order) {
      open.delete(id);
      request.resolve({ result: { type: "empty" }, buffers: [] });
      return false;
    }
    // Some hosts hand over the bytes themselves, and not a copy.
    if (buffers?.some(({ byteLength }) => byteLength === 0)) {
      reject([request], "no_answer");
      return false;
    }
    return true;
  };

  return {
    add: (call, buffers) => {
      order += 1;
      const subject = subjectOf(call);
      if (subject) youngest.set(subject, order);
      const urgent = !UNHURRIED.has(call.method);
      const request = { id: `${page}-${order}`, order, call, buffers, sentAt: 0, times: 0, urgent };
      let added = {} as Open;
      const answer = new Promise<Answer>((resolve, reject) => {
        added = { ...request, resolve, reject };
      });
      open.set(added.id, added);
      return { open: added, answer };
    },
    settle: ({ to, result, error }, buffers) => {
      const request = open.get(to);
      if (!request) return undefined;
      open.delete(to);
      newestAnswered = Math.max(newestAnswered, request.order);
      if (result) request.resolve({ result, buffers });
      else request.reject(error ? new RequestError(error) : unanswered("no_answer"));
      return request;
    },
    isAnswered: () => newestAnswered > 0,
    // A kernel that answered a younger request is there: the older request takes longer, or was lost.
    isWaitedFor: () => [...open.values()].some(({ urgent, order }) => urgent && order > newestAnswered),
    clicks: () => [...open.values()].filter(({ call }) => CLICKS.has(call.method)).length,
    held,
    unanswered: (all) => {
      const now = Date.now();
      const isDue = ({ times, sentAt }: Open): boolean =>
        times > 0 && (all || now - sentAt >= Math.min(FIRST_REPEAT * 2 ** (times - 1), LAST_REPEAT));
      return [...open.values()].filter((request) => isDue(request) && isWanted(request));
    },
    rejectHeld: (code) =>
      reject(
        held().filter(({ call }) => CLICKS.has(call.method)),
        code,
      ),
    rejectAll: (code) => reject([...open.values()], code),
  };
}

/** Return what a call sets, if a later call for the same makes it out of date. */
function subjectOf(call: Call): string | undefined {
  switch (call.method) {
    case "configure":
    case "select":
    case "select_topic":
      return call.method;
    case "save_draft":
    case "rename_topic":
    case "pin_topic":
    case "choose_cover":
      return `${call.method} ${call.topicId}`;
    case "star":
      return `star ${call.generationIds}`;
    default:
      return undefined;
  }
}

// ---------------------------------------------------------------- silence

/** Finds out whether the kernel answers, and why it does not. */
interface Silence {
  /** Start to listen for the kernel: something was asked. */
  listen(): void;
  /** A message came from the kernel. */
  heard(): void;
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
  /** Return whether the host has told that the way to the kernel is cut. */
  isCut(): boolean;
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
  let clicks = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let settling: ReturnType<typeof setTimeout> | undefined;
  let silentSince = 0;
  /** The channel was closed. A message that comes nevertheless opens it again. */
  let ended = false;
  /** The host told that something happened to the channel, but not what. */
  let doubtful = false;

  const connect = (next: Connection): void => {
    const waiting = requests.clicks();
    if (next === connection && (waiting === clicks || next === "ready")) return;
    connection = next;
    clicks = waiting;
    listener.connection(next, waiting);
  };
  const isCut = (): boolean => {
    const status = channel.kernel()?.connectionStatus;
    const cut = status === "disconnected" || (requests.isAnswered() && status === "connecting");
    return cut || !navigator.onLine;
  };
  /** Return why the kernel does not answer. */
  const reason = (): Connection => {
    const kernel = channel.kernel();
    const answered = requests.isAnswered();
    if (kernel === null) return "none";
    if (ended || doubtful || ENDED.has(kernel?.status ?? "")) return "gone";
    if (isCut()) return "offline";
    if (kernel?.status === "busy") return "busy";
    // If the host tells of no kernel, a page that was saved with its pictures has none.
    if (!answered && kernel === undefined && isSaved) return "none";
    if (answered || Date.now() - silentSince < UNKNOWN_AFTER) return "waiting";
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
      const why = reason();
      connect(why);
      if (why === "none" || why === "gone") requests.rejectHeld(why);
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
  // A host without a kernel is known before anything is drawn.
  if (channel.kernel() === null) connect("none");
  const stop = (): void => {
    clearTimeout(timer);
    clearTimeout(settling);
  };

  return {
    listen,
    refusal,
    end,
    probe,
    isCut,
    stop,
    heard: () => {
      clearTimeout(timer);
      timer = undefined;
      doubtful = false;
      if (requests.isWaitedFor()) listen();
      if (!requests.isAnswered()) return;
      const back = ended;
      ended = false;
      // What happened meanwhile is not known.
      if (back) snapshots().ask();
      else connect("ready");
    },
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
  /** Ask for a snapshot, unless the page was seen all the time: a view came. */
  resume(): void;
  /** Ask for no snapshot until the page is seen again. Return false if that was so already. */
  pause(): boolean;
  /** Return whether nobody sees the page. */
  isPaused(): boolean;
  /** Ask for a snapshot; if one is on its way, ask for another one after it. */
  ask(): void;
  /** Ask for a snapshot to see whether the kernel answers. */
  probe(): void;
  /** Return whether a snapshot is on its way. */
  isAsked(): boolean;
  /** Return whether a snapshot has ever come. */
  isGreeted(): boolean;
}

function createSnapshots(
  request: Send,
  listener: Listener,
  page: string,
  catchUp: (seq: number) => void,
  signal: AbortSignal,
): Snapshots {
  let greeted = false;
  /** Nobody sees the page, and the kernel counts it as gone. */
  let paused = true;
  /** The digest of the models that the listener has. */
  let catalog: string | null = null;
  let asking = 0;
  let again = false;

  const greet = (): void => {
    if (paused) return;
    asking += 1;
    const show = listener.asks();
    request({ method: "hello", protocol: PROTOCOL, page, catalog })
      .then(({ result, buffers }) => {
        if (result.type === "snapshot") take(result.snapshot, buffers, show);
      })
      .catch((cause: unknown) => {
        if ((UNANSWERED as readonly string[]).includes(errorState(cause).code)) return;
        listener.refused(cause);
        if (!greeted) setTimeout(() => signal.aborted || greet(), FIRST_REPEAT);
      })
      .finally(() => {
        asking -= 1;
        if (asking > 0 || !again || signal.aborted) return;
        again = false;
        greet();
      });
  };
  const take = (snapshot: Snapshot, buffers: DataView[], show: TakeSnapshot): void => {
    greeted = true;
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
  const ask = (): void => {
    // A snapshot that is on its way lacks what happened after it was taken.
    if (asking > 0) again = true;
    else greet();
  };
  return {
    resume: () => {
      if (!paused) return;
      paused = false;
      ask();
    },
    pause: () => {
      if (paused) return false;
      paused = true;
      return true;
    },
    isPaused: () => paused,
    ask,
    probe: () => {
      // The first question may be lost itself; more than two would only pile up in a busy kernel.
      if (asking < 2) greet();
    },
    isAsked: () => asking > 0,
    isGreeted: () => greeted,
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
  stop(): void;
}

function createEvents(
  channel: Channel,
  listener: Listener,
  snapshots: Snapshots,
  page: string,
  isSeen: () => boolean,
): EventStream {
  let held: HeldEvents[] = [];
  let lastSeq = -1;
  let acknowledged = -1;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const acknowledge = (): void => {
    if (snapshots.isPaused() || timer !== undefined || lastSeq <= acknowledged) return;
    if (isSeen()) {
      acknowledged = lastSeq;
      channel.send({ kind: "ack", page, seq: lastSeq });
    }
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
      // The snapshot may be the first after the page left, or of another process, which counts anew.
      acknowledged = -1;
      for (const { message, buffers } of newer) listener.events(message.events, buffers);
      acknowledge();
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
const UNANSWERED = ["closed", "gone", "none", "no_answer"] as const;
type Unanswered = (typeof UNANSWERED)[number];

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
