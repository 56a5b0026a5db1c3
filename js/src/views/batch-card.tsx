// One batch in the feed: its prompt and settings, and its tiles.
import { useState } from "preact/hooks";
import { dragBatches } from "../lib/drag";
import { differenceText, sizeText, took } from "../lib/words";
import { wordsOf } from "../lib/words-of";
import { t } from "../messages";
import type { BatchState } from "../protocol.gen";
import { stoppable, stoppableOfClick } from "../slices/queue";
import { useActions, usePage, useStore } from "./context";
import { copyWords } from "./copy";
import { CostAndTime } from "./cost-and-time";
import type { LightboxTarget } from "./lightbox";
import { memo } from "./memo";
import { Menu } from "./menu";
import { PartDialog, usePart } from "./part";
import { IconButton } from "./parts";
import { ReferenceThumbs } from "./references-thumbs";
import { Tile } from "./tile";

interface BatchCardProps {
  batch: BatchState;
  onOpen(target: LightboxTarget): void;
}

export const BatchCard = memo(({ batch, onOpen }: BatchCardProps) => {
  const { id, generations } = batch;
  const prompt = wordsOf(batch);
  const [open, setOpen] = useState(false);
  const usable = useStore((state) => state.usable);
  return (
    <article
      class="ip-batch"
      data-testid="batch"
      data-batch-id={id}
      aria-label={prompt.length > 80 ? `${prompt.slice(0, 80)}…` : prompt}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the menu moves it by keyboard */}
      <header
        class="ip-batch-head"
        draggable={usable && !open}
        onDragStart={(event) => {
          dragBatches(event, [id]);
          event.dataTransfer?.setData("text/plain", prompt);
        }}
      >
        <div class="ip-batch-words">
          <button
            type="button"
            class={open ? "ip-batch-prompt ip-open" : "ip-batch-prompt"}
            aria-expanded={open}
            data-tip={open ? t.batch.showLess : undefined}
            // All of a prompt that is cut off: longer than a tip should be.
            title={open ? undefined : usable ? `${prompt}\n${t.batch.drag}` : prompt}
            onClick={() => {
              // Selecting a part of the text is not a click.
              if (!open || String(getSelection()) === "") setOpen(!open);
            }}
          >
            {prompt}
          </button>
          <Facts batch={batch} />
          <Elsewhere topicId={batch.topicId} />
        </div>
        {batch.references.length > 0 && <ReferenceThumbs references={batch.references} />}
        <Actions batch={batch} />
      </header>
      <ul class="ip-tiles" style={{ "--ratio": ratioOf(batch) }} aria-label={t.batch.images}>
        {generations.map((generation) => (
          <Tile key={generation.id} generation={generation} batch={batch} onOpen={onOpen} />
        ))}
      </ul>
    </article>
  );
});

/** The topic of a batch that was found in another one. Only a kernel searches, so there is one to load the part. */
function Elsewhere({ topicId }: { topicId: string }) {
  const { module } = usePart("tools");
  return module ? <module.Elsewhere topicId={topicId} /> : null;
}

function Facts({ batch }: { batch: BatchState }) {
  const { modelTitle, model, width, height, generations, cost, costEstimated, createdAt } = batch;
  const starts = generations.map(({ startedAt }) => startedAt).filter((time) => time !== null);
  const ends = generations.map(({ finishedAt }) => finishedAt).filter((time) => time !== null);
  const done = ends.length === generations.length && starts.length > 0;
  const changed = [...new Set(generations.flatMap(({ differences }) => differences.map(differenceText)))];
  return (
    <p class="ip-meta">
      <span data-tip={model}>{modelTitle}</span>
      {width && height && <span>{sizeText(width, height)}</span>}
      {generations.length > 1 && <span>×{generations.length}</span>}
      {done && <span>{took(Math.max(...ends) - Math.min(...starts))}</span>}
      <CostAndTime cost={cost} estimated={costEstimated} at={createdAt} />
      {changed.length > 0 && (
        <span class="ip-changed" data-tip={changed.join("\n")} data-testid="batch-differences">
          {changed.length === 1 ? changed[0] : t.tile.changed(changed.length)}
        </span>
      )}
    </p>
  );
}

function Actions({ batch }: { batch: BatchState }) {
  const { id, generations, prompt } = batch;
  const page = usePage();
  const actions = useActions();
  const usable = useStore((state) => state.usable);
  const [moving, setMoving] = useState(false);
  const failed = generations.some(({ status }) => status === "error" || status === "cancelled");
  const together = useStore((state) => stoppableOfClick(state, batch).length);
  const copyPrompt = (): void => void copyWords(prompt, t.batch.promptCopied, actions);
  return (
    <div class="ip-actions" inert={!usable}>
      {usable && stoppable(batch) && (
        <IconButton
          icon="stop"
          label={t.batch.cancel(together)}
          text={t.tile.cancel}
          testid="cancel-batch"
          onClick={() => void actions.cancelClick(batch)}
        />
      )}
      {failed && (
        <IconButton
          icon="retry"
          label={t.batch.retry}
          testid="retry-batch"
          onClick={() => void actions.retry(id)}
        />
      )}
      <span class="ip-wide">
        {prompt && (
          <IconButton icon="copy" label={t.batch.copyPrompt} testid="copy-prompt" onClick={copyPrompt} />
        )}
        <IconButton
          icon="settings"
          label={t.batch.reuse}
          testid="reuse"
          onClick={() => actions.reuse(batch)}
        />
      </span>
      <Menu
        icon="more"
        label={t.batch.more}
        testid="batch-menu"
        items={(tools) => tools.batchItems(batch, page, { copyPrompt, move: () => setMoving(true) })}
      />
      {moving && (
        <PartDialog name="tools" label={t.batch.moveTitle} onClose={() => setMoving(false)}>
          {({ MoveDialog }) => <MoveDialog batch={batch} onClose={() => setMoving(false)} />}
        </PartDialog>
      )}
    </div>
  );
}

/** Return the shape of a batch's tiles, width divided by height. */
export function ratioOf({ width, height, generations }: BatchState): number {
  if (width && height) return width / height;
  const known = generations.find((generation) => generation.width && generation.height);
  return known?.width && known.height ? known.width / known.height : 1;
}
