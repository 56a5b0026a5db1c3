// What the core lets users drag: batches to a topic, and finished images.

const BATCHES = "application/x-imgplay-batch";
export const GENERATION = "application/x-imgplay-generation";

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

/** Return what was dropped, as texts. It may be anything, from any application. */
export function dragged({ dataTransfer }: DragEvent, type: string): string[] {
  try {
    const texts: unknown = JSON.parse(dataTransfer?.getData(type) ?? "");
    return Array.isArray(texts) ? texts.filter((text) => typeof text === "string") : [];
  } catch {
    return [];
  }
}
