// The grid of a sweep: its cells in their places, of which only those near the screen are drawn.
import { useCallback, useMemo } from "preact/hooks";
import type { Place } from "../lib/neighbours";
import { boardOf } from "../lib/sweep-board";
import { cellName, gridOf } from "../lib/sweep-grid";
import {
  columnsNear,
  type FacetSpot,
  type Frame,
  fitted,
  isNear,
  type LineSpot,
  leftOf,
  type Plan,
  planOf,
  type Shape,
  type Space,
  type Width,
} from "../lib/sweep-room";
import { t } from "../messages/sweep";
import type { BatchState, GenerationState, SweepState } from "../protocol.gen";
import type { Sweep } from "../slices/sweeps";
import { ratioOf } from "./batch-card";
import { useStore } from "./context";
import { memo } from "./memo";
import { Tile } from "./tile";
import { useAhead } from "./use-ahead";
import { useFrame, useSteps } from "./use-sweep-steps";

export type KnownSweep = Sweep & { state: SweepState };

interface SweepGridProps {
  sweep: KnownSweep;
  /** The room in which the grid should be in sight, in pixels. */
  space: Space;
  want: Width;
  onOpen(target: Place): void;
}

/** How far beyond the screen cells are drawn, in pixels. */
const NEAR = 360;
const NOTHING: readonly GenerationState[] = [];

export function SweepGrid({ sweep, space, want, onOpen }: SweepGridProps) {
  const { state } = sweep;
  const batches = useStore((all) => all.batches);
  const plan = usePlan(sweep, batches, space, want);
  const { scroller, frame, onScroll } = useFrame(space);
  const imagesIn = (cell: number): readonly GenerationState[] =>
    batches[state.cells[cell] ?? ""]?.generations ?? NOTHING;
  const board = useMemo(() => boardOf(plan, imagesIn), [plan, batches, state.cells]);
  const { tabbed, onFocusIn, onKeyDown } = useSteps(board, scroller, state.id);
  const open = useCallback((target: Place) => onOpen({ ...target, sweepId: state.id }), [onOpen, state.id]);
  /** The cell where Tab stops, which is always drawn: it may have the focus. */
  const held = state.cells.findIndex((_, cell) => imagesIn(cell).some(({ id }) => id === tabbed));
  useLinesAhead(plan, frame, imagesIn);
  const drawn: Drawn = { sweep, plan, frame, batches, tabbed, held, onOpen: open };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows move between the images in it
    <div
      ref={scroller}
      class="ip-sweep-scroll"
      // Without an image in it that takes the focus, it is scrolled by keys itself.
      tabIndex={tabbed === undefined ? 0 : -1}
      data-testid="sweep-scroll"
      data-tiles={plan.image < 116 ? "tiny" : plan.image < 170 ? "small" : "large"}
      data-words={plan.wraps && plan.heads > 0}
      data-aside={frame.left > 0}
      data-down={frame.top > 0}
      style={{
        maxHeight: `${space.height}px`,
        "--ip-labels": `${plan.labels}px`,
        "--ip-heads": `${plan.heads}px`,
        "--ip-heading": `${plan.heading}px`,
        "--ip-image": `${plan.image}px`,
        "--ip-across": plan.across,
      }}
      onScroll={onScroll}
      onFocusIn={onFocusIn}
      onKeyDown={onKeyDown}
    >
      <div class="ip-sweep-canvas" style={{ width: `${plan.width}px`, height: `${plan.height}px` }}>
        {plan.facets.map((facet, at) =>
          isNear(frame, facet.top, facet.top + facet.height, NEAR) || has(facet, held) ? (
            <Facet key={at} facet={facet} {...drawn} />
          ) : null,
        )}
      </div>
    </div>
  );
}

/** Return where the cells stand: the same object as long as no shape changes. */
function usePlan(
  { state, placement }: KnownSweep,
  batches: Readonly<Record<string, BatchState>>,
  { width, height }: Space,
  want: Width,
): Plan {
  const shapes = shapesOf(state, batches);
  const told = shapes.map(({ ratio, count }) => `${ratio}x${count}`).join();
  return useMemo(
    () => planOf(gridOf(state, placement), (cell) => shapes[cell] ?? SQUARE, { width, height }, want),
    [JSON.stringify(state.axes), placement, told, width, height, JSON.stringify(want)],
  );
}

