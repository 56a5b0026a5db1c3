// Small dialogs and lists that a click opens.
export { CoverPicker } from "../views/cover-picker";
export { MoveDialog } from "../views/move-dialog";
export { QueueList } from "../views/queue-list";
export { Shortcuts } from "../views/shortcuts";
