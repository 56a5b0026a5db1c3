// One generation: it keeps its place and shape from the skeleton to the image.
import type { HTMLAttributes } from "preact";
import { useRef, useState } from "preact/hooks";
import { errorText, worded } from "../lib/answer";
import { isLost } from "../lib/connection";
import { dragGeneration } from "../lib/drag";
import { labOffers } from "../lib/jupyterlab";
import { pressByKey } from "../lib/keyboard";
import { changeText, differenceText, elapsed, labelsOf, roughly } from "../lib/words";
import { wordsOf } from "../lib/words-of";
import type { Hidden as HiddenReason } from "../media";
import { t } from "../messages";
import type { BatchState, GenerationState } from "../protocol.gen";
import { Boundary } from "./boundary";
import { useActions, useBlobUrl, useNow, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { leaveTiles } from "./leave-tiles";
import type { LightboxTarget } from "./lightbox";
import { memo } from "./memo";
import { usePart } from "./part";
import { ErrorDetail, IconButton, tipped } from "./parts";

/**
 * Whether the device cannot hover: then all buttons are drawn at once, because a finger can only touch what it
 * sees.
 */
const NO_HOVER = matchMedia("(hover: none)");

interface TileProps {
  generation: GenerationState;
  batch: BatchState;
  /** What else its element has. It must stay the same between drawings. */
  own?: HTMLAttributes<HTMLLIElement>;
  /** The name of the image in a grid; without one, its number and its prompt are its name. */
  name?: string;
  /** Whether Tab stops at the image: in a grid at one image alone. */
  tab?: 0 | -1;
  onOpen(target: LightboxTarget): void;
}

export const Tile = memo((props: TileProps) => {
  const { generation, batch, own } = props;
  const { id, status, width, height, position } = generation;
  const selected = useStore((state) => state.selected.has(id));
  const selecting = useStore((state) => state.selected.size > 0);
  const usable = useStore((state) => state.usable);
  const actions = useActions();
  const page = usePage();
  // The buttons of a tile are drawn when the pointer or the focus comes to it: in a long feed they would be most
  // of the page, and most of the work of every scroll.
  const [met, setMet] = useState(NO_HOVER.matches);
  const meet = (): void => setMet(true);
  const ratio = status === "success" && width && height ? width / height : undefined;
  // Only an image that is finished while the user looks fades in: a layer for each image would slow every scroll.
  const first = useRef(status);
  return (
    <li
      class="ip-tile"
      data-testid="tile"
      data-generation-id={id}
      data-status={status}
      data-new={status !== first.current}
      data-selected={selected}
      data-selecting={selecting}
      style={ratio ? { "--ratio": ratio } : undefined}
      {...own}
      draggable={usable && status === "success"}
      onPointerEnter={meet}
      onFocusIn={meet}
      onDragStart={(event) => {
        dragGeneration(event, batch.id, id);
        // The part is loaded: the pointer has met the tile.
        const image = page.parts.get("tools")?.draggedImage(batch, id, page);
        if (image) labOffers()?.drag(image);
      }}
      onDragEnd={() => labOffers()?.drag(null)}
      // With a modifier key, or while other images are selected, a click selects the image instead of opening it.
      onClickCapture={(event) => {
        const reach = event.shiftKey ? "range" : "one";
        const onImage = event.target instanceof Element && event.target.closest("[data-select]");
        if (!usable || !onImage || !(selecting || event.shiftKey || event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        event.stopPropagation();
        actions.select(id, reach);
      }}
    >
      <Boundary name="tile">
        {status === "success" && <Finished {...props} met={met} />}
        {(status === "pending" || status === "processing") && <Running generation={generation} />}
        {(status === "error" || status === "cancelled") && <Stopped generation={generation} />}
      </Boundary>
      {(met || selecting) && (
        // biome-ignore lint/a11y/useSemanticElements: a checkbox would change by itself where Shift adds a range
        <button
          type="button"
          class="ip-tile-check"
          role="checkbox"
          aria-checked={selected}
          aria-label={t.tile.select(position + 1)}
          data-tip={t.tile.select(position + 1)}
          data-testid="select"
          inert={!usable}
          onClick={(event) => actions.select(id, event.shiftKey ? "range" : "one")}
        >
          <Icon name="check" size={14} />
        </button>
      )}
    </li>
  );
});

function Finished({ generation, batch, onOpen, met, name, tab }: TileProps & { met: boolean }) {
  const { media } = usePage();
  const actions = useActions();
  const usable = useStore((state) => state.usable);
  const { id, position, differences, starred, damaged } = generation;
  const url = useBlobUrl(media.thumbnails, id, true, media.wantedThumbnails);
  // Until the thumbnail arrives, the last preview is closer to it than a grey box.
  const preview = useBlobUrl(media.previews, id, true);
  const shown = url ?? preview;
  const reason = shown ? undefined : media.hidden.get(id);
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: Firefox drags nothing by a real button */}
      <div
        class="ip-tile-open"
        role="button"
        tabIndex={tab ?? 0}
        data-select
        aria-label={name ?? t.tile.open(position + 1, wordsOf(batch))}
        onClick={() => onOpen({ batchId: batch.id, generationId: id })}
        onKeyDown={pressByKey}
      >
        {shown ? (
          <img
            src={shown}
            alt={`${wordsOf(batch)} (${position + 1})`}
            decoding="async"
            draggable={false}
            data-testid={url ? "tile-image" : undefined}
            onError={() => media.thumbnails.delete(id)}
          />
        ) : (
          !reason && <span class="ip-skeleton" />
        )}
      </div>
      {reason && <Hidden generation={generation} reason={reason} />}
      <Labels generation={generation} />
      <div class="ip-tile-marks">
        {damaged && (
          <span class="ip-badge" {...tipped(t.tile.damagedHelp)} data-testid="damaged">
            {t.tile.damaged}
          </span>
        )}
        {differences.length > 0 && (
          <span
            class="ip-badge"
            {...tipped(differences.map(differenceText).join("\n"))}
            data-testid="differences"
          >
            {differences.length === 1 && differences[0]
              ? changeText(differences[0])
              : t.tile.changed(differences.length)}
          </span>
        )}
        {(met || starred) && (
          <button
            type="button"
            class="ip-star"
            aria-pressed={starred}
            aria-label={t.tile.star}
            data-tip={starred ? t.tile.unstarImage : t.tile.starImage}
            data-testid="star"
            inert={!usable}
            onClick={() => void actions.star([id], !starred)}
          >
            <Icon name="star" />
          </button>
        )}
      </div>
      {met && <Actions generation={generation} batch={batch} />}
    </>
  );
}

/** Why the image is not shown. Only a kernel tells the reason, so there is one to load the part. */
function Hidden(props: { generation: GenerationState; reason: HiddenReason }) {
  const { module } = usePart("tools");
  return module ? <module.NotShown {...props} /> : null;
}

/** What can be done with the image: nobody waits for it, so that nothing stands in its place until it is loaded. */
function Actions(props: Omit<TileProps, "onOpen">) {
  const { module } = usePart("tools");
  return module ? <module.TileActions {...props} /> : null;
}

/** How many scores and tags stand on a tile. The large view has all. */
const SHOWN_LABELS = 2;

/** The first scores and tags, on the lower edge of the picture. */
function Labels({ generation }: { generation: GenerationState }) {
  const labels = labelsOf(generation);
  if (labels.length === 0) return null;
  const more = labels.length - SHOWN_LABELS;
  return (
    <div class="ip-labels" data-testid="labels">
      {labels.slice(0, SHOWN_LABELS).map((label) => (
        <span key={label}>{label}</span>
      ))}
      {more > 0 && <span>+{more}</span>}
    </div>
  );
}

function Running({ generation }: { generation: GenerationState }) {
  const { media } = usePage();
  const actions = useActions();
  const usable = useStore((state) => state.usable);
  // The page does not know what became of this generation.
  const lost = useStore(isLost);
  const { id, batchId, status, startedAt, usualDuration, cancellable, position } = generation;
  const working = status === "processing" && !lost;
  const moved = useStore((state) => state.progress[id]);
  const clockAhead = useStore((state) => state.clockAhead ?? 0);
  const retryAt = lost ? null : (moved?.retryAt ?? null);
  const here = useNow(working || retryAt !== null);
  const now = here - clockAhead;
  const preview = useBlobUrl(media.previews, id, true);
  const share = moved?.progress ?? null;
  const queuePosition = moved?.queuePosition ?? null;
  const queued = status === "pending" || queuePosition !== null;
  return (
    <div class={preview || lost ? "ip-running" : "ip-running ip-shimmer"} data-select>
      {preview && <img class="ip-preview" src={preview} alt="" decoding="async" draggable={false} />}
      <div class="ip-running-words">
        <span>
          {lost
            ? t.tile.unfinished
            : retryAt !== null
              ? t.tile.limited(Math.max(0, Math.ceil((retryAt - here) / 1000)))
              : queued
                ? t.tile.queued(queuePosition)
                : t.tile.working}
        </span>
        {working && startedAt !== null && (
          <span class="ip-time" data-testid="elapsed">
            {elapsed(now - startedAt)}
          </span>
        )}
        {share !== null && !lost && <span class="ip-time">{Math.round(share * 100)}%</span>}
        {working && usualDuration && <p>{t.tile.usually(roughly(usualDuration))}</p>}
        {cancellable && !lost && (
          <span class="ip-running-cancel" inert={!usable}>
            <IconButton
              icon="close"
              label={t.tile.cancel}
              testid="cancel"
              onClick={() => void actions.cancel([batchId], id)}
            />
          </span>
        )}
      </div>
      {working && (
        <div
          class="ip-progress"
          role="progressbar"
          aria-label={t.tile.image(position + 1)}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={share === null ? undefined : Math.round(share * 100)}
          data-open={share === null}
        >
          <span style={{ scale: share === null ? "" : `${share} 1` }} />
        </div>
      )}
    </div>
  );
}

function Stopped({ generation }: { generation: GenerationState }) {
  const actions = useActions();
  const usable = useStore((state) => state.usable);
  const { id, batchId, status, error } = generation;
  const uncertain = error?.code === "uncertain";
  const words = error && worded(error);
  const message = status === "cancelled" ? t.tile.cancelled : (words?.message ?? t.tile.failed);
  return (
    <div class="ip-stopped" data-select>
      <Icon name={status === "cancelled" ? "cancelled" : "alert"} size={20} />
      <p class="ip-stopped-words" title={error ? errorText(error) : undefined}>
        <strong>{message}</strong>
        {words && <span>{words.next}</span>}
        {words?.detail && <ErrorDetail text={words.detail} />}
      </p>
      <div class="ip-stopped-actions" inert={!usable}>
        <IconButton
          icon="retry"
          label={t.tile.retry}
          text={t.tile.retry}
          testid="retry"
          onClick={() => void actions.retry(batchId, id)}
        />
        <IconButton
          icon="delete"
          label={uncertain ? t.tile.discard : t.tile.delete}
          tone="danger"
          testid="delete-generation"
          onClick={() => {
            leaveTiles([id]);
            void actions.deleteGenerations([id]);
          }}
        />
      </div>
    </div>
  );
}
