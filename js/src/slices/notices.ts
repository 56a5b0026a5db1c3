// What the page tells the user for a time: notices that are seen, announcements that a screen reader reads.
import { errorState, errorText, isUnpriced } from "../lib/answer";
import { t } from "../messages";
import type { GenerationState, NoticeShown } from "../protocol.gen";
import type { Slice } from "./state";

/** A message that stands on the page for a time. */
export interface Notice {
  id: number;
  level: NoticeShown["level"];
  message: string;
  /** The action of the button beside the message. The action takes something back, or is an `offer`. */
  action?: { label: string; run(): void; offer?: true };
}

/** A text that a screen reader reads out. */
export interface Announcement {
  id: number;
  text: string;
  /** A key takes back what the text announces. */
  undoable: boolean;
}

export interface NoticesSlice {
  notices: Notice[];
  /** The texts for a screen reader, the newest last. */
  announcements: readonly Announcement[];

  /** Show a message for the time that `STANDS` has for its level, or for ten seconds if it has an action. */
  addNotice(level: Notice["level"], message: string, action?: Notice["action"]): void;
  /**
   * Show why the kernel refused a call. If only its price is unknown, a button calls `again`, which agrees to pay.
   */
  addRefusal(cause: unknown, label: string, again: () => void): void;
  dismissNotice(id: number): void;
  /** Hold the notices while the pointer or the focus is on them, so that none disappears under the hand. */
  holdNotices(held: boolean): void;
  /** Let a screen reader read a text, after what it reads now. */
  announce(text: string, undoable?: boolean): void;
  /** Announce how a generation ended, together with the generations that end at about the same time. */
  announceEnd(generation: GenerationState): void;
}

const MAX_NOTICES = 3;
/** How many announcements are kept: a screen reader may be slower than the page. */
const MAX_ANNOUNCEMENTS = 4;
/** How long the end of an image waits for other ends, to be announced with them. */
export const ENDS_TOGETHER = 400;
/** How long a deletion can be taken back. */
export const UNDO_MILLISECONDS = 10_000;
/** How long a notice stands that only confirms. A screen reader reads it in any case. */
export const READ_MILLISECONDS = 6000;
/** How long a warning stands. An error stands until it is dismissed. */
export const WARN_MILLISECONDS = 20_000;
/** How much longer a notice stands under the pointer or the focus. The kernel keeps what was deleted for 60 s. */
export const HELD_MILLISECONDS = 40_000;
const HELD_STEP = 1000;
const STANDS: Record<Notice["level"], number | null> = {
  info: READ_MILLISECONDS,
  warning: WARN_MILLISECONDS,
  error: null,
};

export const createNoticesSlice: Slice<NoticesSlice> = (set, get) => {
  let notices = 0;
  let held = false;
  let announcements = 0;
  let ended: GenerationState[] = [];

  /** Dismiss a notice whose time is over, once the notices are not held any more. */
  const expire = (id: number, rest: number): void => {
    if (held && rest > 0) setTimeout(() => expire(id, rest - HELD_STEP), HELD_STEP);
    else get().dismissNotice(id);
  };

  return {
    notices: [],
    announcements: [],

    addNotice: (level, message, action) => {
      notices += 1;
      const notice: Notice = { id: notices, level, message, ...(action && { action }) };
      const stands = action ? UNDO_MILLISECONDS : STANDS[level];
      if (stands !== null) setTimeout(() => expire(notice.id, HELD_MILLISECONDS), stands);
      set((state) => ({
        notices: crowded([...state.notices.filter((other) => !isRepeated(notice, other)), notice]),
      }));
      get().announce(message, action !== undefined && !action.offer);
    },
    addRefusal: (cause, label, again) => {
      const error = errorState(cause);
      const action = isUnpriced(error) ? { label, run: again, offer: true as const } : undefined;
      get().addNotice(action ? "warning" : "error", errorText(error), action);
    },
    dismissNotice: (id) => {
      // A notice that disappears under the pointer may not tell that the pointer left it.
      held = false;
      set((state) => ({ notices: state.notices.filter((notice) => notice.id !== id) }));
    },
    holdNotices: (hold) => {
      held = hold;
    },

    announce: (text, undoable = false) => {
      announcements += 1;
      const next = { id: announcements, text, undoable };
      set((state) => ({ announcements: [...state.announcements, next].slice(-MAX_ANNOUNCEMENTS) }));
    },
    announceEnd: (generation) => {
      if (ended.push(generation) > 1) return;
      setTimeout(() => {
        get().announce(endsText(ended));
        ended = [];
      }, ENDS_TOGETHER);
    },
  };
};

/** Return how some generations ended: how many finished, failed for each reason, or were cancelled. */
function endsText(ended: readonly GenerationState[]): string {
  const { finished, failed, cancelled } = t.composer;
  const counts = new Map<string, [count: number, text: (count: number) => string]>();
  for (const { status, error } of ended) {
    const reason = error ? errorText(error) : "";
    const text = { success: finished, cancelled }[status as string] ?? ((count) => failed(count, reason));
    const key = `${status} ${status === "error" ? reason : ""}`;
    counts.set(key, [(counts.get(key)?.[0] ?? 0) + 1, text]);
  }
  return [...counts.values()].map(([count, text]) => text(count)).join(" ");
}

/** Return whether a notice repeats another one. Two notices with an action are never the same. */
function isRepeated(notice: Notice, other: Notice): boolean {
  return !notice.action && !other.action && notice.message === other.message;
}

/** Drop the oldest notices if there are too many. A notice with an action stays for its ten seconds. */
function crowded(notices: Notice[]): Notice[] {
  const plain = notices.filter(({ action }) => !action);
  const kept = new Set(plain.slice(-MAX_NOTICES));
  return notices.filter((notice) => notice.action || kept.has(notice));
}
