// Workflows of ComfyUI that are dropped on the widget, as a file or inside a picture, become models.
import { causeText } from "../lib/answer";
import { pngTexts } from "../lib/png-texts";
import { t } from "../messages/tools";
import type { NamedBlob } from "../slices/adding";
import { takeFiles } from "../slices/recipes";
import type { Reach } from "../slices/state";

/** The most characters of a workflow that the kernel takes. */
const LONGEST = 2_000_000;

/** The texts in which ComfyUI keeps a workflow: the graph that ran, and the drawing of the editor. */
const TEXTS = ["prompt", "workflow"];

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
  if (others.length === 1 && others[0]) void offerFlow(page, others[0]);
}

function isFlow({ name, blob }: NamedBlob): boolean {
  return blob.type === JSON_FILE || /\.json$/i.test(name);
}

async function addFile(page: Reach, name: string, blob: Blob): Promise<void> {
  // A character may have up to four bytes.
  const text = blob.size > 4 * LONGEST ? null : await blob.text().catch(() => "");
  await add(page, name, text);
}

/** Offer the workflow inside a picture that was dropped. The picture itself is a reference, as any other one. */
async function offerFlow(page: Reach, { name, blob }: NamedBlob): Promise<void> {
  const texts = await pngTexts(blob).catch(() => ({}) as Record<string, string>);
  const text = TEXTS.map((one) => texts[one]).find((one) => one?.trimStart().startsWith("{"));
  if (text === undefined) return;
  const run = (): void => void add(page, name, text);
  page.store
    .getState()
    .addNotice("info", t.references.flowInside(name), { label: t.references.flowAdd, run, offer: true });
}

async function add(page: Reach, name: string, text: string | null): Promise<void> {
  const actions = page.store.getState();
  const failed = (why: string): void => actions.addNotice("warning", t.references.flowFailed(name, why));
  if (text === null || text.length > LONGEST) return failed(t.references.flowLarge);
  try {
    const { result } = await page.send({ method: "add_workflow", name, text });
    if (result.type !== "model") return;
    const { model } = result;
    await actions.learnModel(model.name);
    actions.chooseModel(model.name);
    actions.addNotice("info", t.references.flowAdded(model.title));
  } catch (cause) {
    failed(causeText(cause));
  }
}
