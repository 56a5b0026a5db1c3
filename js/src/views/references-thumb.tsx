// One reference in the strip: its picture, how far it has come, and what the keys and the pointer do with it.
import { useRef, useState } from "preact/hooks";
import { draggedReference, dragReference, isReferenceDrag } from "../lib/drag-references";
import { focusOn } from "../lib/focus";
import { pressByKey } from "../lib/keyboard";
import { t } from "../messages/tools";
import { moveReference, retryReference } from "../slices/adding";
import type { HeldReference } from "../slices/references";
import { usePage } from "./context";
import { Icon } from "./icon";
import { IconButton, tipped } from "./parts";
import { useThumbnail } from "./references-picture";

export interface ThumbProps {
  item: HeldReference;
  index: number;
  count: number;
  problem: string | null;
  masked: boolean;
  onOpen(): void;
  onPaint: (() => void) | null;
  onRemove(): void;
}

export function ReferenceThumb({
  item,
  index,
  count,
  problem,
  masked,
  onOpen,
  onPaint,
  onRemove,
}: ThumbProps) {
  const { key, status } = item;
  const page = usePage();
  const button = useRef<HTMLDivElement>(null);
  const [over, setOver] = useState(false);
  const name = item.name || t.references.unnamed;
  const move = (by: number): void => {
    moveReference(page, key, index + by);
    // The element moved with its key, and keeps the focus in most browsers.
    requestAnimationFrame(() => focusOn(button.current));
  };
  return (
    <li
      class="ip-reference"
      data-testid="reference"
      data-status={status}
      data-sent={problem === null}
      data-over={over}
      draggable={status !== "failed"}
      onDragStart={(event) => dragReference(event, key)}
      onDragOver={(event) => {
        if (!isReferenceDrag(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const dragged = draggedReference(event);
        if (dragged === null) return;
        event.preventDefault();
        moveReference(page, dragged, index);
      }}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: Firefox drags nothing by a real button */}
      <div
        ref={button}
        class="ip-reference-open"
        role="button"
        tabIndex={0}
        aria-label={`${t.references.open(name, index + 1, count)}${problem ? `. ${t.references.notSent(1, problem)}` : ""}`}
        aria-keyshortcuts="Shift+ArrowLeft Shift+ArrowRight Delete"
        {...tipped(problem ?? `${name}. ${t.references.keys}`)}
        onClick={() => (status === "failed" ? retryReference(page, key) : onOpen())}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (by !== undefined) {
            event.preventDefault();
            if (event.shiftKey) move(by);
            else focusOn(neighbour(event.currentTarget, by));
          } else if (event.key === "Delete" || event.key === "Backspace") {
            event.preventDefault();
            onRemove();
          } else pressByKey(event);
        }}
      >
        <Picture item={item} />
        {status === "sending" && <Ring share={item.share} />}
        {status === "failed" && (
          <span class="ip-reference-failed">
            <Icon name="retry" />
            {t.references.retry}
          </span>
        )}
        {status === "ready" && problem && (
          <span class="ip-reference-unsent">{t.references.notSentBadge}</span>
        )}
      </div>
      <span class="ip-reference-remove">
        <IconButton
          icon="close"
          label={status === "sending" ? t.references.cancel(name) : t.references.remove(name)}
          testid="reference-remove"
          onClick={onRemove}
        />
      </span>
      {onPaint && (
        <span class="ip-reference-mask" data-set={masked}>
          <IconButton
            icon="brush"
            label={masked ? t.mask.edit : t.mask.paint}
            testid="mask-paint"
            onClick={onPaint}
          />
        </span>
      )}
    </li>
  );
}

function neighbour(button: HTMLElement, by: number): HTMLElement | null {
  const entry = button.closest("li");
  const next = by < 0 ? entry?.previousElementSibling : entry?.nextElementSibling;
  return next?.querySelector<HTMLElement>("[role=button]") ?? null;
}

function Picture({ item }: { item: HeldReference }) {
  const url = useThumbnail(item);
  const [broken, setBroken] = useState<string>();
  if (!url || url === broken) {
    return (
      <span class={item.status === "ready" && !url ? "ip-skeleton" : "ip-reference-blank"}>
        {(item.status !== "ready" || url) && (
          <Icon name={item.source.kind === "link" ? "link" : "images"} size={18} />
        )}
      </span>
    );
  }
  return <img src={url} alt="" decoding="async" draggable={false} onError={() => setBroken(url)} />;
}

const ROUND = 2 * Math.PI * 9;

/** The share of a file that has arrived; a spinner if it is unknown. */
function Ring({ share }: { share: number | null }) {
  return (
    <span
      class="ip-reference-ring"
      role="progressbar"
      aria-label={share === null ? t.references.fetching : t.references.sending}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(share * 100)}
      data-open={share === null}
    >
      <svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true">
        <circle cx="12" cy="12" r="9" />
        <circle
          cx="12"
          cy="12"
          r="9"
          stroke-dasharray={ROUND}
          stroke-dashoffset={ROUND * (1 - (share ?? 0.25))}
        />
      </svg>
    </span>
  );
}
