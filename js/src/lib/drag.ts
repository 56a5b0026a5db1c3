// What is dragged within the page: batches to a topic, images to the references, references among themselves.

const BATCHES = "application/x-imgplay-batch";
const GENERATION = "application/x-imgplay-generation";
const REFERENCE = "application/x-imgplay-reference";

/** Begin to drag batches. */
export function dragBatches(event: DragEvent, ids: readonly string[]): void {
  if (!event.dataTransfer) return;
  event.dataTransfer.setData(BATCHES, JSON.stringify(ids));
  event.dataTransfer.effectAllowed = "copyMove";
}

/** Return whether batches are dragged. Which batches is known only when they are dropped. */
export function isBatchDrag(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes(BATCHES) ?? false;
}

/** Return the batches that were dropped. */
export function draggedBatches(event: DragEvent): string[] {
  return dragged(event, BATCHES);
}

/** Begin to drag a finished image. */
export function dragGeneration({ dataTransfer }: DragEvent, batchId: string, id: string): void {
  if (!dataTransfer) return;
  dataTransfer.setData(GENERATION, JSON.stringify([batchId, id]));
  dataTransfer.effectAllowed = "copy";
}

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

/** Return what was dropped, as texts. It may be anything, from any application. */
function dragged({ dataTransfer }: DragEvent, type: string): string[] {
  try {
    const texts: unknown = JSON.parse(dataTransfer?.getData(type) ?? "");
    return Array.isArray(texts) ? texts.filter((text) => typeof text === "string") : [];
  } catch {
    return [];
  }
}
