// The actions for the selected images, and the progress of a ZIP.
import { useRef } from "preact/hooks";
import { t } from "../messages/tools";
import type { State } from "../store";
import { useActions, usePage, useStore } from "./context";
import { savePack } from "./download";
import { Icon } from "./icon";
import { IconButton } from "./parts";

export function SelectionBar() {
  const bar = useRef<HTMLDivElement>(null);
  const page = usePage();
  const selected = useStore((state) => state.selected);
  const starred = useStore(allStarred);
  const packing = useStore((state) => state.packing !== null);
  const actions = useActions();
  const ids = [...selected];
  const toFeed = (): void =>
    bar.current?.parentElement
      ?.querySelector<HTMLElement>("[data-testid=feed]")
      ?.focus({ preventScroll: true });
  return (
    <div
      ref={bar}
      class="ip-selection"
      role="toolbar"
      aria-label={t.selection.label}
      data-testid="selection"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        toFeed();
        actions.clearSelection();
      }}
    >
      <IconButton
        icon="close"
        label={t.selection.clear}
        testid="selection-clear"
        onClick={() => {
          toFeed();
          actions.clearSelection();
        }}
      />
      <strong role="status">{t.selection.count(ids.length)}</strong>
      <button type="button" class="ip-button ip-wide" onClick={() => actions.selectAll()}>
        {t.selection.all}
      </button>
      <span class="ip-selection-gap" />
      <button
        type="button"
        class="ip-button"
        aria-label={t.selection.zipLabel}
        data-tip={t.selection.zipLabel}
        // A disabled button would lose the focus.
        aria-disabled={packing}
        data-testid="selection-zip"
        onClick={() => void savePack(page, finished(page.store.getState()))}
      >
        <Icon name="zip" /> {t.selection.zip}
      </button>
      <button
        type="button"
        class="ip-button ip-toggle"
        aria-label={t.selection.star}
        aria-pressed={starred}
        data-tip={t.selection.star}
        data-testid="selection-star"
        onClick={() => void actions.star(ids, !starred)}
      >
        <Icon name="star" /> <span class="ip-wide">{t.selection.star}</span>
      </button>
      <button
        type="button"
        class="ip-button"
        data-tone="danger"
        aria-label={t.selection.deleteLabel}
        data-tip={t.selection.deleteLabel}
        data-testid="selection-delete"
        onClick={() => {
          toFeed();
          void actions.deleteGenerations(ids);
        }}
      >
        <Icon name="delete" /> <span class="ip-wide">{t.selection.delete}</span>
      </button>
    </div>
  );
}

export function Packing() {
  const packing = useStore((state) => state.packing);
  if (!packing) return null;
  const share = Math.round(packing.share * 100);
  return (
    <div class="ip-selection ip-packing" data-testid="packing">
      <Icon name="zip" />
      <span>{share > 0 ? t.selection.packed(share) : t.selection.packing}</span>
      <progress class="ip-selection-gap" aria-label={t.selection.packing} max={100} value={share} />
      <button type="button" class="ip-button" data-testid="packing-cancel" onClick={packing.cancel}>
        {t.common.cancel}
      </button>
    </div>
  );
}

/**
 * Return the selected images that are finished, in the order of the page. Images that code selected may not be
 * loaded: they come last, and the kernel leaves out those that are not finished.
 */
function finished({ batches, selected }: State): string[] {
  const known = Object.keys(batches)
    .sort((a, b) => (a < b ? 1 : -1))
    .flatMap((id) => batches[id]?.generations ?? [])
    .filter(({ id }) => selected.has(id));
  const ids = new Set(known.map(({ id }) => id));
  return [
    ...known.filter(({ status }) => status === "success").map(({ id }) => id),
    ...[...selected].filter((id) => !ids.has(id)),
  ];
}

function allStarred({ batches, selected }: State): boolean {
  const own = Object.values(batches)
    .flatMap(({ generations }) => generations)
    .filter(({ id }) => selected.has(id));
  return own.length > 0 && own.every(({ starred }) => starred);
}
