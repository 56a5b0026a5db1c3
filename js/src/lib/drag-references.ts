// The drag of files and images onto the references, and of references into another order.
import { dragged, GENERATION } from "./drag";

const REFERENCE = "application/x-imgplay-reference";

/** Return whether a finished image is dragged. */
export function isGenerationDrag({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes(GENERATION) ?? false;
}

/** Return the ids of the batch and of the image that was dropped. */
export function draggedGeneration(event: DragEvent): [batchId: string, id: string] | null {
  const [batchId, id] = dragged(event, GENERATION);
  return batchId !== undefined && id !== undefined ? [batchId, id] : null;
}

/** Begin to drag a reference to another place. */
export function dragReference({ dataTransfer }: DragEvent, key: number): void {
  dataTransfer?.setData(REFERENCE, JSON.stringify([String(key)]));
}

/** Return whether a reference is dragged. */
export function isReferenceDrag({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes(REFERENCE) ?? false;
}

/** Return the key of the reference that was dropped. */
export function draggedReference(event: DragEvent): number | null {
  const [key] = dragged(event, REFERENCE);
  return key === undefined ? null : Number(key);
}
