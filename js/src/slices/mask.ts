// The mask over the first reference.
import { errorState } from "../lib/answer";
import { upload } from "../lib/upload";
import { t } from "../messages";
import type { ErrorState, ReferenceState } from "../protocol.gen";
import type { HeldReference } from "./references";
import type { Slice } from "./state";

/** A mask, and the digest of the reference that it was painted over. */
export interface HeldMask {
  reference: ReferenceState;
  over: string;
}

export interface MaskSlice {
  mask: HeldMask | null;

  /** Upload a mask over the first reference. Return the error if that fails. */
  saveMask(blob: Blob, signal: AbortSignal): Promise<ErrorState | null>;
  removeMask(): void;
  /** Remove a mask whose reference is not the first one any more, and offer Undo. `under` is its reference. */
  dropMask(under: HeldReference | undefined): void;
}

export const createMaskSlice: Slice<MaskSlice> = (set, get, send) => ({
  mask: null,

  saveMask: async (blob, signal) => {
    const over = get().references[0]?.reference?.digest;
    if (!over) return null;
    try {
      const reference = await upload({ blob, purpose: "mask", send, signal });
      // The reference may have been removed while the mask was on its way.
      if (get().references[0]?.reference?.digest === over) set({ mask: { reference, over } });
      get().scheduleDraft();
      return null;
    } catch (cause) {
      return signal.aborted ? null : errorState(cause);
    }
  },
  removeMask: () => {
    set({ mask: null });
    get().scheduleDraft();
  },
  dropMask: (under) => {
    const { mask } = get();
    if (!mask) return;
    set({ mask: null });
    get().addNotice("info", t.mask.dropped, {
      label: t.notice.undo,
      run: () => {
        const rest = get().references.filter((item) => item.reference?.digest !== mask.over);
        set({ references: under ? [under, ...rest] : rest, mask: under ? mask : null });
        get().scheduleDraft();
      },
    });
  },
});
