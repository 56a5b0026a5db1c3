// One request in the feed: what was asked for, and its tiles.
import { useState } from "preact/hooks";
import { dollars } from "../lib/price";
import { sizeText, took } from "../lib/words";
import type { BatchState } from "../protocol.gen";
import { isRunning } from "../slices/batches";
import { useActions, useStore } from "./context";
import type { LightboxTarget } from "./lightbox";
import { memo } from "./memo";
import { IconButton } from "./parts";
import { Tile } from "./tile";

interface BatchCardProps {
  batch: BatchState;
  onOpen(target: LightboxTarget): void;
}

export const BatchCard = memo(({ batch, onOpen }: BatchCardProps) => {
  const { id, generations, prompt } = batch;
  const [open, setOpen] = useState(false);
  const actions = useActions();
  const live = useStore((state) => state.live);
  const failed = generations.some(({ status }) => status === "error" || status === "cancelled");
  const stoppable = generations.some((generation) => isRunning(generation) && generation.cancellable);
  return (
    <li class="ip-batch" data-testid="batch" data-batch-id={id}>
      <header class="ip-batch-head">
        <div class="ip-batch-words">
          <button
            type="button"
            class={`ip-batch-prompt ${open ? "ip-open" : ""}`}
            aria-expanded={open}
            title={open ? "Show less" : prompt}
            onClick={() => setOpen(!open)}
          >
            {prompt}
          </button>
          <p class="ip-meta">
            {metaOf(batch).map((part) => (
              <span key={part}>{part}</span>
            ))}
          </p>
        </div>
        <div class="ip-actions" inert={!live}>
          {failed && (
            <IconButton
              icon="retry"
              label="Retry all that failed"
              testid="retry-batch"
              onClick={() => actions.retry(id)}
            />
          )}
          {stoppable && (
            <IconButton
              icon="cancelled"
              label="Cancel this batch"
              testid="cancel-batch"
              onClick={() => actions.cancel(id)}
            />
          )}
          <IconButton
            icon="settings"
            label="Use these settings again"
            testid="reuse"
            onClick={() => actions.reuse(batch)}
          />
          <IconButton
            icon="delete"
            label="Delete this batch"
            tone="danger"
            testid="delete-batch"
            onClick={() => actions.deleteBatches([id])}
          />
        </div>
      </header>
      <ul
        class="ip-tiles"
        data-count={generations.length}
        style={{ "--ratio": ratioOf(batch) }}
        aria-label="Images"
      >
        {generations.map((generation) => (
          <Tile key={generation.id} generation={generation} batch={batch} onOpen={onOpen} />
        ))}
      </ul>
    </li>
  );
});

function ratioOf({ width, height, generations }: BatchState): number {
  if (width && height) return width / height;
  const known = generations.find((generation) => generation.width && generation.height);
  return known?.width && known.height ? known.width / known.height : 1;
}

function metaOf(batch: BatchState): string[] {
  const { modelTitle, width, height, generations, cost } = batch;
  const starts = generations.map((generation) => generation.startedAt).filter((time) => time !== null);
  const ends = generations.map((generation) => generation.finishedAt).filter((time) => time !== null);
  const done = ends.length === generations.length && starts.length > 0;
  return [
    modelTitle,
    sizeText(width, height),
    generations.length > 1 ? `×${generations.length}` : "",
    done ? took(Math.max(...ends) - Math.min(...starts)) : "",
    cost === null ? "" : dollars(cost),
  ].filter((part) => part !== "");
}
