// One store for each model, made of its slices. It knows neither the DOM nor the widget model.
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Send } from "./lib/answer";
import { type Connection, isLost } from "./lib/connection";
import { askedNames } from "./lib/several";
import { patternOf } from "./lib/variants";
import { language } from "./messages";
import type { Event as KernelEvent, Snapshot } from "./protocol.gen";
import { createBatchActionsSlice } from "./slices/batch-actions";
import { createBatchesSlice } from "./slices/batches";
import { createConfigSlice, joined } from "./slices/config";
import { createCreateSlice, type Refusal } from "./slices/create";
import { createDeletionsSlice } from "./slices/deletions";
import { createDraftsSlice } from "./slices/drafts";
import { createFeedPagesSlice, refreshed } from "./slices/feed-pages";
import { createFilterSlice } from "./slices/filter";
import { createImprovingSlice } from "./slices/improving";
import { createMaskSlice } from "./slices/mask";
import { createNoticesSlice } from "./slices/notices";
import { createPromptsSlice } from "./slices/prompts";
import { createProvidersSlice } from "./slices/providers";
import { createQueueSlice } from "./slices/queue";
import { createReferencesSlice } from "./slices/references";
import { createReuseSlice } from "./slices/reuse";
import { createSelectionSlice } from "./slices/selection";
import { createSizesSlice } from "./slices/sizes";
import type { State } from "./slices/state";
import { createTopicListSlice } from "./slices/topic-list";
import { createTopicsSlice } from "./slices/topics";

export type { State } from "./slices/state";
export type Store = StoreApi<State>;

export function createPageStore(send: Send): Store {
  return createStore<State>()((set, get) => ({
    connection: "connecting",
    language: language(),
    look: { theme: "auto", height: null },
    clicks: 0,
    shown: false,
    live: false,
    usable: false,
    presetsAge: 0,
    gallery: null,
    send,
    ...createConfigSlice(set, get, send),
    ...createSizesSlice(set, get, send),
    ...createProvidersSlice(set, get, send),
    ...createTopicsSlice(set, get, send),
    ...createTopicListSlice(set, get, send),
    ...createBatchesSlice(set, get, send),
    ...createFeedPagesSlice(set, get, send),
    ...createBatchActionsSlice(set, get, send),
    ...createDeletionsSlice(set, get, send),
    ...createDraftsSlice(set, get, send),
    ...createPromptsSlice(set, get, send),
    ...createImprovingSlice(set, get, send),
    ...createQueueSlice(set, get, send),
    ...createFilterSlice(set, get, send),
    ...createSelectionSlice(set, get, send),
    ...createCreateSlice(set, get, send),
    ...createReuseSlice(set, get, send),
    ...createNoticesSlice(set, get, send),
    ...createReferencesSlice(set, get, send),
    ...createMaskSlice(set, get, send),
  }));
}

/** Take in the state of the connection, and how many clicks wait. Where the kernel is lost, the page is read-only. */
export function showConnection(store: Store, connection: Connection, clicks = 0): void {
  const lost = isLost({ connection });
  store.setState(({ live, shown }) => ({ connection, clicks, live: live && !lost, usable: shown && !lost }));
}

/**
 * Show a snapshot. The page can be used from then on, unless it has no kernel.
 *
 * @param live whether the snapshot is an answer of the kernel
 * @param choices how many choices of a topic were counted when the snapshot was asked for: it knows no later ones
 * @param asked the number of the question (see `askDrafts`)
 */
export function showSnapshot(
  store: Store,
  snapshot: Snapshot,
  live: boolean,
  choices = store.getState().choices,
  asked?: number,
): void {
  const { models, providers, maxCount, activeTopicId, feed, config, draft, spending } = snapshot;
  const { batches, topicTold, receiveTopics } = store.getState();
  topicTold(activeTopicId, choices);
  // Notebooks of older versions do not tell whether there are more topics.
  receiveTopics(snapshot.topics, snapshot.topicsBefore ?? null);
  store.setState((state) => ({
    models: joined(state.catalog, models),
    providers,
    maxCount,
    // Missing in notebooks of older versions.
    spending: spending ?? state.spending,
    ...refreshed(state, feed),
    progress: {},
    shown: true,
    live: live || state.live,
    usable: !isLost(state),
  }));
  const state = store.getState();
  state.receiveConfig(config);
  state.receiveDraft(activeTopicId, draft, asked);
  if (!live) return;
  state.receiveSelection(snapshot.selected);
  state.scheduleConfig();
  void state.checkTopics();
  state.saveDraft();
  void state.catchUp(batches);
}

/** Take in one event. The bridge handles `store_changed` and `models_changed`: it asks for a snapshot. */
export function receive(store: Store, event: KernelEvent): void {
  const state = store.getState();
  switch (event.type) {
    case "batch_added":
      state.addBatch(event.batch);
      state.queueBatch(event.batch);
      state.notePrompt(patternOf(event.batch.prompt));
      break;
    case "batch_changed":
      state.changeBatch(event.batch);
      state.queueBatch(event.batch);
      break;
    case "sweep_changed":
      state.sweeps?.receive(event.sweep);
      break;
    case "generation_changed":
      state.queueGeneration(event.generation);
      state.changeGeneration(event.generation);
      break;
    case "generation_progress":
      state.changeProgress(event);
      break;
    case "generation_removed":
      state.unqueue(event.batchId, event.generationId);
      state.removeGeneration(event.batchId, event.generationId);
      break;
    case "batch_removed":
      state.unqueue(event.batchId);
      state.removeBatch(event.batchId);
      break;
    case "topic_changed":
      state.changeTopic(event.topic);
      break;
    case "topic_removed":
      for (const { id } of state.queue.filter(({ topicId }) => topicId === event.topicId)) state.unqueue(id);
      state.removeTopic(event.topicId);
      break;
    case "topic_selected":
      state.topicSelected(event.topicId);
      break;
    case "config_changed":
      state.receiveConfig(event.config);
      // Code may choose a model that no provider lists.
      for (const name of askedNames(event.config)) void state.learnModel(name);
      break;
    case "selection_changed":
      state.receiveSelection(event.generationIds);
      break;
    case "notice_shown":
      state.addNotice(event.level, event.message);
      break;
    case "spending_changed":
      // A request that was refused because of the budget may be possible now.
      if (event.spending.budget !== state.spending.budget && isForBudget(state.refusal))
        state.dismissRefusal();
      store.setState({ spending: event.spending });
      break;
    case "draft_changed":
      state.receiveDraft(event.topicId, event.draft);
      break;
    case "store_changed":
    case "presets_changed":
      store.setState({ presetsAge: state.presetsAge + 1 });
      break;
    case "models_changed":
      break;
  }
}

/** Return whether there may be a gallery. A kernel has its images; without one, a gallery that is open stays. */
export function isGalleryOffered({ topics, usable, gallery }: State): boolean {
  return topics.length > 0 && Boolean(usable || gallery);
}

/** Return whether a click was refused because of the budget. */
function isForBudget(refusal: Refusal | null): boolean {
  return refusal?.code === "over_budget" || refusal?.code === "price_unknown";
}
