// One image large: the original on demand, with a way through the whole feed; or two images side by side.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { errorState, errorText } from "../lib/answer";
import { fly } from "../lib/flight";
import type { Size } from "../lib/geometry";
import { type Neighbour, neighbour, neighbourAmong, type Place } from "../lib/neighbours";
import { placesOf } from "../lib/sweep-grid";
import { differenceText, sizeText } from "../lib/words";
import { wordsOf } from "../lib/words-of";
import { FITTED, linePlace, lineShare, trueScale, type Zoom, zoomed } from "../lib/zoom";
import type { Hidden } from "../media";
import { t as edits } from "../messages/edit";
import { t } from "../messages/large";
import { viewOf } from "../originals";
import type { BatchState, ErrorState, GenerationState, VersionState } from "../protocol.gen";
import { addImage } from "../slices/adding";
import { batchOf, NO_FEED, shownFeed } from "../slices/batches";
import { FOUND } from "../slices/filter";
import { type Page, useActions, useBlobUrl, usePage, useStore } from "./context";
import { saveOriginal } from "./download";
import { editImage } from "./edit-image";
import { followUpItems } from "./follow-up-items";
import { Icon } from "./icon";
import { Info } from "./lightbox-info";
import { Menu } from "./menu";
import { useModal } from "./modal";
import { NotShown } from "./not-shown";
import { Notices } from "./notices";
import { IconButton, Segments, tipped } from "./parts";
import { useVersions, VersionStrip } from "./versions";
import { ZoomArea, ZoomedImage } from "./zoom-area";

export type LightboxTarget = Place;

const ZOOM_STEP = 1.5;
const NO_STAGE: Size = { width: 0, height: 0 };

interface LightboxProps {
  target: LightboxTarget;
  /** The small picture was shown large before. */
  waited: boolean;
  onMove(target: LightboxTarget): void;
  onClose(): void;
}

/** The picture of an image: the original, or the thumbnail until the original has arrived. */
interface Seen {
  batch: BatchState;
  generation: GenerationState;
  src: string | undefined;
  full: boolean;
  error: ErrorState | undefined;
  /** Why the image is not shown. */
  hidden: Hidden | undefined;
  box: Size;
  /** The browser could not draw the picture. */
  onRefused(): void;
}

type Compare = "sides" | "slider";

