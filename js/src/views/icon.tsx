import {
  ArrowUp,
  Ban,
  Check,
  ChevronDown,
  ChevronLeft,
  ChevronRight,
  CircleAlert,
  Copy,
  Dices,
  Download,
  Ellipsis,
  Eye,
  FlaskConical,
  Hourglass,
  Images,
  Keyboard,
  KeyRound,
  Link2,
  LoaderCircle,
  Maximize2,
  Minimize2,
  PanelLeft,
  PanelRight,
  Plus,
  RotateCcw,
  SlidersHorizontal,
  Sprout,
  Trash2,
  TriangleAlert,
  Unlink2,
  Unplug,
  WifiOff,
  X,
} from "lucide";
import { h } from "preact";

const ICONS = {
  alert: CircleAlert,
  cancelled: Ban,
  broken: TriangleAlert,
  check: Check,
  close: X,
  copy: Copy,
  delete: Trash2,
  dice: Dices,
  down: ChevronDown,
  download: Download,
  fill: Maximize2,
  generate: ArrowUp,
  gone: Unplug,
  images: Images,
  key: KeyRound,
  keyboard: Keyboard,
  leave: Minimize2,
  left: ChevronLeft,
  linked: Link2,
  more: Ellipsis,
  new: Plus,
  notice: FlaskConical,
  offline: WifiOff,
  panelLeft: PanelLeft,
  panelRight: PanelRight,
  readOnly: Eye,
  retry: RotateCcw,
  right: ChevronRight,
  seed: Sprout,
  settings: SlidersHorizontal,
  spinner: LoaderCircle,
  unlinked: Unlink2,
  waiting: Hourglass,
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
