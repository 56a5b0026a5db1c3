import {
  ArrowUp,
  Ban,
  Check,
  ChevronDown,
  ChevronLeft,
  ChevronRight,
  CircleAlert,
  Dices,
  Download,
  FlaskConical,
  Hourglass,
  Images,
  KeyRound,
  Link2,
  LoaderCircle,
  PanelLeft,
  PanelRight,
  Plus,
  RotateCcw,
  SlidersHorizontal,
  Sprout,
  Trash2,
  Unlink2,
  X,
} from "lucide";
import { h } from "preact";

const ICONS = {
  alert: CircleAlert,
  cancelled: Ban,
  check: Check,
  close: X,
  delete: Trash2,
  dice: Dices,
  down: ChevronDown,
  download: Download,
  generate: ArrowUp,
  images: Images,
  key: KeyRound,
  left: ChevronLeft,
  linked: Link2,
  new: Plus,
  notice: FlaskConical,
  panelLeft: PanelLeft,
  panelRight: PanelRight,
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
