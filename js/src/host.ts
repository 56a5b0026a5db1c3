// What a host tells of its kernel, and what the widget model holds.
import type { AnyModel } from "@anywidget/types";
import type { Snapshot } from "./protocol.gen";
import type { Look } from "./slices/state";

/** The version of the protocol. A snapshot of another version cannot be shown. */
export const PROTOCOL = 2;

/** States of a kernel after which what it knew is lost. */
export const ENDED: ReadonlySet<string> = new Set(["restarting", "autorestarting", "terminating", "dead"]);

/** What a host tells of its kernel. */
interface HostKernel {
  status?: string;
  connectionStatus?: string;
  statusChanged?: Signal<string>;
  disposed?: Signal<void>;
}
interface Signal<Told> {
  connect(slot: (sender: unknown, told: Told) => void): void;
  disconnect(slot: (sender: unknown, told: Told) => void): void;
}

/** The kernel of the host; null where there is none, undefined where the host doesn't tell. */
export function hostKernel(model: AnyModel): HostKernel | null | undefined {
  try {
    // JupyterLab's manager and those made from it know their kernel; its type says nothing of it.
    return (model.widget_manager as unknown as { kernel?: HostKernel | null } | undefined)?.kernel;
  } catch {
    return undefined;
  }
}

/** Tells each new status of the kernel, and that the host has let it go, where the host does. */
export function followKernel(model: AnyModel, tell: (status: string) => void, gone: () => void): () => void {
  const { statusChanged, disposed } = hostKernel(model) ?? {};
  const slot = (_: unknown, status: string): void => tell(status);
  statusChanged?.connect(slot);
  disposed?.connect(gone);
  return () => {
    statusChanged?.disconnect(slot);
    disposed?.disconnect(gone);
  };
}

export function lookOf(model: AnyModel): Look {
  const theme: unknown = model.get("theme");
  const height: unknown = model.get("height");
  return {
    theme: theme === "dark" || theme === "light" ? theme : "auto",
    height: typeof height === "number" && height > 0 ? height : null,
  };
}

/** What a saved notebook holds may come from any version, or be cut. */
export function parsed(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

export function isPictures(value: unknown): value is Snapshot["thumbnails"] {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

export function isSnapshot(value: unknown): value is Snapshot {
  return typeof value === "object" && value !== null && "protocol" in value && value.protocol === PROTOCOL;
}
