import {
  ArrowLeftRight,
  ArrowUp,
  Ban,
  Bookmark,
  Brush,
  Check,
  ChevronDown,
  ChevronLeft,
  ChevronRight,
  CircleAlert,
  Copy,
  Dices,
  Ellipsis,
  Eye,
  EyeOff,
  Hourglass,
  type IconNode,
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
  Maximize2,
  Minimize2,
  PanelLeft,
  PanelRight,
  Pin,
  Plus,
  RotateCcw,
  Search,
  Server,
  SlidersHorizontal,
  Sparkles,
  Square,
  SquareArrowOutUpRight,
  Star,
  Trash2,
  TriangleAlert,
  Unlink2,
  Unplug,
  WifiOff,
  X,
} from "lucide";
import { h } from "preact";
import type { PART_ICONS } from "./part-icons";

const ICONS = {
  reference: ImagePlus,
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
  fill: Maximize2,
  generate: ArrowUp,
  gone: Unplug,
  images: Images,
  improve: Sparkles,
  key: KeyRound,
  keyboard: Keyboard,
  leave: Minimize2,
  left: ChevronLeft,
  hide: EyeOff,
  link: Link,
  linked: Link2,
  lock: Lock,
  mask: Brush,
  more: Ellipsis,
  new: Plus,
  offline: WifiOff,
  panelLeft: PanelLeft,
  panelRight: PanelRight,
  pin: Pin,
  preset: Bookmark,
  readOnly: Eye,
  retry: RotateCcw,
  right: ChevronRight,
  search: Search,
  server: Server,
  settings: SlidersHorizontal,
  several: Layers,
  spinner: LoaderCircle,
  star: Star,
  stop: Square,
  swap: ArrowLeftRight,
  tab: SquareArrowOutUpRight,
  unlinked: Unlink2,
  unlock: LockOpen,
  waiting: Hourglass,
} as const;

export type IconName = keyof typeof ICONS | keyof typeof PART_ICONS;

/** The icons that are loaded. */
const loaded: Partial<Record<IconName, IconNode>> = { ...ICONS };

/** Add the icons that only parts draw. */
export function addIcons(icons: typeof PART_ICONS): void {
  Object.assign(loaded, icons);
}

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
      {loaded[name]?.map(([tag, attributes]) => h(tag, attributes as Record<string, string>))}
    </svg>
  );
}
