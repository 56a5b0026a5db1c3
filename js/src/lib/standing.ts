// How the page stands to the kernel, in words.
import { t } from "../messages";
import type { State } from "../slices/state";

export interface Standing {
  text: string;
  next: string;
  /** Nothing can be asked until somebody does something. */
  lost: boolean;
}

/** What is said above the panels; null while all is well. */
export function standingOf({ connection, live }: Pick<State, "connection" | "live">): Standing | null {
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

/** Whether nobody answers until somebody does something: what became of what ran is not known. */
export function isLost(state: Pick<State, "connection" | "live">): boolean {
  return !state.live && (standingOf(state)?.lost ?? false);
}

/** Why controls are inert, as a tip; undefined where they work. Use it as a title beside `!live`. */
export function inertReason(state: Pick<State, "connection" | "live">): string | undefined {
  if (state.live) return undefined;
  const standing = standingOf(state);
  return standing ? t.states.inert(standing.text, standing.next).trim() : undefined;
}
