// The icons that only parts draw; a part that draws one imports this file.
import {
  ArrowLeft,
  ArrowRight,
  Columns2,
  Contrast,
  Download,
  Eraser,
  GalleryThumbnails,
  Maximize,
  Redo2,
  Undo2,
  ZoomIn,
  ZoomOut,
} from "lucide";
import { addIcons } from "./icon";

export const PART_ICONS = {
  compare: Columns2,
  cover: GalleryThumbnails,
  download: Download,
  earlier: ArrowLeft,
  eraser: Eraser,
  fit: Maximize,
  invert: Contrast,
  later: ArrowRight,
  redo: Redo2,
  undo: Undo2,
  zoomIn: ZoomIn,
  zoomOut: ZoomOut,
} as const;

addIcons(PART_ICONS);
