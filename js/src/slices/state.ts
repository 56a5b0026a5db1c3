import type { StoreApi } from "zustand/vanilla";
import type { Send } from "../lib/answer";
import type { BatchesSlice } from "./batches";
import type { ConfigSlice } from "./config";
import type { CreateSlice } from "./create";
import type { DraftsSlice } from "./drafts";
import type { FilterSlice } from "./filter";
import type { QueueSlice } from "./queue";
import type { ReferencesSlice } from "./references";
import type { SelectionSlice } from "./selection";
import type { TopicsSlice } from "./topics";

/** Whether the kernel answers: not heard of yet, answering, or silent while something is asked. */
export type Connection = "connecting" | "ready" | "waiting";

/** What belongs to no slice: how the page stands to the kernel. */
export interface Standing {
  connection: Connection;
  /** A snapshot is shown. */
  shown: boolean;
  /** The kernel itself has answered; before that, the page is read-only. */
  live: boolean;
}

export type State = Standing &
  ConfigSlice &
  TopicsSlice &
  BatchesSlice &
  DraftsSlice &
  QueueSlice &
  FilterSlice &
  SelectionSlice &
  CreateSlice &
  ReferencesSlice;

/** A slice gets the store's `set` and `get`, and the way to the kernel. */
export type Slice<Part> = (
  set: StoreApi<State>["setState"],
  get: StoreApi<State>["getState"],
  send: Send,
) => Part;
