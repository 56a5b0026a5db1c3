// The channel to the kernel that a host of widgets provides, and what the host tells of its kernel.
import type { AnyModel } from "@anywidget/types";
import type { Look } from "./lib/theme";
import type { KernelMessage, PageMessage, Snapshot } from "./protocol.gen";

/** The version of the protocol. A snapshot of another version cannot be shown. */
export const PROTOCOL = 3;
/** States of a kernel in which all that the kernel held in memory is lost. */
export const ENDED: ReadonlySet<string> = new Set(["restarting", "autorestarting", "terminating", "dead"]);

/** The way to one kernel and back. The bridge works with any channel; `widgetChannel` makes the one of a widget. */
export interface Channel {
  /** Send a message. Return false if that is impossible: the channel was closed, or its kernel has ended. */
  send(message: PageMessage, buffers?: ArrayBuffer[]): boolean;
  /** Report what arrives and what happens to the channel, until the signal. */
  follow(follower: Follower, signal: AbortSignal): void;
  /** Return the host's kernel: null if there is no kernel, undefined if the host does not tell. */
  kernel(): HostKernel | null | undefined;
  /** Return the snapshot that the notebook was saved with, if the page can show it. */
  saved(): Snapshot | undefined;
  /** Return the look that code or the user has set. */
  look(): Look;
  /** Set the height in pixels, null for the automatic one. The kernel learns the height only if it is `kept`. */
  setHeight(height: number | null, kept: boolean): void;
}

/** What a channel reports. */
export interface Follower {
  message(message: KernelMessage, buffers: DataView[]): void;
  /** The channel was closed, or its kernel has ended. */
  closed(): void;
  /** Something happened to the channel, but the host does not tell what. */
  doubtful(): void;
  /** The host has let its kernel go. A moment later the host tells whether it has another kernel. */
  dropped(): void;
  /** The way to the kernel was cut, or is open again: `kernel()` tells which. */
  changed(): void;
  look(look: Look): void;
}

/** What a host tells of its kernel. */
export interface HostKernel {
  status?: string;
  connectionStatus?: string;
  statusChanged?: Signal<string>;
  connectionStatusChanged?: Signal<string>;
  disposed?: Signal<void>;
}
interface Signal<Told> {
  connect(slot: (sender: unknown, told: Told) => void): void;
  disconnect(slot: (sender: unknown, told: Told) => void): void;
}

/** Return the channel of a widget. */
export function widgetChannel(model: AnyModel): Channel {
  return {
    send: (message, buffers) => {
      try {
        model.send(message, undefined, buffers);
        return true;
      } catch {
        return false;
      }
    },
    follow: (follower, signal) => {
      followModel(model, follower, signal);
      followKernel(model, follower, signal);
    },
    kernel: () => hostKernel(model),
    saved: () => {
      const snapshot = parsed(model.get("_snapshot"));
      const pictures = parsed(model.get("_pictures"));
      if (!isSnapshot(snapshot)) return undefined;
      return { ...snapshot, thumbnails: isPictures(pictures) ? pictures : {} };
    },
    look: () => lookOf(model),
    setHeight: (height, kept) => {
      model.set("height", height);
      if (kept) model.save_changes();
    },
  };
}

function followModel(model: AnyModel, follower: Follower, signal: AbortSignal): void {
  const look = (): void => follower.look(lookOf(model));
  // marimo runs the cells that use a widget when the browser writes its state, and not when the kernel does.
  const heard = (): void => {
    model.set("_heard", model.get("_changes"));
    model.save_changes();
  };
  const handlers = {
    "msg:custom": follower.message,
    "comm:close": follower.closed,
    comm_live_update: follower.doubtful,
    "change:theme": look,
    "change:height": look,
    "change:_changes": heard,
  };
  for (const [name, handler] of Object.entries(handlers)) {
    model.on(name, handler);
    signal.addEventListener("abort", () => model.off(name, handler));
  }
}

function followKernel(model: AnyModel, { closed, dropped, changed }: Follower, signal: AbortSignal): void {
  const { statusChanged, connectionStatusChanged, disposed } = hostKernel(model) ?? {};
  const told = (_: unknown, status: string): void => {
    if (ENDED.has(status)) closed();
  };
  const connected = (_: unknown, status: string): void => {
    if (status === "connected") changed();
  };
  statusChanged?.connect(told);
  connectionStatusChanged?.connect(connected);
  disposed?.connect(dropped);
  signal.addEventListener("abort", () => {
    statusChanged?.disconnect(told);
    connectionStatusChanged?.disconnect(connected);
    disposed?.disconnect(dropped);
  });
}

function hostKernel(model: AnyModel): HostKernel | null | undefined {
  try {
    // JupyterLab's widget manager, and the managers derived from it, have a kernel that their type does not show.
    return (model.widget_manager as unknown as { kernel?: HostKernel | null } | undefined)?.kernel;
  } catch {
    return undefined;
  }
}

function lookOf(model: AnyModel): Look {
  const theme: unknown = model.get("theme");
  const height: unknown = model.get("height");
  return {
    theme: theme === "dark" || theme === "light" ? theme : "auto",
    height: typeof height === "number" && height > 0 ? height : null,
  };
}

/** Parse what a saved notebook holds. Any version may have written it, and it may have been cut off. */
function parsed(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function isPictures(value: unknown): value is Snapshot["thumbnails"] {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

function isSnapshot(value: unknown): value is Snapshot {
  return typeof value === "object" && value !== null && "protocol" in value && value.protocol === PROTOCOL;
}
