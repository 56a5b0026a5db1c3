import type { HeldReference } from "../slices/references";

export function MaskPainter(_: { item: HeldReference; onClose(): void }) {
  return null;
}
