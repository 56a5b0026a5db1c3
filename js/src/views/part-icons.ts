// The icons that only parts draw; a part that draws one imports this file.
import {
  ArrowLeft,
  ArrowRight,
  CodeXml,
  Columns2,
  Contrast,
  Download,
  Eraser,
  FolderDown,
  FolderInput,
  GalleryThumbnails,
  Info,
  Languages,
  Maximize,
  NotebookPen,
  Pencil,
  PinOff,
  Redo2,
  Undo2,
  ZoomIn,
  ZoomOut,
} from "lucide";
import { addIcons } from "./icon";

export const PART_ICONS = {
  code: CodeXml,
  compare: Columns2,
  cover: GalleryThumbnails,
  download: Download,
  earlier: ArrowLeft,
  eraser: Eraser,
  fit: Maximize,
  info: Info,
  insert: NotebookPen,
  invert: Contrast,
  later: ArrowRight,
  move: FolderInput,
  redo: Redo2,
  rename: Pencil,
  translate: Languages,
  undo: Undo2,
  unpin: PinOff,
  zip: FolderDown,
  zoomIn: ZoomIn,
  zoomOut: ZoomOut,
} as const;

addIcons(PART_ICONS);
