// The connection to the kernel, and the words for it.
import { t } from "../messages";

/**
 * Whether the kernel answers: not known yet (`connecting`); it does (`ready`); it is silent (`waiting`), because it
 * computes (`busy`), because it ended or no longer knows this widget (`gone`), because the network is cut
 * (`offline`), or because there is no kernel (`none`).
 */
export type Connection = "connecting" | "ready" | "waiting" | "busy" | "gone" | "offline" | "none";

/** The connection, and whether the kernel itself has ever answered: before that, the page is read-only. */
interface Connected {
  connection: Connection;
  live: boolean;
}

/** What the page tells of the connection. */
export interface ConnectionText {
  text: string;
  next: string;
  /** Nothing can be asked of the kernel until the user does something. */
  lost: boolean;
}

/** Return what the page tells of the connection above the panels, null while all is well. */
export function connectionText({ connection, live }: Connected): ConnectionText | null {
  const { states } = t;
  switch (connection) {
    case "ready":
      return null;
    case "connecting":
      return live ? null : { text: states.connecting, next: "", lost: false };
    case "waiting":
      return { text: states.waiting, next: live ? states.waitingNext : "", lost: false };
    case "busy":
      return { text: states.busy, next: states.busyNext, lost: false };
    case "offline":
      return { text: states.offline, next: states.offlineNext, lost: true };
    case "gone":
      return { text: states.gone, next: states.goneNext, lost: true };
    case "none":
      return { text: states.none, next: states.noneNext, lost: true };
  }
}

/** Return whether the kernel is lost: the page does not know what became of the requests that ran. */
export function isLost(state: Connected): boolean {
  return !state.live && (connectionText(state)?.lost ?? false);
}

/** Return why controls are inert, as a tip for their title; undefined if they work. */
export function inertReason(state: Connected): string | undefined {
  if (state.live) return undefined;
  const told = connectionText(state);
  return told ? t.states.inert(told.text, told.next).trim() : undefined;
}
