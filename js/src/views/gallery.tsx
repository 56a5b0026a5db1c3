// The gallery: only images, in lines of one height, in the place of the feed. Further ones are loaded on the way down.
import type { HTMLAttributes } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { dayOf, dayText } from "../lib/days";
import { GAP, justified, type Spot } from "../lib/justified";
import type { Place } from "../lib/neighbours";
import { t } from "../messages/gallery";
import { type Gallery, isNarrowed, type Order, openGallery, type Picture } from "../slices/gallery";
import { loadUsedLabels } from "../slices/used";
import { useActions, useMinute, usePage, useStore } from "./context";
import { Older, onFeedKey, useReturn } from "./feed";
import { FeedFailed } from "./feed-failed";
import { Icon } from "./icon";
import { PartHere, usePart } from "./part";
import { Segments } from "./parts";
import { Tile } from "./tile";
import { useAhead } from "./use-ahead";
import { type Sight, useRows } from "./use-rows";

interface GalleryProps {
  /** The image that was just shown large. */
  left: Place | null;
  onOpen(target: Place): void;
}

export function GalleryView(props: GalleryProps) {
  const { store } = usePage();
  const gallery = useStore((state) => state.gallery);
  useLayoutEffect(() => openGallery(store), [store]);
  return gallery && <Images gallery={gallery} {...props} />;
}

/** The key of the row with the controls, and the beginning of the key of a row that is a day. */
const HEAD = "head";
const DAY = "day ";
/** The height of a row that is a day, and of the row with the controls before it is measured, in pixels. */
const DAY_HEIGHT = 34;
const HEAD_HEIGHT = 42;
/** The next page is asked for when the end is nearer than this, in pixels. */
const AHEAD = 1600;
const NO_SIGHT: Sight = { width: 0, height: 0 };

function Images({ gallery, left, onOpen }: GalleryProps & { gallery: Gallery }) {
  const { store } = usePage();
  const actions = useActions();
  const live = useStore((state) => state.live);
  const size = useStore(({ config }) => config.panels.tileSize);
  const { pictures, before, loading, loaded, failed, order } = gallery;
  const [room, setRoom] = useState(NO_SIGHT);
  const layout = useMemo(
    () => laidOut(pictures, order, room, size, before === null),
    [pictures, order, room, size, before],
  );
  const { keys, lines, lineOf } = layout;
  const estimate = useCallback(
    (key: string) =>
      key === HEAD ? HEAD_HEIGHT : key.startsWith(DAY) ? DAY_HEIGHT : (lines.get(key)?.height ?? 0),
    [lines],
  );
  const heir = useCallback((key: string) => lineOf.get(key), [lineOf]);
  const { scroller, rows, sight, total, rest, measure, toTop, toRow } = useRows(
    keys,
    estimate,
    `${live}`,
    heir,
  );
  useAhead(rows, (index) => {
    const key = keys[index];
    if (key === undefined) return undefined;
    return lines.get(key)?.images.map(({ picture }) => picture.generationId) ?? [];
  });
  useLayoutEffect(() => {
    if (sight.width !== room.width || sight.height !== room.height) setRoom(sight);
  });
  const near = rest < AHEAD && before !== null && !loading && !failed && live;
  useEffect(() => {
    if (near) void gallery.more();
  }, [near, before]);
  const question = useStore(({ filter, activeTopicId }) => `${JSON.stringify(filter)} ${activeTopicId}`);
  useLayoutEffect(toTop, [question, order, gallery.everywhere]);
  useReturn(scroller, left, toTop, ({ generationId }) => toRow(lineOf.get(generationId) ?? ""));
  useEffect(() => () => actions.clearSelection(), [actions]);
  const empty = pictures.length === 0;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: shortcuts for what stands in it
    <div
      ref={scroller}
      class="ip-feed ip-gallery"
      tabIndex={-1}
      data-testid="feed"
      data-view="gallery"
      onKeyDown={(event) => onFeedKey(event, store)}
    >
      <div class="ip-batches" style={{ height: `${total}px` }}>
        {rows[0]?.key === HEAD && <Head gallery={gallery} day={layout.first} measure={measure} />}
        <ul aria-label={t.gallery.images}>
          {rows.flatMap(({ key, top, passing }) =>
            key.startsWith(DAY)
              ? [<Day key={key} day={key.slice(DAY.length)} top={top} />]
              : // Each image by itself, so that it stays the same element when it moves to another line.
                (lines.get(key)?.images ?? []).map((image) => (
                  <Image
                    key={image.picture.generationId}
                    {...image}
                    top={top}
                    passing={passing}
                    onOpen={onOpen}
                  />
                )),
          )}
        </ul>
      </div>
      {empty && loaded && !loading && !failed && <Nothing />}
      {((empty && (loading || !loaded)) || (before !== null && rest < AHEAD)) && !failed && <Older />}
      {failed && rest < AHEAD && <FeedFailed error={failed} onRetry={gallery.retry} />}
    </div>
  );
}

