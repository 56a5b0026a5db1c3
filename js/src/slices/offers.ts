// What a picture that was brought says of how it was made: its settings, and its workflow of ComfyUI.
import { causeText } from "../lib/answer";
import { formOf, modelOf } from "../lib/parameters";
import { patternOf } from "../lib/variants";
import { t } from "../messages/adding";
import type { FoundState } from "../protocol.gen";
import type { Reach } from "./state";

/** The most characters of a workflow that the kernel takes. */
export const LONGEST_FLOW = 2_000_000;

/** Offer what the file of a picture says. Return false if there is nothing to offer. */
export function offerFound(page: Reach, name: string, found: FoundState): boolean {
  const { addNotice } = page.store.getState();
  const { workflow, prompt, here, tool } = found;
  if (prompt !== null) {
    const { madeHere, foundInside, useSettings, useRecipe } = t.references;
    const run = (): void => take(page, found, prompt);
    addNotice("info", here ? madeHere : foundInside(tool), {
      label: here ? useSettings : useRecipe,
      run,
      offer: true,
    });
  }
  if (workflow !== null) {
    const run = (): void => void addFlow(page, name, workflow);
    addNotice("info", t.references.flowInside(name), { label: t.references.flowAdd, run, offer: true });
  }
  return prompt !== null || workflow !== null;
}

/** Take over a recipe; where its model is not offered, the prompt and the size. */
function take({ store }: Reach, found: FoundState, prompt: string): void {
  const { models, config, reuseRecipe, setPrompt, setParameters, addNotice } = store.getState();
  const { model, modelTitle, requested, references, mask, width, height } = found;
  if (modelOf(models, model) || found.here) {
    reuseRecipe({ prompt, model, modelTitle, requested, references, mask });
    return;
  }
  setPrompt(patternOf(prompt));
  const form = formOf(modelOf(models, config.model));
  const edges = [
    [form.width, width],
    [form.height, height],
  ] as const;
  const sized = edges.every(([edge, pixels]) => edge && pixels !== null && fits(edge, pixels));
  if (sized) setParameters(Object.fromEntries(edges.map(([edge, pixels]) => [edge?.name ?? "", pixels])));
  addNotice("warning", (sized ? t.references.onlySize : t.references.onlyPrompt)(modelTitle));
}

function fits(edge: { minimum: number | null; maximum: number | null }, pixels: number): boolean {
  return pixels >= (edge.minimum ?? 0) && pixels <= (edge.maximum ?? Number.POSITIVE_INFINITY);
}

/** Let the kernel keep a workflow as a model, and choose the model. */
export async function addFlow(page: Reach, name: string, text: string | null): Promise<void> {
  const actions = page.store.getState();
  const failed = (why: string): void => actions.addNotice("warning", t.references.flowFailed(name, why));
  if (text === null || text.length > LONGEST_FLOW) return failed(t.references.flowLarge);
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