export function Lightbox({ target, waited, onMove, onClose }: LightboxProps) {
  const dialog = useModal();
  const [zoom, setZoom] = useState<Zoom>(FITTED);
  const [stage, setStage] = useState<Size>(NO_STAGE);
  const [info, setInfo] = useState(false);
  const [pinned, setPinned] = useState<LightboxTarget | null>(null);
  const [compare, setCompare] = useState<Compare>("sides");
  useFlight(dialog, target, stage.width > 0 && !waited);
  const found = useSeen(target);
  const other = useSeen(pinned);
  const way = useWay(target, (place) => {
    setZoom(FITTED);
    onMove(place);
  });
  const versions = useVersions(target, (place) => {
    setZoom(FITTED);
    onMove(place);
  });
  const usable = useStore((state) => state.usable);
  const page = usePage();
  const actions = useActions();
  useLeaving(page, target);
  // If the image was deleted, here or elsewhere, the next one takes its place before a key can still act on the old
  // one.
  const { leave } = way;
  useLayoutEffect(() => {
    if (!found && !leave()) onClose();
  }, [found, leave, onClose]);
  // Until then the old image is still drawn: a dialog that is removed and drawn again would be closed.
  const last = useRef(found);
  if (found) last.current = found;
  const seen = last.current;
  if (!seen) return null;

  const { batch, generation, box } = seen;
  const step = (factor: number): void => setZoom(zoomed(zoom, factor, { x: 0, y: 0 }, box, stage));
  const toTrue = (): void => step(trueScale(box, stage) / zoom.scale);
  const toggleInfo = (): void => setInfo(!info);
  const toggleComparison = (): void => setPinned(pinned ? null : target);
  const compareWith = async (version: VersionState): Promise<void> => {
    const place = await versions.fetch(version);
    if (place) setPinned(place);
  };
  const edit = (): void => {
    const { current } = dialog;
    const studio = current?.closest(".imgplay") ?? null;
    // The feed takes the focus when the view is closed, and the prompt has it after that.
    current?.addEventListener("close", () =>
      requestAnimationFrame(() => editImage(page, batch, generation, studio)),
    );
    current?.close();
  };
  const keys: Record<string, () => void> = {
    ArrowLeft: () => way.go(-1),
    ArrowRight: () => way.go(1),
    "+": () => step(ZOOM_STEP),
    "=": () => step(ZOOM_STEP),
    "-": () => step(1 / ZOOM_STEP),
    "0": () => setZoom(FITTED),
    "1": toTrue,
    i: toggleInfo,
    c: toggleComparison,
    e: () => void (usable && !seen.hidden && edit()),
    f: () => void (usable && actions.star([generation.id], !generation.starred)),
    Delete: () => void (usable && actions.deleteGenerations([generation.id])),
  };
  return (
    <dialog
      ref={dialog}
      class="ip-lightbox"
      data-testid="lightbox"
      data-info={info}
      aria-label={t.lightbox.label(generation.position + 1)}
      onClose={(event) => {
        if (event.target === dialog.current) onClose();
      }}
      onCancel={(event) => {
        // Escape first ends the comparison.
        if (event.target !== dialog.current || !pinned) return;
        event.preventDefault();
        setPinned(null);
      }}
      onKeyDown={(event) => {
        const typing = event.target instanceof HTMLInputElement && event.key.startsWith("Arrow");
        if (typing || event.ctrlKey || event.metaKey) return;
        // With Alt, the browser would go to another page.
        const act = event.altKey ? versions.stepOf(event.key) : keys[event.key];
        if (!act) return;
        event.preventDefault();
        act();
      }}
    >
      <header class="ip-lightbox-bar">
        <ZoomTools
          share={stage.width > 0 ? zoom.scale / trueScale(box, stage) : null}
          onStep={step}
          onScale={zoom.scale > 1 ? () => setZoom(FITTED) : toTrue}
        />
        {pinned && <CompareChoice value={compare} onChoose={setCompare} />}
        <Acts
          batch={batch}
          generation={generation}
          at={() => dialog.current}
          comparing={pinned !== null}
          onCompare={toggleComparison}
          info={info}
          onInfo={toggleInfo}
          onEdit={seen.hidden ? undefined : edit}
          onClose={() => dialog.current?.close()}
        />
        <IconButton icon="close" label={t.common.close} onClick={() => dialog.current?.close()} />
      </header>
      <div class="ip-lightbox-stage">
        {pinned && !other && <p class="ip-lightbox-hint">{t.lightbox.gone}</p>}
        {other && compare === "slider" ? (
          <SliderComparison before={other} after={seen} zoom={zoom} onZoom={setZoom} onStage={setStage} />
        ) : (
          <>
            {other && <Pane seen={other} zoom={zoom} onZoom={setZoom} caption={t.lightbox.first} />}
            <Pane
              seen={seen}
              zoom={zoom}
              onZoom={setZoom}
              onStage={setStage}
              onSwipe={way.go}
              caption={other ? t.lightbox.second : undefined}
              testid="lightbox-image"
            />
          </>
        )}
        {other && other.generation.id === generation.id && (
          <p class="ip-lightbox-hint">{t.lightbox.chooseOther}</p>
        )}
        <Arrows way={way} />
      </div>
      {info && <Info key={generation.id} batch={batch} generation={generation} />}
      <footer class="ip-lightbox-foot">
        {versions.chain && (
          <VersionStrip
            chain={versions.chain}
            model={batch.model}
            onGo={versions.go}
            onCompare={(version) => void compareWith(version)}
          />
        )}
        {other && <Facts seen={other} mark={t.lightbox.first} />}
        <Facts seen={seen} mark={other && t.lightbox.second} />
      </footer>
      <Notices />
    </dialog>
  );
}

