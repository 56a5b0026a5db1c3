// Generated from _page/protocol.py by scripts/protocol_types.py. Don't edit.

export type Call =
  | Hello
  | Generate
  | FollowUp
  | CancelBatches
  | ReadSweep
  | CancelSweep
  | Retry
  | Delete
  | Restore
  | Star
  | Select
  | MoveBatches
  | RenameTopic
  | PinTopic
  | ChooseCover
  | SelectTopic
  | Feed
  | ReadGallery
  | NamedBatches
  | Queue
  | Prompts
  | ModelsUsed
  | LabelsUsed
  | ReadTopics
  | NamedTopics
  | SaveDraft
  | Improve
  | Thumbnails
  | ReadCovers
  | Original
  | View
  | LoadPart
  | ReadRecipe
  | ReadChain
  | Code
  | Pack
  | PackChunk
  | DropPack
  | UploadPiece
  | TakeReference
  | ReferenceThumbnails
  | ReferenceOriginal
  | AddServer
  | ServerPresets
  | ReadPresets
  | SavePreset
  | RestorePreset
  | RenamePreset
  | DeletePreset
  | RemoveServer
  | AddWorkflow
  | Model
  | CheckProvider
  | SetKey
  | Configure;
export type ErrorCode =
  | "backup_damaged"
  | "bad_key"
  | "bad_request"
  | "bad_response"
  | "billing"
  | "cancelled"
  | "confirmation_needed"
  | "connect_failed"
  | "corrupt_image"
  | "deadline"
  | "disk_full"
  | "error"
  | "internal"
  | "interrupted"
  | "invalid_request"
  | "lost"
  | "missing_extra"
  | "missing_key"
  | "missing_package"
  | "model_not_found"
  | "moderated"
  | "network"
  | "network_setting"
  | "no_able_model"
  | "no_image"
  | "no_page"
  | "no_threads"
  | "not_fetched"
  | "not_found"
  | "not_shown"
  | "over_budget"
  | "overloaded"
  | "page_outdated"
  | "price_unknown"
  | "provider"
  | "provider_missing"
  | "query_too_long"
  | "quota"
  | "rate_limited"
  | "server_error"
  | "store"
  | "store_damaged"
  | "store_locked"
  | "store_too_new"
  | "studio_closed"
  | "takes_no_images"
  | "uncertain"
  | "unknown_parameter";
export type Event =
  | BatchAdded
  | BatchChanged
  | SweepChanged
  | GenerationChanged
  | GenerationProgress
  | GenerationRemoved
  | BatchRemoved
  | TopicChanged
  | TopicRemoved
  | TopicSelected
  | DraftChanged
  | ConfigChanged
  | SelectionChanged
  | StoreChanged
  | ModelsChanged
  | PresetsChanged
  | SpendingChanged
  | NoticeShown;
export type KernelMessage = ReplyMessage | Events;
export type Result =
  | Empty
  | Generated
  | SnapshotResult
  | FeedResult
  | GalleryResult
  | BatchList
  | SweepResult
  | TopicShown
  | QueueResult
  | PromptList
  | ModelNames
  | LabelNames
  | TopicList
  | Improved
  | ThumbnailList
  | CoverList
  | PartFile
  | OriginalImage
  | ViewImage
  | RecipeResult
  | ChainResult
  | BatchesMoved
  | CodeText
  | Packed
  | Chunk
  | UploadTaken
  | ReferenceTaken
  | ReferenceThumbnailList
  | ReferenceImage
  | ServerAdded
  | ServerPresetList
  | PresetList
  | ModelResult
  | ProviderChecked
  | KeyTaken;
export type PageMessage = PageRequest | Ack | Leave;

