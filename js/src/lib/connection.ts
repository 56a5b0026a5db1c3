// The connection to the kernel, and the words for it.
import { t } from "../messages";

/**
 * Whether the kernel answers: not known yet (`connecting`); it does (`ready`); it is silent (`waiting`), because it
 * computes (`busy`), because it ended or no longer knows this widget (`gone`), because the network is cut
 * (`offline`), or because there is no kernel (`none`).
 */
export type Connection = "connecting" | "ready" | "waiting" | "busy" | "gone" | "offline" | "none";

/** The connection, whether the page can be used, and how many clicks wait. */
interface Connected {
  connection: Connection;
  usable: boolean;
  clicks: number;
}

/** What the page tells of the connection. */
export interface ConnectionText {
  text: string;
  next: string;
  /** Nothing can be asked of the kernel until the user does something. */
  lost: boolean;
}

/** Return what the page tells of the connection above the panels, null while all is well. */
export function connectionText({ connection, usable, clicks }: Connected): ConnectionText | null {
  const { states } = t;
  const kept = clicks > 0 ? ` ${states.kept(clicks)}` : "";
  switch (connection) {
    case "ready":
      return null;
    case "connecting":
      return { text: states.connecting, next: "", lost: false };
    case "waiting":
      return { text: states.waiting, next: usable ? states.waitingNext + kept : "", lost: false };
    case "busy":
      return { text: states.busy, next: states.busyNext + kept, lost: false };
    case "offline":
      return { text: states.offline, next: states.offlineNext + kept, lost: true };
    case "gone":
      return { text: states.gone, next: states.goneNext, lost: true };
    case "none":
      return { text: states.none, next: states.noneNext, lost: true };
  }
}

/** Return whether the kernel is lost: nothing can be done, and nobody knows what became of the requests that ran. */
export function isLost({ connection }: Pick<Connected, "connection">): boolean {
  return connection === "gone" || connection === "none";
}

/** Return why controls are inert, as a tip for their title; undefined if they work. */
export function inertReason(state: Connected): string | undefined {
  if (state.usable) return undefined;
  const told = connectionText(state);
  return told ? t.states.inert(told.text, told.next).trim() : undefined;
}