/** Give the focus back to the grid of a sweep, at the image that was shown last, when the view is closed. */
function useLeaving(page: Page, target: LightboxTarget): void {
  const shown = useRef(target);
  shown.current = target;
  useEffect(
    () => () => {
      if (shown.current.sweepId) page.store.getState().sweeps?.leave(shown.current);
    },
    [page],
  );
}

/** Let the picture come out of its tile when the view is opened. */
function useFlight(
  dialog: { readonly current: HTMLDialogElement | null },
  { generationId }: LightboxTarget,
  ready: boolean,
): void {
  const flown = useRef(false);
  useLayoutEffect(() => {
    if (!ready || flown.current) return;
    flown.current = true;
    const pane = dialog.current?.querySelector(".ip-lightbox-pane");
    const picture = pane?.querySelector("img");
    const tile = dialog.current
      ?.closest(".imgplay")
      ?.querySelector(`[data-generation-id="${CSS.escape(generationId)}"]`);
    if (pane && picture && tile) fly(pane, picture, tile.getBoundingClientRect());
  }, [ready]);
}

interface ZoomToolsProps {
  /** Pixels of the screen for one of the image; null until they are known. */
  share: number | null;
  onStep(factor: number): void;
  onScale(): void;
}

function ZoomTools({ share, onStep, onScale }: ZoomToolsProps) {
  return (
    <div class="ip-lightbox-tools ip-lightbox-zoom">
      <IconButton icon="zoomOut" label={t.lightbox.zoomOut} onClick={() => onStep(1 / ZOOM_STEP)} />
      <button
        type="button"
        class="ip-button ip-lightbox-scale"
        {...tipped(t.lightbox.actual)}
        data-testid="lightbox-scale"
        onClick={onScale}
      >
        {share === null ? "–" : `${Math.round(share * 100)}%`}
      </button>
      <IconButton icon="zoomIn" label={t.lightbox.zoomIn} onClick={() => onStep(ZOOM_STEP)} />
    </div>
  );
}

function CompareChoice({ value, onChoose }: { value: Compare; onChoose(value: Compare): void }) {
  return (
    <Segments<Compare>
      label={t.lightbox.compare}
      options={[
        { value: "sides", text: t.lightbox.sides, testid: "compare-sides" },
        { value: "slider", text: t.lightbox.slider, testid: "compare-slider" },
      ]}
      value={value}
      onChoose={onChoose}
    />
  );
}

interface ActsProps {
  batch: BatchState;
  generation: GenerationState;
  /** Return an element of the studio whose prompt gets the focus. */
  at(): Element | null;
  comparing: boolean;
  onCompare(): void;
  info: boolean;
  onInfo(): void;
  /** Undefined for an image that is not shown. */
  onEdit: (() => void) | undefined;
  onClose(): void;
}

