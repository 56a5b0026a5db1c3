// A sweep in the feed: its words, and its grid in the room that the feed has.
import { useEffect } from "preact/hooks";
import { dragBatches } from "../lib/drag";
import type { Place } from "../lib/neighbours";
import { factsOf } from "../lib/sweep-facts";
import { gridOf } from "../lib/sweep-grid";
import { planOf, type Space } from "../lib/sweep-room";
import { t } from "../messages/sweep";
import type { BatchState, ErrorState } from "../protocol.gen";
import { type Sweep, sweepsIn } from "../slices/sweeps";
import type { State } from "../store";
import { usePage, useStore } from "./context";
import { usePart } from "./part";
import { type KnownSweep, SweepGrid, shapesOf } from "./sweep-grid";
import { SweepMeta, Template } from "./sweep-head";
import { SweepTools } from "./sweep-tools";

interface SweepCardProps {
  /** The batch that stands for the sweep. */
  batch: BatchState;
  /** The visible part of the feed, in pixels. */
  sight: Space;
  onOpen(target: Place): void;
}

/** The height of the words of a card, of the line of the day above it, and of the room below it, in pixels. */
const HEAD = 56;
const DAY = 34;
const BELOW = 22;

export function SweepCard({ batch, sight, onOpen }: SweepCardProps) {
  const { store } = usePage();
  const id = batch.sweepId ?? "";
  const live = useStore((state) => state.live);
  const size = useStore(({ config }) => config.panels.tileSize);
  const sweep = useStore((state) => state.sweeps?.known[id]);
  useEffect(() => (live ? sweepsIn(store).show(id) : undefined), [store, id, live]);
  return (
    <article
      class="ip-batch ip-sweep"
      data-testid="sweep"
      data-batch-id={id}
      aria-label={nameOf(sweep, batch)}
    >
      {isKnown(sweep) ? (
        <>
          <Head sweep={sweep} batch={batch} onOpen={onOpen} />
          <SweepGrid sweep={sweep} space={spaceIn(sight)} want={{ size }} onOpen={onOpen} />
        </>
      ) : (
        <header class="ip-batch-head">
          <p class="ip-batch-words">{batch.prompt}</p>
        </header>
      )}
      {sweep?.failed ? (
        <Failed error={sweep.failed} onRetry={() => sweepsIn(store).retry(id)} />
      ) : (
        !isKnown(sweep) && (
          <div class="ip-sweep-loading ip-skeleton" role="status" aria-label={t.sweep.waits} />
        )
      )}
    </article>
  );
}

function Failed(props: { error: ErrorState; onRetry(): void }) {
  const { module } = usePart("tools");
  return module ? <module.FeedFailed {...props} /> : null;
}

function nameOf(sweep: Sweep | undefined, { prompt }: BatchState): string {
  const text = sweep?.state?.template ?? prompt;
  return t.sweep.label(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function isKnown(sweep: Sweep | undefined): sweep is KnownSweep {
  return !!sweep?.state;
}

/** Return the room for the grid of a card: so high that all of the card is in sight. */
function spaceIn({ width, height }: Space): Space {
  return { width, height: Math.max(height - DAY - HEAD - BELOW, 220) };
}

/** Return how high the card of a sweep is, in pixels; undefined as long as the sweep is not known. */
export function heightOf({ sweeps, batches, config }: State, id: string, sight: Space): number | undefined {
  const { state, placement } = sweeps?.known[id] ?? {};
  if (!state || !placement) return undefined;
  const space = spaceIn(sight);
  const shapes = shapesOf(state, batches);
  const plan = planOf(gridOf(state, placement), (cell) => shapes[cell] ?? { ratio: 1, count: 1 }, space, {
    size: config.panels.tileSize,
  });
  return HEAD + Math.min(plan.height, space.height);
}

function Head({ sweep, batch, onOpen }: Omit<SweepCardProps, "sight"> & { sweep: KnownSweep }) {
  const { state } = sweep;
  const usable = useStore((all) => all.usable);
  const batches = useStore((all) => all.batches);
  const facts = factsOf(state, batches);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the menu moves it by keyboard
    <header
      class="ip-batch-head"
      draggable={usable}
      onDragStart={(event) => {
        dragBatches(event, state.asked);
        event.dataTransfer?.setData("text/plain", state.template);
      }}
    >
      <div class="ip-batch-words">
        <h4 class="ip-sweep-template" title={usable ? t.sweep.drag : undefined}>
          <Template sweep={state} />
        </h4>
        <SweepMeta sweep={state} facts={facts} />
      </div>
      <SweepTools sweep={sweep} facts={facts} batch={batch} onOpen={onOpen} />
    </header>
  );
}