export interface Ack {
  kind: "ack";
  page: string;
  seq: number;
}
export interface AddServer {
  method: "add_server";
  name: string;
  url: string;
  preset: string;
  values: {
    [k: string]: string;
  };
  key: string;
  remember: boolean;
}
export interface AddWorkflow {
  method: "add_workflow";
  name: string;
  text: string;
}
export interface AxisState {
  name: string;
  labels: string[];
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
  costEstimated: boolean;
  references: ReferenceState[];
  mask: ReferenceState | null;
  clickId: string | null;
  sweepId: string | null;
  action: ("edit" | "vary" | "upscale" | "remove_background" | "outpaint" | "inpaint") | null;
  generations: GenerationState[];
}
export interface ReferenceState {
  digest: string;
  mediaType: string;
  width: number;
  height: number;
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
  damaged: boolean;
  cancellable: boolean;
  starred: boolean;
  scores: {
    [k: string]: number;
  };
  tags: string[];
  startedAt: number | null;
  finishedAt: number | null;
  usualDuration: number | null;
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
export interface BatchChanged {
  type: "batch_changed";
  batch: BatchState;
}
export interface BatchList {
  type: "batches";
  batches: BatchState[];
}
export interface BatchRemoved {
  type: "batch_removed";
  batchId: string;
  topicId: string;
}
export interface BatchesMoved {
  type: "batches_moved";
  topicId: string;
}
export interface BlankState {
  name: string;
  title: string;
  help: string;
  example: string;
}
export interface Hello {
  method: "hello";
  protocol: number;
  page: string;
  catalog: string | null;
}
export interface Generate {
  method: "generate";
  /**
   * @minItems 1
   * @maxItems 16
   */
  wishes: Wish[];
  n: number;
  topicId: string | null;
  confirm: boolean;
}
export interface Wish {
  model: string;
  prompt: string;
  params: {
    [k: string]: string | boolean | number | null;
  };
  references: string[];
  mask: string | null;
  action: ("edit" | "vary" | "upscale" | "remove_background" | "outpaint" | "inpaint") | null;
}
export interface FollowUp {
  method: "follow_up";
  generationId: string;
  action: "upscale" | "remove_background" | "vary" | "outpaint" | "inpaint";
  model: string;
  params: {
    [k: string]: string | boolean | number | null;
  };
  confirm: boolean;
}
export interface CancelBatches {
  method: "cancel";
  /**
   * @minItems 1
   * @maxItems 2000
   */
  batchIds: string[];
  generationId: string | null;
}
export interface ReadSweep {
  method: "read_sweep";
  sweepId: string;
}
export interface CancelSweep {
  method: "cancel_sweep";
  sweepId: string;
}
export interface Retry {
  method: "retry";
  batchId: string;
  generationId: string | null;
  confirm: boolean;
}
export interface Delete {
  method: "delete";
  what: "topic" | "batch" | "generation";
  /**
   * @minItems 1
   * @maxItems 2000
   */
  ids: string[];
}
export interface Restore {
  method: "restore";
  what: "topic" | "batch" | "generation";
  /**
   * @minItems 1
   * @maxItems 2000
   */
  ids: string[];
}
export interface Star {
  method: "star";
  /**
   * @minItems 1
   * @maxItems 2000
   */
  generationIds: string[];
  starred: boolean;
}
export interface Select {
  method: "select";
  /**
   * @maxItems 20000
   */
  generationIds: string[];
}
export interface MoveBatches {
  method: "move_batches";
  /**
   * @minItems 1
   * @maxItems 2000
   */
  batchIds: string[];
  topicId: string | null;
}
export interface RenameTopic {
  method: "rename_topic";
  topicId: string;
  title: string;
}
export interface PinTopic {
  method: "pin_topic";
  topicId: string;
  pinned: boolean;
}
export interface ChooseCover {
  method: "choose_cover";
  topicId: string;
  generationId: string;
}
export interface SelectTopic {
  method: "select_topic";
  topicId: string | null;
}
export interface Feed {
  topicId: string | null;
  before: string | null;
  search: string;
  model: string | null;
  status: ("pending" | "processing" | "success" | "error" | "cancelled") | null;
  starred: boolean;
  tag: string | null;
  /**
   * @maxItems 8
   */
  scores: WantedScore[];
  sort: FeedOrder | null;
  method: "feed";
  limit: number;
}
export interface WantedScore {
  name: string;
  atLeast: number | null;
  atMost: number | null;
}
export interface FeedOrder {
  name: string;
  lowestFirst: boolean;
}
export interface ReadGallery {
  topicId: string | null;
  before: string | null;
  search: string;
  model: string | null;
  status: ("pending" | "processing" | "success" | "error" | "cancelled") | null;
  starred: boolean;
  tag: string | null;
  /**
   * @maxItems 8
   */
  scores: WantedScore[];
  sort: FeedOrder | null;
  method: "gallery";
  limit: number;
  starredFirst: boolean;
}
export interface NamedBatches {
  method: "named_batches";
  /**
   * @minItems 1
   * @maxItems 100
   */
  batchIds: string[];
}
export interface Queue {
  method: "queue";
}
export interface Prompts {
  method: "prompts";
  limit: number;
}
export interface ModelsUsed {
  method: "models_used";
  topicId: string | null;
}
export interface LabelsUsed {
  method: "labels_used";
  topicId: string | null;
}
export interface ReadTopics {
  method: "topics";
  search: string;
  before: string | null;
  limit: number;
}
export interface NamedTopics {
  method: "named_topics";
  /**
   * @minItems 1
   * @maxItems 2000
   */
  topicIds: string[];
}
export interface SaveDraft {
  method: "save_draft";
  topicId: string | null;
  prompt: string;
  references: string[];
  mask: string | null;
}
export interface Improve {
  method: "improve";
  prompt: string;
  mode: "expand" | "translate";
  model: string;
  confirm: boolean;
}
export interface Thumbnails {
  method: "thumbnails";
  /**
   * @maxItems 64
   */
  generationIds: string[];
}
export interface ReadCovers {
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
export interface View {
  method: "view";
  generationId: string;
  asWebp: boolean;
}
export interface LoadPart {
  method: "part";
  name: string;
  build: string;
}
export interface ReadRecipe {
  method: "recipe";
  generationId: string;
}
export interface ReadChain {
  method: "read_chain";
  generationId: string;
}
export interface Code {
  method: "code";
  batchId: string;
  generationId: string | null;
}
export interface Pack {
  method: "pack";
  /**
   * @minItems 1
   * @maxItems 2000
   */
  generationIds: string[];
}
export interface PackChunk {
  method: "pack_chunk";
  packId: string;
  offset: number;
}
export interface DropPack {
  method: "drop_pack";
  packId: string;
}
export interface UploadPiece {
  method: "upload";
  uploadId: string;
  offset: number;
  total: number;
  purpose: "reference" | "mask" | "recipe";
}
export interface TakeReference {
  method: "take_reference";
  source: "generation" | "link";
  value: string;
}
export interface ReferenceThumbnails {
  method: "reference_thumbnails";
  /**
   * @maxItems 64
   */
  digests: string[];
}
export interface ReferenceOriginal {
  method: "reference_original";
  digest: string;
}
export interface ServerPresets {
  method: "server_presets";
}
export interface ReadPresets {
  method: "presets";
}
export interface SavePreset {
  name: string;
  model: string | null;
  params: {
    [k: string]: string | boolean | number | null;
  };
  prefix: string;
  suffix: string;
  method: "save_preset";
  replace: boolean;
}
export interface RestorePreset {
  name: string;
  model: string | null;
  params: {
    [k: string]: string | boolean | number | null;
  };
  prefix: string;
  suffix: string;
  method: "restore_preset";
}
export interface RenamePreset {
  method: "rename_preset";
  name: string;
  to: string;
}
export interface DeletePreset {
  method: "delete_preset";
  name: string;
}
export interface RemoveServer {
  method: "remove_server";
  name: string;
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
  /**
   * @maxItems 3
   */
  alsoModels: string[];
  count: number;
  params: {
    [k: string]: {
      [k: string]: string | boolean | number | null;
    };
  };
  ratioLocked: boolean;
  meantSizes: {
    [k: string]: MeantSize;
  };
  /**
   * @maxItems 64
   */
  starredModels: string[];
  /**
   * @maxItems 8
   */
  recentModels: string[];
  panels: Panels;
  words: PromptWords;
}
export interface MeantSize {
  width: number;
  height: number;
  ratio: number;
  area: number;
}
export interface Panels {
  left: number;
  right: number;
  leftOpen: boolean;
  rightOpen: boolean;
  advancedOpen: boolean;
  tileSize: number;
  gallery: boolean;
}
export interface PromptWords {
  prefix: string;
  suffix: string;
}
export interface ChainResult {
  type: "chain";
  generationId: string;
  ancestors: VersionState[];
  earlier: boolean;
  siblings: VersionState[];
  siblingsCount: number;
  children: VersionState[];
  childrenCount: number;
}
export interface VersionState {
  generationId: string;
  batchId: string | null;
  topicId: string | null;
  position: number;
  status: "pending" | "processing" | "success" | "error" | "cancelled" | "gone";
  prompt: string;
  action: ("edit" | "vary" | "upscale" | "remove_background" | "outpaint" | "inpaint") | null;
  added: string[];
  removed: string[];
  rewritten: boolean;
  changes: ChangeState[];
}
export interface ChangeState {
  name: string;
  before: string | boolean | number | null;
  after: string | boolean | number | null;
}
export interface Chunk {
  type: "chunk";
  offset: number;
  buffer: number;
  last: boolean;
}
export interface CodeText {
  type: "code";
  text: string;
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
export interface DraftChanged {
  type: "draft_changed";
  topicId: string | null;
  draft: DraftState;
}
export interface DraftState {
  prompt: string;
  references: ReferenceState[];
  mask: ReferenceState | null;
}
export interface Empty {
  type: "empty";
}
export interface SweepChanged {
  type: "sweep_changed";
  sweep: SweepState;
}
export interface SweepState {
  id: string;
  topicId: string;
  template: string;
  axes: AxisState[];
  cells: (string | null)[];
  asked: string[];
  createdAt: number;
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
  retryIn: number | null;
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
  pinned: boolean;
  images: number;
  running: number;
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
export interface SelectionChanged {
  type: "selection_changed";
  generationIds: string[];
}
export interface StoreChanged {
  type: "store_changed";
}
export interface ModelsChanged {
  type: "models_changed";
}
export interface PresetsChanged {
  type: "presets_changed";
}
export interface SpendingChanged {
  type: "spending_changed";
  spending: SpendingState;
}
export interface SpendingState {
  today: string;
  unknown: number;
  running: string;
  budget: string | null;
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
  topicId: string | null;
  batches: BatchState[];
  before: string | null;
}
export interface FoundState {
  tool: string;
  here: boolean;
  prompt: string | null;
  model: string;
  modelTitle: string;
  requested: {
    [k: string]: string | boolean | number | null;
  };
  width: number | null;
  height: number | null;
  references: ReferenceState[];
  mask: ReferenceState | null;
  workflow: string | null;
}
export interface GalleryResult {
  type: "gallery";
  images: string[];
  batches: BatchState[];
  before: string | null;
}
export interface Generated {
  type: "generated";
  topic: TopicState;
  batches: BatchState[];
}
export interface Improved {
  type: "improved";
  prompt: string;
}
export interface ReplyMessage {
  kind: "reply";
  to: string;
  result: Result | null;
  error: WishRefused | ErrorState | null;
}
export interface SnapshotResult {
  type: "snapshot";
  snapshot: Snapshot;
}
export interface Snapshot {
  protocol: number;
  seq: number;
  models: ModelState[];
  catalog: string;
  catalogBuffer: number | null;
  providers: ProviderState[];
  config: Config;
  maxCount: number;
  topics: TopicState[];
  topicsBefore: string | null;
  activeTopicId: string | null;
  feed: FeedState | null;
  draft: DraftState;
  spending: SpendingState;
  selected: string[];
  thumbnails: {
    [k: string]: string;
  };
}
export interface ModelState {
  name: string;
  provider: string;
  id: string;
  title: string;
  description: string;
  notice: string;
  parameters: ParameterState[];
  prompt: "needed" | "optional" | "none";
  maxPrompt: number | null;
  nativeN: number;
  seed: "none" | "best_effort" | "exact";
  sizeRule: SizeRuleState | null;
  references: ReferenceRuleState | null;
  mask: boolean;
  does: ("upscale" | "remove_background" | "vary" | "outpaint" | "inpaint")[];
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
  kind: ("width" | "height" | "seed" | "size" | "aspect_ratio" | "negative_prompt" | "scale") | null;
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
export interface ReferenceRuleState {
  minCount: number;
  maxCount: number;
  maxBytes: number;
  maxPixels: number | null;
  mediaTypes: string[];
  givesSize: boolean;
}
export interface PriceState {
  least: string;
  most: string;
  unit: "image" | "megapixel";
  note: string;
  rates: RateState[];
  size: number[] | null;
  reference: string;
  referenceUnit: "image" | "megapixel";
}
export interface RateState {
  when: {
    [k: string]: (string | boolean | number | null)[];
  };
  upTo: number | null;
  amount: string;
  most: string;
  unit: "image" | "megapixel" | "token";
  further: string | null;
  grid: number;
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
  discoveryError: string | null;
  server: string | null;
  preset: string | null;
  writes: boolean;
  writer: string | null;
}
export interface SweepResult {
  type: "sweep";
  sweep: SweepState;
}
export interface TopicShown {
  type: "topic_shown";
  feed: FeedState | null;
  draft: DraftState;
}
export interface QueueResult {
  type: "queue";
  batches: BatchState[];
}
export interface PromptList {
  type: "prompts";
  prompts: string[];
}
export interface ModelNames {
  type: "model_names";
  names: string[];
}
export interface LabelNames {
  type: "label_names";
  scores: string[];
  tags: string[];
}
export interface TopicList {
  type: "topics";
  topics: TopicState[];
  before: string | null;
}
export interface ThumbnailList {
  type: "thumbnails";
  items: ThumbnailItem[];
}
export interface ThumbnailItem {
  generationId: string;
  buffer: number | null;
  reason: ("kind" | "large" | "damaged" | "gone") | null;
}
export interface PartFile {
  type: "part";
  buffer: number;
}
export interface OriginalImage {
  type: "original";
  generationId: string;
  mediaType: string;
  fileName: string;
  buffer: number;
}
export interface ViewImage {
  type: "view";
  generationId: string;
  mediaType: string;
  fileName: string | null;
  buffer: number;
}
export interface RecipeResult {
  type: "recipe";
  recipe: RecipeState;
}
export interface RecipeState {
  generationId: string;
  batchId: string;
  prompt: string;
  provider: string;
  model: string;
  modelTitle: string;
  seed: number | null;
  requested: {
    [k: string]: string | boolean | number | null;
  };
  applied: {
    [k: string]: string | boolean | number | null;
  };
  differences: Difference[];
  width: number | null;
  height: number | null;
  mediaType: string | null;
  bytes: number | null;
  digest: string | null;
  path: string | null;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  servedBy: string | null;
  cost: string | null;
  requestId: string | null;
  attempt: number;
  references: ReferenceState[];
  mask: ReferenceState | null;
  action: ("edit" | "vary" | "upscale" | "remove_background" | "outpaint" | "inpaint") | null;
  version: string;
}
export interface Packed {
  type: "packed";
  packId: string;
  fileName: string;
  size: number;
  images: number;
}
export interface UploadTaken {
  type: "upload_taken";
  received: number;
  reference: ReferenceState | null;
  found: FoundState | null;
}
export interface ReferenceTaken {
  type: "reference_taken";
  reference: ReferenceState;
}
export interface ReferenceThumbnailList {
  type: "reference_thumbnails";
  items: ReferenceThumbnail[];
}
export interface ReferenceThumbnail {
  digest: string;
  buffer: number | null;
}
export interface ReferenceImage {
  type: "reference_original";
  digest: string;
  mediaType: string;
  buffer: number;
}
export interface ServerAdded {
  type: "server_added";
  provider: string;
  outcome: "good" | "reached" | "unknown" | "missing_key" | "bad_key" | "no_network" | "other";
  message: string;
}
export interface ServerPresetList {
  type: "server_presets";
  presets: ServerPresetState[];
}
export interface ServerPresetState {
  name: string;
  title: string;
  address: string;
  help: string;
  key: "needed" | "optional";
  keyVariable: string | null;
  keyUrl: string;
  free: boolean;
  blanks: BlankState[];
}
export interface PresetList {
  type: "presets";
  presets: PresetState[];
}
export interface PresetState {
  name: string;
  model: string | null;
  params: {
    [k: string]: string | boolean | number | null;
  };
  prefix: string;
  suffix: string;
  gone: boolean;
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
  keptIn: "keyring" | "memory" | "nowhere";
  message: string;
}
export interface WishRefused {
  code: string;
  message: string;
  nextStep: string;
  fault: "you" | "provider" | "network" | "here";
  provider: string | null;
  retryable: boolean;
  retryAfter: number | null;
  requestId: string | null;
  wish: number;
}
export interface Leave {
  kind: "leave";
  page: string;
}
export interface PageRequest {
  kind: "request";
  id: string;
  call: Call;
}
