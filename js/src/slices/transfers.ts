// The references on their way to the kernel.
import { causeText, type Send } from "../lib/answer";
import { UnreadableFile, upload } from "../lib/upload";
import { t } from "../messages/adding";
import type { FoundState, ReferenceState } from "../protocol.gen";

/** The source of a reference, as long as the page knows it: for its picture, and to try again. */
export type Source =
  | { kind: "file"; blob: Blob; alone: boolean }
  | { kind: "generation"; id: string }
  | { kind: "link"; url: string }
  | { kind: "kernel" };

/** What became of a reference that was on its way. */
export type Outcome = ReferenceState | "failed" | "removed";

/** A reference to be brought to the kernel. */
interface Sent {
  key: number;
  source: Source;
}

/** What the transfers report. */
interface Told {
  /** The share of a file that has arrived, 0 to 1. */
  progress(key: number, share: number): void;
  arrived(key: number, reference: ReferenceState): void;
  /** What a file says of how it was made, which came alone. */
  found(key: number, found: FoundState): void;
  failed(key: number, error: string): void;
}

export interface Transfers {
  begin(item: Sent): void;
  stop(key: number): void;
  /** Return the outcome of a transfer, undefined if the reference is not on its way. */
  outcome(key: number): Promise<Outcome> | undefined;
}

export function createTransfers(send: Send, told: Told): Transfers {
  const running = new Map<number, { ended: AbortController; done: Promise<Outcome> }>();

  const obtain = async (item: Sent, signal: AbortSignal): Promise<ReferenceState> => {
    const { key, source } = item;
    if (source.kind === "file") {
      const onProgress = (share: number): void => told.progress(key, share);
      const taken = await upload({ blob: source.blob, purpose: "reference", send, signal, onProgress });
      if (!taken.reference) throw new Error("the answer holds no reference");
      if (taken.found && source.alone) told.found(key, taken.found);
      return taken.reference;
    }
    if (source.kind === "kernel") throw new Error("it is there already");
    const value = source.kind === "link" ? source.url : source.id;
    const { result } = await send({ method: "take_reference", source: source.kind, value });
    signal.throwIfAborted();
    if (result.type !== "reference_taken") throw new Error("the answer holds no reference");
    return result.reference;
  };

  const begin = (item: Sent): void => {
    const { key } = item;
    const ended = new AbortController();
    const work = async (): Promise<Outcome> => {
      try {
        const reference = await obtain(item, ended.signal);
        told.arrived(key, reference);
        return reference;
      } catch (cause) {
        if (ended.signal.aborted) return "removed";
        const error = cause instanceof UnreadableFile ? t.references.unreadable : causeText(cause);
        told.failed(key, error);
        return "failed";
      } finally {
        if (running.get(key)?.ended === ended) running.delete(key);
      }
    };
    running.set(key, { ended, done: work() });
  };

  const stop = (key: number): void => {
    running.get(key)?.ended.abort();
    running.delete(key);
  };

  return { begin, stop, outcome: (key) => running.get(key)?.done };
}