const SQUARE: Shape = { ratio: 1, count: 1 };

/** Return the shapes of all cells. One whose batch is not known has the shape of the first that is. */
export function shapesOf(
  { cells }: Pick<SweepState, "cells">,
  batches: Readonly<Record<string, BatchState>>,
): Shape[] {
  const known = cells.map((id) => {
    const batch = batches[id ?? ""];
    return batch && { ratio: ratioOf(batch), count: Math.max(batch.generations.length, 1) };
  });
  const first = known.find((shape) => shape !== undefined) ?? SQUARE;
  return known.map((shape) => shape ?? first);
}

/** Fetch the thumbnails of the lines that scrolling shows next. */
function useLinesAhead(
  plan: Plan,
  frame: Frame,
  imagesIn: (cell: number) => readonly GenerationState[],
): void {
  const lines = useMemo(
    () => plan.facets.flatMap((facet) => facet.lines.map((line) => ({ ...line, top: facet.top + line.top }))),
    [plan],
  );
  const [from, to] = columnsNear(plan, frame, NEAR);
  const rows = lines.flatMap(({ top, height }, index) =>
    isNear(frame, top, top + height, NEAR) ? { key: "", index, top, passing: false } : [],
  );
  useAhead(rows, (index) =>
    lines[index]?.cells
      .slice(from, to)
      .flatMap((cell) => imagesIn(cell).filter(({ status }) => status === "success"))
      .map(({ id }) => id),
  );
}

interface Drawn {
  sweep: KnownSweep;
  plan: Plan;
  frame: Frame;
  batches: Readonly<Record<string, BatchState>>;
  /** The image where Tab stops, and its cell. */
  tabbed: string | undefined;
  held: number;
  onOpen(target: Place): void;
}

function has({ lines }: FacetSpot, cell: number): boolean {
  return lines.some(({ cells }) => cells.includes(cell));
}

/** One grid of the sweep, with its labels. */
function Facet({ facet, ...drawn }: Drawn & { facet: FacetSpot }) {
  const { plan, frame, held } = drawn;
  const { axes } = drawn.sweep.state;
  const several = axes.filter(({ labels }) => labels.length > 1).map(({ name }) => name);
  const [from, to] = columnsNear(plan, frame, NEAR);
  const heads = plan.wraps || plan.heads === 0 ? 0 : 1;
  return (
    <section class="ip-sweep-facet" style={{ top: `${facet.top}px`, height: `${facet.height}px` }}>
      {facet.title && <p class="ip-sweep-title">{facet.title}</p>}
      {/* biome-ignore lint/a11y/useSemanticElements: a table cannot leave out what is not near the screen */}
      <div
        class="ip-sweep-grid"
        role="grid"
        aria-label={facet.title || t.sweep.grid(several.join(", "))}
        aria-rowcount={facet.lines.length + heads}
        aria-colcount={plan.columns + (plan.labels ? 1 : 0)}
      >
        {heads > 0 && <Heads plan={plan} names={columnsOf(drawn.sweep)} from={from} to={to} />}
        {facet.lines.map((line, at) =>
          isNear(frame, facet.top + line.top, facet.top + line.top + line.height, NEAR) ||
          line.cells.includes(held) ? (
            <Line key={at} line={line} row={at + heads + 1} from={from} to={to} {...drawn} />
          ) : null,
        )}
      </div>
    </section>
  );
}

function columnsOf({ state, placement }: KnownSweep): readonly string[] {
  return gridOf(state, placement).columns;
}

interface HeadsProps {
  plan: Plan;
  names: readonly string[];
  from: number;
  to: number;
}

/** The values across, above the cells. */
function Heads({ plan, names, from, to }: HeadsProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: see above
    // biome-ignore lint/a11y/useFocusableInteractive: the images have the focus
    <div class="ip-sweep-heads" role="row" aria-rowindex={1}>
      {plan.labels > 0 && <span class="ip-sweep-corner" aria-hidden="true" />}
      {names.slice(from, to).map((name, at) => (
        // biome-ignore lint/a11y/useSemanticElements: see above
        // biome-ignore lint/a11y/useFocusableInteractive: the images have the focus
        <span
          key={from + at}
          class="ip-sweep-head"
          role="columnheader"
          aria-colindex={from + at + (plan.labels ? 2 : 1)}
          title={name}
          style={{ left: `${leftOf(plan, from + at)}px`, width: `${plan.cell}px` }}
        >
          <span>{name}</span>
        </span>
      ))}
    </div>
  );
}

