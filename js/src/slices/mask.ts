// The mask over the first reference.
import { t } from "../messages";
import type { ReferenceState } from "../protocol.gen";
import type { HeldReference } from "./references";
import type { Slice } from "./state";

/** A mask, and the digest of the reference that it was painted over. */
export interface HeldMask {
  reference: ReferenceState;
  over: string;
}

export interface MaskSlice {
  mask: HeldMask | null;
  /** The mask shall be painted as soon as the first reference is there. */
  paints: boolean;

  removeMask(): void;
  /** Remove a mask whose reference is not the first one any more, and offer Undo. `under` is its reference. */
  dropMask(under: HeldReference | undefined): void;
}

export const createMaskSlice: Slice<MaskSlice> = (set, get) => ({
  mask: null,
  paints: false,

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