/** What can be done with the image. */
function Acts({ batch, generation, at, comparing, onCompare, info, onInfo, onEdit, onClose }: ActsProps) {
  const usable = useStore((state) => state.usable);
  const page = usePage();
  const { media } = page;
  const actions = useActions();
  return (
    <div class="ip-lightbox-tools ip-lightbox-acts">
      <IconButton
        icon="compare"
        label={comparing ? t.lightbox.endCompare : t.lightbox.startCompare}
        pressed={comparing}
        testid="lightbox-compare"
        onClick={onCompare}
      />
      <IconButton
        icon="info"
        label={t.lightbox.info}
        pressed={info}
        testid="lightbox-info"
        onClick={onInfo}
      />
      <span class="ip-lightbox-live" inert={!usable}>
        <IconButton
          icon="star"
          label={generation.starred ? t.tile.unstarImage : t.tile.starImage}
          pressed={generation.starred}
          testid="lightbox-star"
          onClick={() => void actions.star([generation.id], !generation.starred)}
        />
        {onEdit && (
          <IconButton
            icon="edit"
            label={edits.edit.image}
            text={edits.edit.short}
            testid="lightbox-edit"
            onClick={onEdit}
          />
        )}
        {onEdit && followUpItems(page, batch, generation, at()).length > 0 && (
          <Menu
            icon="followUp"
            label={edits.follow.title}
            testid="lightbox-follow-up"
            items={() => followUpItems(page, batch, generation, at(), onClose)}
          />
        )}
        <IconButton
          icon="reference"
          label={t.tile.reference}
          testid="lightbox-reference"
          onClick={() => {
            addImage(page, generation);
            onClose();
          }}
        />
        <IconButton
          icon="download"
          label={t.tile.download}
          testid="lightbox-download"
          onClick={() => void saveOriginal(media, generation.id, actions)}
        />
        <IconButton
          icon="delete"
          label={t.tile.delete}
          tone="danger"
          testid="lightbox-delete"
          onClick={() => void actions.deleteGenerations([generation.id])}
        />
      </span>
    </div>
  );
}

function Arrows({ way }: { way: Way }) {
  return (
    <>
      {way.before && (
        <div class="ip-lightbox-left">
          <IconButton
            icon="left"
            label={t.lightbox.before}
            testid="lightbox-before"
            onClick={() => way.go(-1)}
          />
        </div>
      )}
      {way.after && (
        <div class="ip-lightbox-right">
          <IconButton
            icon="right"
            label={t.lightbox.after}
            testid="lightbox-after"
            onClick={() => way.go(1)}
          />
        </div>
      )}
    </>
  );
}

/** The facts of an image; of two images, with the mark on each. */
function Facts({ seen: { batch, generation, error }, mark }: { seen: Seen; mark?: string | undefined }) {
  const facts = [
    batch.modelTitle,
    sizeText(generation.width, generation.height),
    generation.seed === null ? "" : t.lightbox.seed(generation.seed),
    ...generation.differences.map(differenceText),
  ].filter((fact) => fact !== "");
  return (
    <div>
      <p class="ip-lightbox-prompt" title={wordsOf(batch)}>
        {mark && <strong>{mark} </strong>}
        {wordsOf(batch)}
      </p>
      <p class="ip-meta">
        {error ? (
          <span role="alert">{errorText(error)}</span>
        ) : (
          facts.map((fact) => <span key={fact}>{fact}</span>)
        )}
      </p>
    </div>
  );
}

interface PaneProps {
  seen: Seen;
  zoom: Zoom;
  onZoom(zoom: Zoom): void;
  onStage?(stage: Size): void;
  onSwipe?(by: -1 | 1): void;
  caption?: string | undefined;
  testid?: string;
}

function Pane({ seen, zoom, onZoom, onStage, onSwipe, caption, testid }: PaneProps) {
  return (
    <figure class="ip-lightbox-pane">
      <ZoomArea
        image={seen.box}
        zoom={zoom}
        onZoom={onZoom}
        {...(onStage && { onStage })}
        {...(onSwipe && { onSwipe })}
      >
        {(stage) => <Shown seen={seen} stage={stage} zoom={zoom} testid={testid} />}
      </ZoomArea>
      {caption && <figcaption class="ip-lightbox-caption">{caption}</figcaption>}
    </figure>
  );
}

interface ShownProps {
  seen: Seen;
  stage: Size;
  zoom: Zoom;
  testid?: string | undefined;
}

function Shown({ seen, stage, zoom, testid }: ShownProps) {
  if (seen.hidden) return <NotShown generation={seen.generation} reason={seen.hidden} />;
  if (!seen.src)
    return <span class="ip-lightbox-waits ip-shimmer" role="status" aria-label={t.common.loading} />;
  return (
    <ZoomedImage
      key={seen.generation.id}
      src={seen.src}
      alt={wordsOf(seen.batch)}
      image={seen.box}
      stage={stage}
      zoom={zoom}
      testid={seen.full ? testid : undefined}
      onError={seen.onRefused}
    />
  );
}