/** An image with its place: in the list, and in its line in pixels. */
interface Standing extends Spot {
  picture: Picture;
  place: number;
  /** How many images there are; -1 while more can be loaded. */
  count: number;
  height: number;
}

interface StandingLine {
  height: number;
  images: Standing[];
}

interface Layout {
  keys: string[];
  lines: Map<string, StandingLine>;
  /** The key of the line in which an image stands. */
  lineOf: Map<string, string>;
  /** The day of the first image. */
  first: string;
}

/** Return the rows of images: in the order of time, days divide them. */
function laidOut(
  pictures: readonly Picture[],
  order: Order,
  room: Sight,
  size: number,
  complete: boolean,
): Layout {
  const layout: Layout = { keys: [HEAD], lines: new Map(), lineOf: new Map(), first: "" };
  const dayAt = (index: number): string => {
    const picture = pictures[index];
    return picture && order === "newest" ? dayOf(picture.createdAt) : "";
  };
  layout.first = dayAt(0);
  for (let from = 0, to = 0; from < pictures.length; from = to) {
    const day = dayAt(from);
    while (to < pictures.length && dayAt(to) === day) to += 1;
    if (from > 0) layout.keys.push(DAY + day);
    const own = pictures.slice(from, to);
    const space = { width: room.width, height: room.height - DAY_HEIGHT };
    for (const line of justified(
      own.map(({ ratio }) => ratio),
      space,
      size,
    )) {
      const key = own[line.from]?.generationId ?? "";
      const images = line.spots.flatMap((spot, index) => {
        const picture = own[line.from + index];
        if (!picture) return [];
        layout.lineOf.set(picture.generationId, key);
        const place = from + line.from + index + 1;
        return [{ ...spot, picture, place, count: complete ? pictures.length : -1, height: line.height }];
      });
      layout.keys.push(key);
      layout.lines.set(key, { height: line.height + GAP, images });
    }
  }
  return layout;
}

interface HeadProps {
  gallery: Gallery;
  day: string;
  measure(element: HTMLElement, key: string): () => void;
}

/** The first row: the first day, and what is shown in which order. */
function Head({ gallery, day, measure }: HeadProps) {
  const now = useMinute();
  const tools = usePart("tools");
  const [element, setElement] = useState<HTMLElement | null>(null);
  useLayoutEffect(() => (element ? measure(element, HEAD) : undefined), [element, measure]);
  return (
    <div ref={setElement} class="ip-feed-row" data-row={HEAD}>
      <div class="ip-day ip-gallery-head">
        {day && <h3 data-testid="day">{dayText(day, now)}</h3>}
        <Choices gallery={gallery} />
        {tools.module && <tools.module.SizeSlider />}
      </div>
    </div>
  );
}

/** Stand before the name of a score in the value of an order. */
const HIGHEST = "-";
const LOWEST = "+";

