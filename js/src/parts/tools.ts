// What a click opens beside the large things: menus, small dialogs and lists, the filter, what is done with a selection.
import "../views/part-icons";

export { CoverPicker } from "../views/cover-picker";
export { FilterFields, NothingFound } from "../views/filter-fields";
export { LongPress } from "../views/long-press";
export { batchItems, improveItems, topicItems } from "../views/menu-items";
export { MenuList } from "../views/menu-list";
export { MoveDialog } from "../views/move-dialog";
export { NotShown } from "../views/not-shown";
export { attend } from "../views/notify";
export { QueueList } from "../views/queue-list";
export { ReferenceDrop } from "../views/references-drop";
export { LinkForm } from "../views/references-link";
export { ReferenceThumb } from "../views/references-thumb";
export { Rename } from "../views/rename";
export { RequestList } from "../views/request-list";
export { Packing, SelectionBar } from "../views/selection-bar";
export { Shortcuts } from "../views/shortcuts";
export { TileActions } from "../views/tile-actions";
export { draggedImage } from "../views/to-notebook";