interface SliderComparisonProps {
  before: Seen;
  after: Seen;
  zoom: Zoom;
  onZoom(zoom: Zoom): void;
  onStage(stage: Size): void;
}

/** Two images in one place, divided by a line that can be moved. */
function SliderComparison({ before, after, zoom, onZoom, onStage }: SliderComparisonProps) {
  const [share, setShare] = useState(50);
  const held = useRef(false);
  return (
    <figure class="ip-lightbox-pane">
      <ZoomArea image={after.box} zoom={zoom} onZoom={onZoom} onStage={onStage}>
        {(stage) => {
          const line = linePlace(share, after.box, zoom, stage);
          const drag = (event: PointerEvent): void => {
            if (!held.current || !(event.currentTarget instanceof HTMLElement)) return;
            event.stopPropagation();
            const x = event.clientX - (event.currentTarget.parentElement?.getBoundingClientRect().left ?? 0);
            setShare(lineShare(x, after.box, zoom, stage));
          };
          return (
            <div class="ip-lightbox-parts" style={{ "--ip-share": `${line}px` }}>
              <div class="ip-lightbox-under">
                <Shown seen={before} stage={stage} zoom={zoom} />
              </div>
              <div class="ip-lightbox-over">
                <Shown seen={after} stage={stage} zoom={zoom} testid="lightbox-image" />
              </div>
              {/* biome-ignore lint/a11y/noStaticElementInteractions: the range in it does the same by keyboard */}
              <div
                class="ip-lightbox-line"
                data-testid="compare-handle"
                onPointerDown={(event) => {
                  if (event.button !== 0) return;
                  // Otherwise the stage would move the images.
                  event.stopPropagation();
                  held.current = true;
                  event.currentTarget.setPointerCapture(event.pointerId);
                }}
                onPointerMove={drag}
                onLostPointerCapture={() => {
                  held.current = false;
                }}
                onDblClick={(event) => event.stopPropagation()}
              >
                <input
                  type="range"
                  min={0}
                  max={100}
                  step={0.5}
                  value={share}
                  aria-label={t.lightbox.line}
                  data-testid="compare-line"
                  onInput={(event) => setShare(Number(event.currentTarget.value))}
                />
                <span class="ip-lightbox-knob">
                  <Icon name="swap" size={16} />
                </span>
              </div>
            </div>
          );
        }}
      </ZoomArea>
    </figure>
  );
}

/** Return an image with the best picture of it; undefined if the image was deleted. */
function useSeen(target: LightboxTarget | null): Seen | undefined {
  const batch = useStore((state) => (target ? batchOf(state, target.batchId) : undefined));
  const id = target?.generationId ?? null;
  const batchId = target?.batchId;
  const { media } = usePage();
  const actions = useActions();
  useEffect(() => (batchId === undefined ? undefined : actions.hold(batchId)), [batchId, actions]);
  const thumbnail = useBlobUrl(media.thumbnails, id, true, media.wantedThumbnails);
  const [found, setFound] = useState<{ id: string; url?: string; error?: ErrorState }>({ id: "" });
  // The image whose original the browser could not draw.
  const [refused, setRefused] = useState("");
  useEffect(() => {
    if (id === null) return undefined;
    let current = true;
    viewOf(media, id, refused === id).then(
      (url) => current && setFound({ id, url }),
      (cause: unknown) => current && setFound({ id, error: errorState(cause) }),
    );
    return () => {
      current = false;
    };
  }, [media, id, refused]);
  const generation = batch?.generations.find((each) => each.id === id && each.status === "success");
  if (!batch || !generation) return undefined;
  const original = found.id === id ? found.url : undefined;
  const src = original ?? thumbnail;
  return {
    batch,
    generation,
    src,
    full: original !== undefined,
    error: found.id === id ? found.error : undefined,
    hidden: src === undefined && id !== null ? media.hidden.get(id) : undefined,
    onRefused: () => setRefused(generation.id),
    box: { width: generation.width ?? 1024, height: generation.height ?? 1024 },
  };
}

