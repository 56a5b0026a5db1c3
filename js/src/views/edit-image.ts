// Editing an image: it becomes the only reference of the prompt, which is empty. What made the image is kept.
import { focusOn } from "../lib/focus";
import { fits, formOf, modelOf, type Values } from "../lib/parameters";
import { type Candidate, problemOf } from "../lib/references";
import { t } from "../messages/edit";
import type { BatchState, GenerationState, ModelState } from "../protocol.gen";
import { addImage } from "../slices/adding";
import { shownDraft } from "../slices/drafts";
import type { State } from "../store";
import type { Page } from "./context";

/**
 * Let the user describe a change of an image, with the model, the parameters and the seed that made it. If its model does
 * not take the image, nothing changes, and one that does is offered.
 * @param at an element of the studio whose prompt gets the focus
 */
export function editImage(
  page: Page,
  batch: BatchState,
  generation: GenerationState,
  at: Element | null,
): void {
  const state = page.store.getState();
  const picture = { mediaType: generation.mediaType, bytes: null };
  const own = modelOf(state.models, batch.model);
  const problem = own ? problemOf(picture, 0, own) : t.edit.modelGone(batch.modelTitle);
  const studio = at?.closest(".imgplay");
  const start = (model: ModelState): void => {
    begin(page, batch, generation, model);
    focusOn(studio?.querySelector<HTMLElement>('[data-testid="prompt"]'));
  };
  if (own && problem === null) {
    start(own);
    return;
  }
  const message = problem ?? "";
  const other = takerOf(state, batch, picture);
  if (!other) state.addNotice("warning", `${message} ${t.edit.nobody}`);
  else
    state.addNotice("info", message, {
      label: t.edit.use(other.title),
      run: () => start(other),
      offer: true,
    });
}

/** Let the user paint over an image what a model shall change, and describe it. */
export function beginPainting(
  page: Page,
  batch: BatchState,
  generation: GenerationState,
  model: ModelState,
  at: Element | null,
): void {
  begin(page, batch, generation, model, "inpaint");
  page.store.setState({ paints: true });
  focusOn(at?.closest(".imgplay")?.querySelector<HTMLElement>('[data-testid="prompt"]'));
}

/** Begin to edit an image. One notice takes the whole step back. */
function begin(
  page: Page,
  batch: BatchState,
  generation: GenerationState,
  model: ModelState,
  action: "edit" | "inpaint" = "edit",
): void {
  const { getState } = page.store;
  const { activeTopicId, references, mask, config, ...actions } = getState();
  const { prompt } = shownDraft(getState());
  // An edit is one request of one model.
  for (const name of config.alsoModels) actions.toggleAlso(name);
  if (model.name !== config.model) actions.chooseModel(model.name);
  actions.resetParameters();
  actions.setParameters(keptOf(batch, generation, model));
  actions.putReferences([], null);
  actions.setPrompt("");
  addImage(page, generation, action);
  const undo = async (): Promise<void> => {
    if (getState().activeTopicId !== activeTopicId) await actions.selectTopic(activeTopicId);
    // The user may have chosen another model meanwhile.
    if (getState().config.model === model.name) {
      const { model: name, alsoModels, params } = config;
      actions.changeConfig({ model: name, alsoModels, params });
    }
    actions.setPrompt(prompt);
    actions.putReferences(references, mask);
  };
  actions.addNotice("info", t.edit.begun(generation.position + 1), {
    label: t.notice.undo,
    run: () => void undo(),
  });
}

/**
 * Return the parameters that an edit keeps: those that were asked for and that the model takes, and the seed of the
 * image. A model that gives an image the size of its reference gets no size. The kernel keeps the same (`kept_params`).
 */
function keptOf(batch: BatchState, { seed }: GenerationState, model: ModelState): Values {
  const { width, height, seed: seedParameter } = formOf(model);
  const kept: Values = {};
  for (const parameter of model.parameters) {
    const value = batch.params[parameter.name];
    if (value !== undefined && value !== null && fits(parameter, value)) kept[parameter.name] = value;
  }
  if (width && height && (model.references?.givesSize || !(width.name in kept) || !(height.name in kept))) {
    delete kept[width.name];
    delete kept[height.name];
  }
  if (seedParameter && seed !== null && fits(seedParameter, seed)) kept[seedParameter.name] = seed;
  return kept;
}

/** Return a model that takes a picture and can be used now: of the same provider, or one that the user knows. */
function takerOf(
  { models, providers, config }: State,
  { provider }: BatchState,
  picture: Candidate,
): ModelState | undefined {
  const usable = new Set(providers.filter(({ key }) => key !== "missing").map(({ name }) => name));
  const known = [config.model, ...config.starredModels, ...config.recentModels];
  const rank = (model: ModelState): number =>
    Number(model.provider !== provider) * 2 + Number(!known.includes(model.name));
  return models
    .filter((model) => usable.has(model.provider) && model.retiredOn === null && model.prompt !== "none")
    .filter((model) => problemOf(picture, 0, model) === null)
    .sort((one, other) => rank(one) - rank(other))[0];
}