interface LineProps extends Drawn {
  line: LineSpot;
  row: number;
  from: number;
  to: number;
}

/** A line of cells, with the value that they share. */
function Line({ line, row, from, to, ...drawn }: LineProps) {
  const { plan, sweep, batches, tabbed, held, onOpen } = drawn;
  const { axes, cells } = sweep.state;
  const names = plan.wraps && plan.heads > 0 ? columnsOf(sweep) : [];
  return (
    // biome-ignore lint/a11y/useSemanticElements: see above
    // biome-ignore lint/a11y/useFocusableInteractive: the images have the focus
    <div
      class="ip-sweep-line"
      role="row"
      aria-rowindex={row}
      style={{ top: `${line.top}px`, height: `${line.height}px` }}
    >
      {plan.labels > 0 && (
        // biome-ignore lint/a11y/useSemanticElements: see above
        // biome-ignore lint/a11y/useFocusableInteractive: the images have the focus
        <span class="ip-sweep-label" role="rowheader" aria-colindex={1} title={line.label}>
          <span>{line.label}</span>
        </span>
      )}
      {line.cells.map((cell, at) =>
        (at >= from && at < to) || cell === held ? (
          <Cell
            key={cell}
            name={cellName(axes, cell)}
            word={names[line.from + at] ?? ""}
            column={at + (plan.labels ? 2 : 1)}
            left={leftOf(plan, at)}
            plan={plan}
            batch={batches[cells[cell] ?? ""]}
            gone={sweep.complete}
            tabbed={cell === held ? tabbed : undefined}
            onOpen={onOpen}
          />
        ) : null,
      )}
    </div>
  );
}

interface CellProps {
  name: string;
  /** What is written above its images. */
  word: string;
  column: number;
  left: number;
  plan: Plan;
  batch: BatchState | undefined;
  /** A batch that is not known was deleted, and is not on its way. */
  gone: boolean;
  tabbed: string | undefined;
  onOpen(target: Place): void;
}

/** The images of one combination of values. */
const Cell = memo(({ name, word, column, left, plan, batch, gone, tabbed, onOpen }: CellProps) => {
  const ratio = batch ? ratioOf(batch) : 1;
  return (
    // biome-ignore lint/a11y/useSemanticElements: see above
    // biome-ignore lint/a11y/useFocusableInteractive: the images have the focus
    <div
      class="ip-sweep-cell"
      role="gridcell"
      aria-colindex={column}
      data-testid="sweep-cell"
      data-cell={name}
      style={{ left: `${left}px`, width: `${plan.cell}px` }}
    >
      {word && (
        <p class="ip-sweep-word" title={word}>
          {word}
        </p>
      )}
      {batch ? (
        <ul class="ip-sweep-images" aria-label={name || t.batch.images}>
          {batch.generations.map((generation) => (
            <Image
              key={generation.id}
              batch={batch}
              generation={generation}
              ratio={ratio}
              width={plan.image}
              name={t.sweep.image(name, generation.position + 1)}
              tab={generation.id === tabbed ? 0 : -1}
              onOpen={onOpen}
            />
          ))}
        </ul>
      ) : gone ? (
        <p class="ip-sweep-gone" data-tip={t.sweep.deletedHelp} data-testid="sweep-gone">
          {t.sweep.deleted}
        </p>
      ) : (
        <p class="ip-sweep-waits ip-skeleton" role="status" aria-label={t.sweep.waits} />
      )}
    </div>
  );
});

interface ImageProps {
  batch: BatchState;
  generation: GenerationState;
  /** The shape of the other images of its batch, for as long as it has none. */
  ratio: number;
  /** The width of its place, in pixels. */
  width: number;
  name: string;
  tab: 0 | -1;
  onOpen(target: Place): void;
}

function Image({ generation, ratio, width, ...given }: ImageProps) {
  const own = generation.width && generation.height ? generation.width / generation.height : ratio;
  // The same object as long as nothing changes: only then the tile is not drawn again.
  const box = useMemo(() => {
    const space = fitted(own, width);
    return { style: { width: `${space.width}px`, height: `${space.height}px` } };
  }, [own, width]);
  return <Tile generation={generation} own={box} {...given} />;
}
