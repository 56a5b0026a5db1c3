// What is dragged within the page: batches, from the feed to a topic.

const BATCHES = "application/x-imgplay-batch";

/** Begins to drag batches. */
export function dragBatches(event: DragEvent, ids: readonly string[]): void {
  if (!event.dataTransfer) return;
  event.dataTransfer.setData(BATCHES, JSON.stringify(ids));
  event.dataTransfer.effectAllowed = "copyMove";
}

/** Whether batches are dragged. What they are is told only when they are dropped. */
export function isBatchDrag(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes(BATCHES) ?? false;
}

/** The batches that were dropped. Anybody can drop anything here. */
export function draggedBatches(event: DragEvent): string[] {
  try {
    const ids: unknown = JSON.parse(event.dataTransfer?.getData(BATCHES) ?? "");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}
