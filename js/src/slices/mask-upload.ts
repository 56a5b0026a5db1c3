// A mask on its way to the kernel.
import { errorState } from "../lib/answer";
import { upload } from "../lib/upload";
import type { ErrorState } from "../protocol.gen";
import type { Reach } from "./state";

/** Upload a mask over the first reference. Return the error if that fails. */
export async function saveMask(
  { store, send }: Reach,
  blob: Blob,
  signal: AbortSignal,
): Promise<ErrorState | null> {
  const first = (): string | undefined => store.getState().references[0]?.reference?.digest;
  const over = first();
  if (!over) return null;
  try {
    const { reference } = await upload({ blob, purpose: "mask", send, signal });
    // The reference may have been removed while the mask was on its way.
    if (reference && first() === over) store.setState({ mask: { reference, over } });
    store.getState().scheduleDraft();
    return null;
  } catch (cause) {
    return signal.aborted ? null : errorState(cause);
  }
}
