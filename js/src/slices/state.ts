import type { StoreApi } from "zustand/vanilla";
import type { Send } from "../lib/answer";
import type { BatchesSlice } from "./batches";
import type { ConfigSlice } from "./config";
import type { CreateSlice } from "./create";
import type { DraftsSlice } from "./drafts";
import type { FilterSlice } from "./filter";
import type { NoticesSlice } from "./notices";
import type { QueueSlice } from "./queue";
import type { RecipesSlice } from "./recipes";
import type { ReferencesSlice } from "./references";
import type { SelectionSlice } from "./selection";
import type { TopicListSlice } from "./topic-list";
import type { TopicsSlice } from "./topics";

/**
 * Whether the kernel answers: not heard of yet; answering; silent while something is asked (`waiting`), because it
 * computes (`busy`), because it ended or no longer knows this widget (`gone`), because the way to it is cut
 * (`offline`), or because there is none (`none`).
 */
export type Connection = "connecting" | "ready" | "waiting" | "busy" | "gone" | "offline" | "none";

/** How the page is to look, as code or the user has set it. */
export interface Look {
  theme: "auto" | "dark" | "light";
  /** Pixels; null is the automatic height. */
  height: number | null;
}

/** What belongs to no slice: how the page stands to the kernel. */
export interface Standing {
  connection: Connection;
  look: Look;
  /** A snapshot is shown. */
  shown: boolean;
  /** The kernel itself has answered; before that, the page is read-only. */
  live: boolean;
}

export type State = Standing &
  ConfigSlice &
  TopicsSlice &
  TopicListSlice &
  BatchesSlice &
  DraftsSlice &
  QueueSlice &
  FilterSlice &
  SelectionSlice &
  CreateSlice &
  NoticesSlice &
  RecipesSlice &
  ReferencesSlice;

/** A slice gets the store's `set` and `get`, and the way to the kernel. */
export type Slice<Part> = (
  set: StoreApi<State>["setState"],
  get: StoreApi<State>["getState"],
  send: Send,
) => Part;