function Choices({ gallery }: { gallery: Gallery }) {
  const { order, everywhere, choose } = gallery;
  const live = useStore((state) => state.live);
  const usable = useStore((state) => state.usable);
  const topicId = useStore((state) => state.activeTopicId);
  const used = useStore((state) => state.usedLabels.scores);
  const page = usePage();
  useEffect(() => {
    if (live) void loadUsedLabels(page);
  }, [live, topicId, everywhere]);
  const chosen = typeof order === "string" ? [] : [order.name];
  const names = [...new Set([...used, ...chosen])].sort();
  const value = typeof order === "string" ? order : `${order.lowestFirst ? LOWEST : HIGHEST}${order.name}`;
  return (
    <div class="ip-gallery-choices" inert={!usable}>
      <Segments
        label={t.gallery.where}
        options={[
          { value: "here", text: t.gallery.here, testid: "gallery-here" },
          { value: "everywhere", text: t.gallery.everywhere, testid: "gallery-everywhere" },
        ]}
        value={everywhere || topicId === null ? "everywhere" : "here"}
        disabled={topicId === null}
        onChoose={(where) => choose({ everywhere: where === "everywhere" })}
      />
      <select
        class="ip-input ip-select"
        aria-label={t.gallery.sort}
        data-testid="gallery-sort"
        value={value}
        onChange={({ currentTarget: { value: next } }) =>
          choose({
            order:
              next === "newest" || next === "starred"
                ? next
                : { name: next.slice(1), lowestFirst: next.startsWith(LOWEST) },
          })
        }
      >
        <option value="newest">{t.gallery.newest}</option>
        <option value="starred">{t.gallery.starred}</option>
        {names.flatMap((name) => [
          <option key={`${HIGHEST}${name}`} value={`${HIGHEST}${name}`}>
            {t.gallery.highest(name)}
          </option>,
          <option key={`${LOWEST}${name}`} value={`${LOWEST}${name}`}>
            {t.gallery.lowest(name)}
          </option>,
        ])}
      </select>
    </div>
  );
}

function Day({ day, top }: { day: string; top: number }) {
  const now = useMinute();
  return (
    <li class="ip-feed-row" style={{ transform: `translateY(${top}px)` }}>
      <div class="ip-day">
        <h3 data-testid="day">{dayText(day, now)}</h3>
      </div>
    </li>
  );
}

interface ImageProps extends Standing {
  top: number;
  passing: boolean;
  onOpen(target: Place): void;
}

function Image({ picture, place, count, left, width, height, top, passing, onOpen }: ImageProps) {
  const { batchId, generationId: id } = picture;
  const batch = useStore((state) => state.batches[batchId]);
  const generation = batch?.generations.find((each) => each.id === id);
  // The same object as long as nothing moves: only then the tile is not drawn again.
  const own = useMemo(
    () => ({
      "aria-posinset": place,
      "aria-setsize": count,
      "data-row": id,
      style: { width: `${width}px`, height: `${height}px`, transform: `translate(${left}px, ${top}px)` },
    }),
    [id, place, count, left, width, height, top],
  );
  if (!batch || !generation) return <Dropped batchId={batchId} own={own} />;
  if (passing) return <li {...own} class="ip-tile" />;
  return <Tile generation={generation} batch={batch} own={own} onOpen={onOpen} />;
}

/** The place of an image whose batch was dropped to save memory. */
function Dropped({ batchId, own }: { batchId: string; own: HTMLAttributes<HTMLLIElement> }) {
  const live = useStore((state) => state.live);
  const gallery = useStore((state) => state.gallery);
  const failed = gallery?.failed;
  useEffect(() => {
    if (live && !failed) void gallery?.fetch([batchId]);
  }, [live, failed, batchId]);
  return <li {...own} class="ip-tile ip-skeleton" aria-label={t.gallery.waits} />;
}

/** The gallery has no image: what the filter looks for, or when one will come. */
function Nothing() {
  const narrowed = useStore(isNarrowed);
  if (narrowed)
    return (
      <PartHere name="tools" class="ip-nothing">
        {({ NothingFound }) => <NothingFound />}
      </PartHere>
    );
  return (
    <div class="ip-empty" data-testid="empty-gallery">
      <span class="ip-empty-mark">
        <Icon name="images" size={26} />
      </span>
      <h3>{t.gallery.none}</h3>
      <p class="ip-empty-more">{t.gallery.noneMore}</p>
    </div>
  );
}
