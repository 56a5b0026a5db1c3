// Workflows of ComfyUI that are dropped on the widget as files become models.
import type { NamedBlob } from "../slices/adding";
import { addFlow, LONGEST_FLOW } from "../slices/offers";
import { takeFiles } from "../slices/recipes";
import type { Reach } from "../slices/state";

const JSON_FILE = "application/json";

/** Return whether a drag carries the file of a workflow, as far as the browser tells. */
export function holdsFlow(data: DataTransfer | null): boolean {
  return [...(data?.items ?? [])].some(({ type }) => type === JSON_FILE);
}

/** Take dropped files: workflows become models, all others references. */
export function dropFiles(page: Reach, files: readonly NamedBlob[]): void {
  const flows = files.filter(isFlow);
  const others = files.filter((file) => !isFlow(file));
  for (const { name, blob } of flows) void addFile(page, name, blob);
  if (others.length > 0 || flows.length === 0) void takeFiles(page, others);
}

function isFlow({ name, blob }: NamedBlob): boolean {
  return blob.type === JSON_FILE || /\.json$/i.test(name);
}

async function addFile(page: Reach, name: string, blob: Blob): Promise<void> {
  // A character may have up to four bytes.
  const text = blob.size > 4 * LONGEST_FLOW ? null : await blob.text().catch(() => "");
  await addFlow(page, name, text);
}
