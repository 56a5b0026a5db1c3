import {
  ArrowUp,
  Ban,
  Brush,
  Check,
  ChevronDown,
  ChevronLeft,
  ChevronRight,
  CircleAlert,
  Contrast,
  Copy,
  Dices,
  Download,
  Ellipsis,
  Eraser,
  Eye,
  FlaskConical,
  Hourglass,
  ImagePlus,
  Images,
  Keyboard,
  KeyRound,
  Link,
  Link2,
  LoaderCircle,
  Maximize,
  Maximize2,
  Minimize2,
  Minus,
  PanelLeft,
  PanelRight,
  Pencil,
  Pin,
  PinOff,
  Plus,
  Redo2,
  RotateCcw,
  Search,
  SlidersHorizontal,
  Sprout,
  Square,
  Trash2,
  TriangleAlert,
  Undo2,
  Unlink2,
  Unplug,
  WifiOff,
  X,
  ZoomIn,
  ZoomOut,
} from "lucide";
import { h } from "preact";

const ICONS = {
  addImage: ImagePlus,
  alert: CircleAlert,
  broken: TriangleAlert,
  brush: Brush,
  cancelled: Ban,
  check: Check,
  close: X,
  copy: Copy,
  delete: Trash2,
  dice: Dices,
  down: ChevronDown,
  download: Download,
  eraser: Eraser,
  fill: Maximize2,
  fit: Maximize,
  generate: ArrowUp,
  gone: Unplug,
  images: Images,
  invert: Contrast,
  key: KeyRound,
  keyboard: Keyboard,
  leave: Minimize2,
  left: ChevronLeft,
  link: Link,
  less: Minus,
  linked: Link2,
  more: Ellipsis,
  new: Plus,
  notice: FlaskConical,
  offline: WifiOff,
  panelLeft: PanelLeft,
  panelRight: PanelRight,
  pin: Pin,
  readOnly: Eye,
  redo: Redo2,
  rename: Pencil,
  retry: RotateCcw,
  right: ChevronRight,
  search: Search,
  seed: Sprout,
  settings: SlidersHorizontal,
  spinner: LoaderCircle,
  undo: Undo2,
  stop: Square,
  unlinked: Unlink2,
  unpin: PinOff,
  waiting: Hourglass,
  zoomIn: ZoomIn,
  zoomOut: ZoomOut,
} as const;

export type IconName = keyof typeof ICONS;

/** An icon beside a text or in a labelled button; screen readers pass over it. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      class="ip-icon"
      data-icon={name}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {ICONS[name].map(([tag, attributes]) => h(tag, attributes as Record<string, string>))}
    </svg>
  );
}
