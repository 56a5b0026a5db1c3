import type { StoreApi } from "zustand/vanilla";
import type { Send } from "../lib/answer";
import type { Connection } from "../lib/connection";
import type { Look } from "../lib/theme";
import type { Language } from "../messages";
import type { BatchActionsSlice } from "./batch-actions";
import type { BatchesSlice } from "./batches";
import type { ConfigSlice } from "./config";
import type { CreateSlice } from "./create";
import type { DeletionsSlice } from "./deletions";
import type { DraftsSlice } from "./drafts";
import type { FeedPagesSlice } from "./feed-pages";
import type { FilterSlice } from "./filter";
import type { Gallery } from "./gallery";
import type { ImprovingSlice } from "./improving";
import type { MaskSlice } from "./mask";
import type { NoticesSlice } from "./notices";
import type { PromptsSlice } from "./prompts";
import type { ProvidersSlice } from "./providers";
import type { QueueSlice } from "./queue";
import type { ReferencesSlice } from "./references";
import type { ReuseSlice } from "./reuse";
import type { SelectionSlice } from "./selection";
import type { SizesSlice } from "./sizes";
import type { Sweeps } from "./sweeps";
import type { TopicListSlice } from "./topic-list";
import type { TopicsSlice } from "./topics";

/** The part of the state that belongs to no slice. */
export interface PageState {
  connection: Connection;
  look: Look;
  /** The language that is shown. With another language everything is drawn anew. */
  language: Language;
  /** A snapshot is shown. */
  shown: boolean;
  /** The kernel itself has answered, and is not lost. */
  live: boolean;
  /** Something is shown, and the kernel is not lost: what the user does is done, or waits for the kernel. */
  usable: boolean;
  /** How many clicks wait while the kernel does not answer. */
  clicks: number;
  /** Grows when presets may have changed. */
  presetsAge: number;
  /** The gallery, while it stands in the place of the feed. */
  gallery: Gallery | null;
  /** The sweeps, once the card of one was drawn. */
  sweeps?: Sweeps;
  /** The way to the kernel, for what a part asks. */
  send: Send;
}

export type State = PageState &
  ConfigSlice &
  SizesSlice &
  ProvidersSlice &
  TopicsSlice &
  TopicListSlice &
  BatchesSlice &
  FeedPagesSlice &
  BatchActionsSlice &
  DeletionsSlice &
  DraftsSlice &
  PromptsSlice &
  ImprovingSlice &
  QueueSlice &
  FilterSlice &
  SelectionSlice &
  CreateSlice &
  ReuseSlice &
  NoticesSlice &
  ReferencesSlice &
  MaskSlice;

/**
 * A page, as an action needs it that only a part calls. Such an action is a function of its own, so that its code is in
 * the part.
 */
export interface Reach {
  readonly store: StoreApi<State>;
  readonly send: Send;
}

/** A slice gets the store's `set` and `get`, and the way to the kernel. */
export type Slice<Part> = (
  set: StoreApi<State>["setState"],
  get: StoreApi<State>["getState"],
  send: Send,
) => Part;
