// One generation: it keeps its place and shape from the skeleton to the image.
import { useRef } from "preact/hooks";
import { differenceText, elapsed } from "../lib/words";
import type { BatchState, GenerationState } from "../protocol.gen";
import { useActions, useBlobUrl, useNow, useOnScreen, usePage, useStore } from "./context";
import { saveOriginal } from "./download";
import { Icon } from "./icon";
import type { LightboxTarget } from "./lightbox";
import { memo } from "./memo";
import { IconButton } from "./parts";

interface TileProps {
  generation: GenerationState;
  batch: BatchState;
  onOpen(target: LightboxTarget): void;
}

export const Tile = memo(({ generation, batch, onOpen }: TileProps) => {
  const element = useRef<HTMLLIElement>(null);
  const onScreen = useOnScreen(element);
  const { id, status, width, height } = generation;
  const ratio = status === "success" && width && height ? width / height : undefined;
  return (
    <li
      ref={element}
      class="ip-tile"
      data-testid="tile"
      data-generation-id={id}
      data-status={status}
      style={ratio ? { "--ratio": ratio } : undefined}
    >
      {status === "success" && (
        <Finished generation={generation} batch={batch} onScreen={onScreen} onOpen={onOpen} />
      )}
      {(status === "pending" || status === "processing") && (
        <Running generation={generation} onScreen={onScreen} />
      )}
      {(status === "error" || status === "cancelled") && <Stopped generation={generation} />}
    </li>
  );
});

function Finished({ generation, batch, onScreen, onOpen }: TileProps & { onScreen: boolean }) {
  const { media } = usePage();
  const actions = useActions();
  const live = useStore((state) => state.live);
  const { id, position, seed, differences } = generation;
  const url = useBlobUrl(media.thumbnails, id, onScreen, media.wantedThumbnails);
  // Until the thumbnail is there, the last preview is nearer to it than a grey box.
  const preview = useBlobUrl(media.previews, id, onScreen);
  const shown = url ?? preview;
  return (
    <>
      <button
        type="button"
        class="ip-tile-open"
        aria-label={`Open image ${position + 1}: ${batch.prompt}`}
        onClick={() => onOpen({ batchId: batch.id, generationId: id })}
      >
        {shown ? (
          <img
            src={shown}
            alt={`${batch.prompt} (${position + 1})`}
            decoding="async"
            draggable={false}
            data-testid={url ? "tile-image" : undefined}
            onError={() => media.thumbnails.delete(id)}
          />
        ) : (
          <span class="ip-skeleton" />
        )}
      </button>
      {differences.length > 0 && (
        <span class="ip-badge" title={differences.map(differenceText).join("\n")} data-testid="differences">
          {differences.length === 1 && differences[0]
            ? differenceText(differences[0])
            : `${differences.length} changed`}
        </span>
      )}
      <div class="ip-tile-actions" inert={!live}>
        <IconButton
          icon="download"
          label="Download the original"
          testid="download"
          onClick={() => void saveOriginal(media, id, actions)}
        />
        {seed !== null && (
          <IconButton
            icon="seed"
            label={`Use seed ${seed} again`}
            testid="reuse-seed"
            onClick={() => actions.reuseSeed(batch, seed)}
          />
        )}
        <IconButton
          icon="delete"
          label="Delete this image"
          tone="danger"
          testid="delete-generation"
          onClick={() => void actions.deleteGenerations([id])}
        />
      </div>
    </>
  );
}

function Running({ generation, onScreen }: { generation: GenerationState; onScreen: boolean }) {
  const { media } = usePage();
  const actions = useActions();
  const live = useStore((state) => state.live);
  const { id, batchId, status, startedAt, cancellable } = generation;
  const moved = useStore((state) => state.progress[id]);
  const now = useNow(onScreen && status === "processing");
  const preview = useBlobUrl(media.previews, id, onScreen);
  const share = moved?.progress ?? null;
  const position = moved?.queuePosition ?? null;
  const queued = status === "pending" || position !== null;
  return (
    <div class={`ip-running ${preview ? "" : "ip-shimmer"}`}>
      {preview && <img class="ip-preview" src={preview} alt="" decoding="async" draggable={false} />}
      <div class="ip-running-words">
        <span>{queued ? queueText(position) : "Working"}</span>
        {status === "processing" && startedAt !== null && (
          <span class="ip-time">{elapsed(now - startedAt)}</span>
        )}
        {share !== null && <span class="ip-time">{Math.round(share * 100)} %</span>}
        {cancellable && (
          <span class="ip-running-cancel" inert={!live}>
            <IconButton
              icon="close"
              label="Cancel"
              testid="cancel"
              onClick={() => void actions.cancel(batchId, id)}
            />
          </span>
        )}
      </div>
      {status === "processing" && (
        <div
          class="ip-progress"
          role="progressbar"
          aria-label={`Image ${generation.position + 1}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={share === null ? undefined : Math.round(share * 100)}
          data-open={share === null}
        >
          <span style={{ width: `${(share ?? 0) * 100}%` }} />
        </div>
      )}
    </div>
  );
}

function queueText(position: number | null): string {
  return position === null ? "Queued" : `Queued · ${position}`;
}

function Stopped({ generation }: { generation: GenerationState }) {
  const actions = useActions();
  const live = useStore((state) => state.live);
  const { id, batchId, status, error } = generation;
  const uncertain = error?.code === "uncertain";
  const message = status === "cancelled" ? "Cancelled" : (error?.message ?? "It failed.");
  return (
    <div class="ip-stopped">
      <Icon name={status === "cancelled" ? "cancelled" : "alert"} size={20} />
      <p class="ip-stopped-words" title={error ? `${error.message} ${error.nextStep}` : undefined}>
        <strong>{message}</strong>
        {error && <span>{error.nextStep}</span>}
      </p>
      <div class="ip-stopped-actions" inert={!live}>
        <IconButton
          icon="retry"
          label="Retry"
          text="Retry"
          testid="retry"
          onClick={() => void actions.retry(batchId, id)}
        />
        <IconButton
          icon="delete"
          label={uncertain ? "Discard" : "Delete"}
          tone="danger"
          testid="delete-generation"
          onClick={() => void actions.deleteGenerations([id])}
        />
      </div>
    </div>
  );
}
