// Editing an image: it becomes the only reference of the prompt, which is empty.
import { focusOn } from "../lib/focus";
import { modelOf } from "../lib/parameters";
import { type Candidate, problemOf } from "../lib/references";
import { t } from "../messages/edit";
import type { GenerationState, ModelState } from "../protocol.gen";
import { addImage } from "../slices/adding";
import { shownDraft } from "../slices/drafts";
import type { State } from "../store";
import type { Page } from "./context";

/**
 * Let the user describe a change of an image. If the chosen model does not take the image, nothing changes, and one
 * that does is offered.
 * @param at an element of the studio whose prompt gets the focus
 */
export function editImage(page: Page, generation: GenerationState, at: Element | null): void {
  const state = page.store.getState();
  const picture = { mediaType: generation.mediaType, bytes: null };
  const problem = problemOf(picture, 0, modelOf(state.models, state.config.model));
  const studio = at?.closest(".imgplay");
  const start = (model: string): void => {
    begin(page, generation, model);
    focusOn(studio?.querySelector<HTMLElement>('[data-testid="prompt"]'));
  };
  if (problem === null) {
    start(state.config.model);
    return;
  }
  const other = takerOf(state, picture);
  if (!other) state.addNotice("warning", `${problem} ${t.edit.nobody}`);
  else
    state.addNotice("info", problem, {
      label: t.edit.use(other.title),
      run: () => start(other.name),
      offer: true,
    });
}

/** Begin to edit an image. One notice takes the whole step back. */
function begin(page: Page, generation: GenerationState, model: string): void {
  const { getState } = page.store;
  const { activeTopicId, references, mask, config, ...actions } = getState();
  const { prompt } = shownDraft(getState());
  if (model !== config.model) actions.chooseModel(model);
  actions.putReferences([], null);
  actions.setPrompt("");
  addImage(page, generation);
  const undo = async (): Promise<void> => {
    if (getState().activeTopicId !== activeTopicId) await actions.selectTopic(activeTopicId);
    if (getState().config.model === model) actions.chooseModel(config.model);
    actions.setPrompt(prompt);
    actions.putReferences(references, mask);
  };
  actions.addNotice("info", t.edit.begun(generation.position + 1), {
    label: t.notice.undo,
    run: () => void undo(),
  });
}

/** Return a model that takes a picture and can be used now: of the same provider, or one that the user knows. */
function takerOf({ models, providers, config }: State, picture: Candidate): ModelState | undefined {
  const provider = modelOf(models, config.model)?.provider;
  const usable = new Set(providers.filter(({ key }) => key !== "missing").map(({ name }) => name));
  const known = [...config.starredModels, ...config.recentModels];
  const rank = (model: ModelState): number =>
    Number(model.provider !== provider) * 2 + Number(!known.includes(model.name));
  return models
    .filter((model) => usable.has(model.provider) && model.retiredOn === null)
    .filter((model) => problemOf(picture, 0, model) === null)
    .sort((one, other) => rank(one) - rank(other))[0];
}
