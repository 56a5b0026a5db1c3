// What can be done with a sweep: its buttons and its menu.
import { useState } from "preact/hooks";
import type { Place } from "../lib/neighbours";
import { choicesOf, type SweepFacts } from "../lib/sweep-facts";
import { moved, type Placement, SIDES, severalOf, sideOf, swapped } from "../lib/sweep-grid";
import { t } from "../messages/sweep";
import type { BatchState } from "../protocol.gen";
import { cancelSweep, deleteSweep, retryBatches, selectImages } from "../slices/sweep-actions";
import { sweepsIn } from "../slices/sweeps";
import { type Page, usePage, useStore } from "./context";
import { copyWords } from "./copy";
import { savePack } from "./download";
import { Menu, type MenuItem } from "./menu";
import { usePart } from "./part";
import { IconButton } from "./parts";
import type { KnownSweep } from "./sweep-grid";

interface SweepToolsProps {
  sweep: KnownSweep;
  facts: SweepFacts;
  /** The batch that stands for the sweep in the feed. */
  batch: BatchState | undefined;
  /** Show an image large; null where the grid is shown over all of the studio already. */
  onOpen: ((target: Place) => void) | null;
}

export function SweepTools({ sweep, facts, batch, onOpen }: SweepToolsProps) {
  const { state, placement } = sweep;
  const page = usePage();
  const { module: tools } = usePart("tools");
  const usable = useStore((all) => all.usable);
  const [moving, setMoving] = useState(false);
  const several = severalOf(state.axes);
  const place = (next: Placement): void => sweepsIn(page.store).place(state.id, next);
  return (
    <div class="ip-actions">
      <span class="ip-sweep-live" inert={!usable}>
        {facts.stoppable && (
          <IconButton
            icon="stop"
            label={t.sweep.cancel}
            text={t.tile.cancel}
            testid="cancel-sweep"
            onClick={() => void cancelSweep(page, state.id)}
          />
        )}
        {facts.failed > 0 && (
          <IconButton
            icon="retry"
            label={t.sweep.retry(facts.failed)}
            testid="retry-sweep"
            onClick={() => void retryBatches(page, facts.failedBatches)}
          />
        )}
      </span>
      {several.length > 0 && (
        <IconButton
          icon="swap"
          label={t.sweep.swap}
          testid="swap-axes"
          onClick={() => place(swapped(placement))}
        />
      )}
      {onOpen && (
        <IconButton
          icon="fill"
          label={t.sweep.large}
          testid="enlarge-sweep"
          onClick={() => sweepsIn(page.store).enlarge(state.id, onOpen)}
        />
      )}
      <span class="ip-sweep-live" inert={!usable}>
        <Menu
          icon="more"
          label={t.sweep.more}
          testid="sweep-menu"
          items={() => itemsOf(sweep, facts, batch, page, () => setMoving(true))}
        />
      </span>
      {/* The menu that led here is in the same part. */}
      {moving && batch && tools && (
        <tools.MoveDialog batch={batch} ids={state.asked} onClose={() => setMoving(false)} />
      )}
    </div>
  );
}

function itemsOf(
  { state }: KnownSweep,
  facts: SweepFacts,
  batch: BatchState | undefined,
  page: Page,
  move: () => void,
): MenuItem[] {
  const actions = page.store.getInitialState();
  const choices = choicesOf(state);
  const images = (): string[] => {
    const { batches } = page.store.getState();
    return state.cells.flatMap((id) => batches[id ?? ""]?.generations ?? []).map(({ id }) => id);
  };
  const reuse = (of: BatchState, prompt: string): void => {
    actions.reuse(of);
    page.store.getState().setPrompt(prompt);
  };
  return [
    {
      icon: "zip",
      text: t.sweep.zip,
      testid: "zip-sweep",
      disabled: facts.finished.length === 0,
      onChoose: () => void savePack(page, facts.finished),
    },
    {
      icon: "copy",
      text: t.sweep.template,
      testid: "copy-template",
      onChoose: () => void copyWords(state.template, t.sweep.templateCopied, actions),
    },
    ...(choices !== null && batch
      ? [
          {
            icon: "settings" as const,
            text: t.sweep.reuse,
            testid: "reuse-sweep",
            onChoose: () => reuse(batch, choices),
          },
        ]
      : []),
    {
      icon: "check",
      text: t.sweep.select,
      testid: "select-sweep",
      apart: true,
      onChoose: () => selectImages(page, images()),
    },
    {
      icon: "retry",
      text: t.sweep.retryAll,
      disabled: facts.failed === 0,
      onChoose: () => void retryBatches(page, facts.failedBatches),
    },
    { icon: "move", text: t.sweep.move, testid: "move-sweep", disabled: !batch, onChoose: move },
    {
      icon: "delete",
      text: t.sweep.delete,
      testid: "delete-sweep",
      danger: true,
      apart: true,
      onChoose: () => void deleteSweep(page, state),
    },
  ];
}

/** A menu for each axis: where its values stand. */
export function AxisMenus({ sweep: { state, placement } }: { sweep: KnownSweep }) {
  const page = usePage();
  const { axes } = state;
  return (
    <>
      {severalOf(axes).map((axis) => {
        const { name = "" } = axes[axis] ?? {};
        const side = sideOf(placement, axis);
        const text = `${name}: ${t.sweep.sides[side]}`;
        return (
          <Menu
            key={name}
            icon="down"
            label={text}
            tip={t.sweep.axis(name)}
            text={text}
            testid={`axis-${name}`}
            items={() =>
              SIDES.map((each) => ({
                text: t.sweep.sides[each],
                testid: `side-${each}`,
                ...(each === side && { icon: "check" as const }),
                onChoose: () => sweepsIn(page.store).place(state.id, moved(placement, axis, each)),
              }))
            }
          />
        );
      })}
    </>
  );
}