interface Way {
  before: boolean;
  after: boolean;
  go(by: -1 | 1): void;
  /** Go on from an image that was deleted. Return false if there is no other. */
  leave(): boolean;
}

/** The way through the feed that is shown; older pages are loaded on the way. */
function useWay(target: LightboxTarget, onMove: (target: LightboxTarget) => void): Way {
  const feedKey = useStore(shownFeed);
  const gallery = useStore((state) => state.gallery);
  const ownFeed = useStore((state) => (feedKey === null ? NO_FEED : (state.feeds[feedKey] ?? NO_FEED)));
  const feed = gallery ?? ownFeed;
  const batches = useStore((state) => state.batches);
  const sweeps = useStore((state) => state.sweeps);
  const actions = useActions();
  const { store } = usePage();
  const [waiting, setWaiting] = useState<-1 | 1 | null>(null);
  const imagesOf = (id: string | null | undefined): Place[] | undefined => {
    const { state, placement } = sweeps?.known[id ?? ""] ?? {};
    return state && placement ? placesOf(state, placement, batches) : undefined;
  };
  // The grid of a sweep over all of the studio hides what is beside it.
  const among = imagesOf(sweeps?.large) ?? gallery?.pictures;
  const beside = (by: -1 | 1): Neighbour =>
    among
      ? neighbourAmong(among, batches, target, by)
      : neighbour(
          ownFeed.ids,
          batches,
          target,
          by,
          feedKey === FOUND ? undefined : (batch) => imagesOf(batch.sweepId),
        );
  const before = beside(-1);
  const after = beside(1);
  // From a version that stands in another topic, more of this feed leads nowhere.
  const inside = gallery
    ? gallery.pictures.some(({ generationId }) => generationId === target.generationId)
    : ownFeed.ids.includes(target.batchId);
  const more = inside && feed.before !== null && !sweeps?.large;
  // The image to go on to if this one is deleted, found while this one still exists.
  const exits = useRef<{ of: string; to: LightboxTarget | null }>({ of: "", to: null });
  const nearest = [after, before].find((step) => step !== null && "place" in step);
  const there = batches[target.batchId]?.generations.some(({ id }) => id === target.generationId);
  if (there) {
    exits.current = {
      of: target.generationId,
      to: nearest && "place" in nearest ? nearest.place : null,
    };
  }

  const go = (by: -1 | 1): void => {
    setWaiting(null);
    const step = by > 0 ? after : before;
    if (step && "place" in step) {
      onMove(step.place);
      return;
    }
    if (feed.loading || (!step && (by < 0 || !more))) return;
    setWaiting(by);
    if (gallery) void (step ? gallery.fetch([step.missing]) : gallery.more());
    else if (feedKey !== null)
      void (step ? actions.loadFrom(feedKey, step.missing) : actions.loadMore(feedKey));
  };
  // The page that was asked for has come: take the step that waited for it.
  useEffect(() => {
    const step = waiting !== null && waiting > 0 ? after : before;
    // Of the gallery, a batch alone may be on its way.
    if (waiting === null || feed.loading || (gallery && !gallery.failed && step && "missing" in step)) return;
    setWaiting(null);
    if (step && "place" in step) onMove(step.place);
  }, [waiting, feed, batches]);

  const move = useRef(onMove);
  move.current = onMove;
  const leave = useCallback((): boolean => {
    const { of, to } = exits.current;
    const batch = to && store.getState().batches[to.batchId];
    if (!to || of === "" || !batch?.generations.some(({ id }) => id === to.generationId)) return false;
    move.current(to);
    return true;
  }, [store]);
  return { before: before !== null, after: after !== null || more, go, leave };
}
