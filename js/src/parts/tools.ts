// What a click opens beside the large things: menus, small dialogs and lists, the filter, what is done with a selection.
import "../views/part-icons";

export { takeFiles } from "../slices/recipes";
export { CoverPicker } from "../views/cover-picker";
export { DroppedBatch } from "../views/dropped-batch";
export { Elsewhere } from "../views/elsewhere";
export { Estimate } from "../views/estimate";
export { FeedFailed } from "../views/feed-failed";
export { FilterFields, NothingFound } from "../views/filter-fields";
export { GalleryButton } from "../views/gallery-button";
export { batchItems, improveItems, topicItems } from "../views/menu-items";
export { MenuList } from "../views/menu-list";
export { MoveDialog } from "../views/move-dialog";
export { NotShown } from "../views/not-shown";
export { attend } from "../views/notify";
export { QueueList } from "../views/queue-list";
export { LinkForm } from "../views/references-link";
export { ReferenceThumb } from "../views/references-thumb";
export { Rename } from "../views/rename";
export { RequestList } from "../views/request-list";
export { Packing, SelectionBar } from "../views/selection-bar";
export { Shortcuts } from "../views/shortcuts";
export { SizeSlider } from "../views/size-slider";
export { TileActions } from "../views/tile-actions";
export { draggedImage } from "../views/to-notebook";
export { WorkspaceParts } from "../views/workspace-parts";
