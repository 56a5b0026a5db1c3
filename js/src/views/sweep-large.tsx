// The grid of a sweep over all of the studio.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Place } from "../lib/neighbours";
import { factsOf } from "../lib/sweep-facts";
import type { Space, Width } from "../lib/sweep-room";
import { t } from "../messages/sweep";
import { sweepsIn } from "../slices/sweeps";
import { useActions, usePage, useStore } from "./context";
import { useModal } from "./modal";
import { Notices } from "./notices";
import { usePart } from "./part";
import { IconButton, Slider } from "./parts";
import { type KnownSweep, SweepGrid } from "./sweep-grid";
import { SweepMeta, Template } from "./sweep-head";
import { AxisMenus, SweepTools } from "./sweep-tools";

interface SweepLargeProps {
  sweep: KnownSweep;
  onOpen(target: Place): void;
}

/** The widths of images between which the user chooses, in pixels. */
const NARROWEST = 48;
const WIDEST = 640;
const NO_SPACE: Space = { width: 0, height: 0 };

/** The sweep that is shown over all of the studio. */
export function SweepLarge() {
  const sweep = useStore(({ sweeps }) => sweeps?.known[sweeps.large ?? ""]);
  const open = useStore(({ sweeps }) => sweeps?.open);
  return sweep?.state && open ? <LargeGrid sweep={{ ...sweep, state: sweep.state }} onOpen={open} /> : null;
}

function LargeGrid({ sweep, onOpen }: SweepLargeProps) {
  const dialog = useModal();
  const tools = usePart("tools");
  const { store } = usePage();
  const { state } = sweep;
  const actions = useActions();
  const batches = useStore((all) => all.batches);
  const some = useStore((all) => all.selected.size > 0);
  const [want, setWant] = useState<Width>({ fit: true });
  const { stage, space } = useStage();
  useLayoutEffect(() => sweepsIn(store).show(state.id), [store, state.id]);
  const facts = factsOf(state, batches);
  const newest = state.asked.flatMap((id) => batches[id] ?? [])[0];
  return (
    <dialog
      ref={dialog}
      class="ip-sweep-large"
      data-testid="sweep-large"
      aria-label={t.sweep.label(state.template)}
      onClose={(event) => {
        if (event.target === dialog.current) sweepsIn(store).enlarge(null);
      }}
      onCancel={(event) => {
        // Escape first clears the selection.
        if (event.target !== dialog.current || !some) return;
        event.preventDefault();
        actions.clearSelection();
      }}
      onKeyDown={(event) => {
        const { key, ctrlKey, metaKey, target } = event;
        if (target instanceof Element && target.closest("[role=menu], [data-testid=lightbox]")) return;
        if (key.toLowerCase() === "a" && (ctrlKey || metaKey)) actions.selectAll();
        else if (key === "Delete" && some && store.getState().usable)
          void actions.deleteGenerations([...store.getState().selected]);
        else return;
        event.preventDefault();
      }}
    >
      <header class="ip-sweep-bar">
        <div class="ip-batch-words">
          <h2 class="ip-sweep-template">
            <Template sweep={state} />
          </h2>
          <SweepMeta sweep={state} facts={facts} />
        </div>
        <div class="ip-sweep-choices">
          <AxisMenus sweep={sweep} />
        </div>
        <Zoom want={want} onWant={setWant} />
        <SweepTools sweep={sweep} facts={facts} batch={newest} onOpen={null} />
        <span class="ip-sweep-close">
          <IconButton
            icon="close"
            label={t.sweep.small}
            testid="close-sweep"
            onClick={() => dialog.current?.close()}
          />
        </span>
      </header>
      <div ref={stage} class="ip-sweep-stage">
        {space.width > 0 && <SweepGrid sweep={sweep} space={space} want={want} onOpen={onOpen} />}
      </div>
      {some && tools.module && <tools.module.SelectionBar />}
      {tools.module && <tools.module.Packing />}
      <Notices />
    </dialog>
  );
}

/** Follow the room for the grid. */
function useStage() {
  const stage = useRef<HTMLDivElement>(null);
  const [space, setSpace] = useState(NO_SPACE);
  useLayoutEffect(() => {
    const { current } = stage;
    if (!current) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      const { width = 0, height = 0 } = entry?.contentRect ?? {};
      setSpace((old) => (old.width === width && old.height === height ? old : { width, height }));
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return { stage, space };
}

/** How large the images are: all of the grid, or as wide as the user wants. */
function Zoom({ want, onWant }: { want: Width; onWant(want: Width): void }) {
  const pixels = "pixels" in want ? want.pixels : null;
  return (
    <div class="ip-sweep-zoom">
      <button
        type="button"
        class="ip-button ip-toggle"
        aria-pressed={pixels === null}
        data-tip={t.sweep.fitHelp}
        data-testid="sweep-fit"
        onClick={() => onWant({ fit: true })}
      >
        {t.sweep.fit}
      </button>
      <Slider
        label={t.sweep.zoom}
        value={pixels ?? NARROWEST}
        minimum={NARROWEST}
        maximum={WIDEST}
        step={8}
        {...(pixels === null && { valueText: t.sweep.fit })}
        onInput={(value) => onWant({ pixels: value })}
      />
    </div>
  );
}
