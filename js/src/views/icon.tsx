import {
  Activity,
  ArrowLeftRight,
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
  Layers,
  Link,
  Link2,
  LoaderCircle,
  Lock,
  LockOpen,
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
  Server,
  SlidersHorizontal,
  Sprout,
  Square,
  Star,
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
  less: Minus,
  link: Link,
  linked: Link2,
  lock: Lock,
  mask: Brush,
  more: Ellipsis,
  new: Plus,
  notice: FlaskConical,
  offline: WifiOff,
  panelLeft: PanelLeft,
  panelRight: PanelRight,
  pin: Pin,
  preview: Eye,
  progress: Activity,
  readOnly: Eye,
  redo: Redo2,
  rename: Pencil,
  retry: RotateCcw,
  right: ChevronRight,
  search: Search,
  seed: Sprout,
  server: Server,
  settings: SlidersHorizontal,
  several: Layers,
  spinner: LoaderCircle,
  star: Star,
  stop: Square,
  swap: ArrowLeftRight,
  undo: Undo2,
  unlinked: Unlink2,
  unlock: LockOpen,
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
