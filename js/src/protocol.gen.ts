// Generated from _protocol.py by scripts/protocol_types.py. Don't edit.

export type Call =
  | Hello
  | Generate
  | Cancel
  | Retry
  | Delete
  | RenameTopic
  | SelectTopic
  | Feed
  | Thumbnails
  | Covers
  | Original
  | Model
  | CheckProvider
  | SetKey
  | Configure;
export type Event =
  | BatchAdded
  | GenerationChanged
  | GenerationProgress
  | GenerationRemoved
  | BatchRemoved
  | TopicChanged
  | TopicRemoved
  | TopicSelected
  | ConfigChanged
  | StoreChanged
  | ModelsChanged
  | NoticeShown;
export type KernelMessage = Reply | Events;
export type Result =
  | Empty
  | Generated
  | SnapshotResult
  | FeedResult
  | ThumbnailList
  | CoverList
  | OriginalImage
  | ModelResult
  | ProviderChecked
  | KeyTaken;
export type PageMessage = PageRequest | Ack;

export interface Ack {
  kind: "ack";
  seq: number;
}
export interface BatchAdded {
  type: "batch_added";
  batch: BatchState;
}
export interface BatchState {
  id: string;
  topicId: string;
  provider: string;
  model: string;
  modelTitle: string;
  prompt: string;
  params: {
    [k: string]: string | boolean | number | null;
  };
  width: number | null;
  height: number | null;
  createdAt: number;
  cost: string | null;
  generations: GenerationState[];
}
export interface GenerationState {
  id: string;
  batchId: string;
  position: number;
  status: "pending" | "processing" | "success" | "error" | "cancelled";
  seed: number | null;
  width: number | null;
  height: number | null;
  mediaType: string | null;
  error: ErrorState | null;
  differences: Difference[];
  cancellable: boolean;
  startedAt: number | null;
  finishedAt: number | null;
  thumbnailBuffer: number | null;
}
export interface ErrorState {
  code: string;
  message: string;
  nextStep: string;
  fault: "you" | "provider" | "network" | "here";
  provider: string | null;
  retryable: boolean;
  retryAfter: number | null;
  requestId: string | null;
}
export interface Difference {
  parameter: string;
  requested: string | boolean | number | null;
  applied: string | boolean | number | null;
}
export interface BatchRemoved {
  type: "batch_removed";
  batchId: string;
  topicId: string;
}
export interface Hello {
  method: "hello";
  protocol: number;
}
export interface Generate {
  method: "generate";
  model: string;
  prompt: string;
  n: number;
  params: {
    [k: string]: string | boolean | number | null;
  };
  topicId: string | null;
}
export interface Cancel {
  method: "cancel";
  batchId: string;
  generationId: string | null;
}
export interface Retry {
  method: "retry";
  batchId: string;
  generationId: string | null;
}
export interface Delete {
  method: "delete";
  what: "topic" | "batch" | "generation";
  id: string;
}
export interface RenameTopic {
  method: "rename_topic";
  topicId: string;
  title: string;
}
export interface SelectTopic {
  method: "select_topic";
  topicId: string | null;
}
export interface Feed {
  method: "feed";
  topicId: string;
  before: string | null;
  limit: number;
}
export interface Thumbnails {
  method: "thumbnails";
  /**
   * @maxItems 64
   */
  generationIds: string[];
}
export interface Covers {
  method: "covers";
  /**
   * @maxItems 64
   */
  topicIds: string[];
}
export interface Original {
  method: "original";
  generationId: string;
}
export interface Model {
  method: "model";
  name: string;
}
export interface CheckProvider {
  method: "check_provider";
  provider: string;
}
export interface SetKey {
  method: "set_key";
  provider: string;
  key: string;
  remember: boolean;
}
export interface Configure {
  method: "configure";
  config: Config;
}
export interface Config {
  model: string;
  count: number;
  params: {
    [k: string]: {
      [k: string]: string | boolean | number | null;
    };
  };
  ratioLocked: boolean;
  panels: Panels;
}
export interface Panels {
  left: number;
  right: number;
  leftOpen: boolean;
  rightOpen: boolean;
}
export interface ConfigChanged {
  type: "config_changed";
  config: Config;
}
export interface CoverItem {
  topicId: string;
  buffer: number | null;
}
export interface CoverList {
  type: "covers";
  items: CoverItem[];
}
export interface Empty {
  type: "empty";
}
export interface GenerationChanged {
  type: "generation_changed";
  generation: GenerationState;
}
export interface GenerationProgress {
  type: "generation_progress";
  generationId: string;
  batchId: string;
  progress: number | null;
  queuePosition: number | null;
  previewBuffer: number | null;
}
export interface GenerationRemoved {
  type: "generation_removed";
  generationId: string;
  batchId: string;
}
export interface TopicChanged {
  type: "topic_changed";
  topic: TopicState;
}
export interface TopicState {
  id: string;
  title: string;
  coverVersion: string | null;
  coverBuffer: number | null;
  createdAt: number;
  updatedAt: number;
}
export interface TopicRemoved {
  type: "topic_removed";
  topicId: string;
}
export interface TopicSelected {
  type: "topic_selected";
  topicId: string | null;
}
export interface StoreChanged {
  type: "store_changed";
}
export interface ModelsChanged {
  type: "models_changed";
}
export interface NoticeShown {
  type: "notice_shown";
  level: "info" | "warning" | "error";
  message: string;
}
export interface Events {
  kind: "events";
  seq: number;
  events: Event[];
}
export interface FeedResult {
  type: "feed";
  feed: FeedState;
}
export interface FeedState {
  topicId: string;
  batches: BatchState[];
  before: string | null;
}
export interface Generated {
  type: "generated";
  topic: TopicState;
  batch: BatchState;
}
export interface Reply {
  kind: "reply";
  to: string;
  result: Result | null;
  error: ErrorState | null;
}
export interface SnapshotResult {
  type: "snapshot";
  snapshot: Snapshot;
}
export interface Snapshot {
  protocol: number;
  seq: number;
  models: ModelState[];
  providers: ProviderState[];
  config: Config;
  maxCount: number;
  topics: TopicState[];
  activeTopicId: string | null;
  feed: FeedState | null;
}
export interface ModelState {
  name: string;
  provider: string;
  id: string;
  title: string;
  description: string;
  notice: string;
  parameters: ParameterState[];
  maxPrompt: number | null;
  nativeN: number;
  seed: "none" | "best_effort" | "exact";
  sizeRule: SizeRuleState | null;
  maxReferences: number;
  mask: boolean;
  previews: boolean;
  progress: boolean;
  cancel: "none" | "queued" | "full";
  price: PriceState | null;
  retiredOn: string | null;
  successor: string | null;
}
export interface ParameterState {
  name: string;
  type: "integer" | "number" | "string" | "boolean";
  kind: string;
  title: string;
  help: string;
  minimum: number | null;
  maximum: number | null;
  step: number | null;
  choices: (string | number)[];
  default: string | boolean | number | null;
  maxLength: number | null;
  advanced: boolean;
}
export interface SizeRuleState {
  minPixels: number | null;
  maxPixels: number | null;
  maxRatio: number | null;
}
export interface PriceState {
  amount: string;
  unit: "image" | "megapixel";
  note: string;
}
export interface ProviderState {
  name: string;
  title: string;
  key: "not_needed" | "set" | "missing";
  keyHelp: string;
  keyVariable: string | null;
  keyUrl: string;
  keySource: string;
  discoveredAt: number | null;
}
export interface ThumbnailList {
  type: "thumbnails";
  items: ThumbnailItem[];
}
export interface ThumbnailItem {
  generationId: string;
  buffer: number | null;
}
export interface OriginalImage {
  type: "original";
  generationId: string;
  mediaType: string;
  fileName: string;
  buffer: number;
}
export interface ModelResult {
  type: "model";
  model: ModelState;
}
export interface ProviderChecked {
  type: "provider_checked";
  provider: string;
  outcome: "good" | "reached" | "unknown" | "missing_key" | "bad_key" | "no_network" | "other";
  message: string;
}
export interface KeyTaken {
  type: "key_taken";
  provider: string;
  place: "keyring" | "memory" | "nowhere";
  message: string;
}
export interface PageRequest {
  kind: "request";
  id: string;
  call: Call;
}
