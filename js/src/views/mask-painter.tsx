// Painting the area of the first reference that may change. The mask has exactly the picture's pixels.

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { causeText, errorText } from "../lib/answer";
import type { Point, Size } from "../lib/geometry";
import {
  brushSizes,
  carve,
  fitScale,
  type History,
  inside,
  isPainted,
  NOTHING_DONE,
  paint,
  paintMask,
  redone,
  resized,
  type Step,
  toPicture,
  undone,
  withStep,
} from "../lib/mask";
import { t } from "../messages/mask";
import { saveMask } from "../slices/mask-upload";
import type { HeldReference } from "../slices/references";
import { useActions, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { useModal } from "./modal";
import { IconButton, Segments, Slider } from "./parts";
import { useWhole } from "./references-whole";

const MAX_ZOOM = 8;
/** The `buttons` of a pen whose eraser is down. */
const PEN_ERASER = 32;

type Tool = "brush" | "eraser";

export function MaskPainter({ item, onClose }: { item: HeldReference; onClose(): void }) {
  const dialog = useModal();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width = 1, height = 1 } = item.reference ?? {};
  const size: Size = { width, height };
  const { first, largest } = brushSizes(size);
  const page = usePage();
  const actions = useActions();
  const picture = useWhole(item);
  const { mask: base, problem: baseProblem } = useEarlierMask();
  const [tool, setTool] = useState<Tool>("brush");
  const [brush, setBrush] = useState(first);
  const [opacity, setOpacity] = useState(0.6);
  const [zoom, setZoom] = useState(1);
  const [said, setSaid] = useState("");
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const saving = useSaving();

  const { history, go, change } = useHistory(canvas, base, size, () => setProblem(null));
  const close = (): void => {
    if (history.done.length > 0 && !asking) setAsking(true);
    else onClose();
  };
  const save = async (): Promise<void> => {
    if (saving.busy) return;
    setProblem(null);
    await saving.run(async (signal) => {
      const made = canvas.current ? await maskOf(canvas.current, size) : t.mask.tooBig;
      if (signal.aborted) return;
      if (made === null && base) actions.removeMask();
      else if (made === null || typeof made === "string") return setProblem(made ?? t.mask.empty);
      else {
        const error = await saveMask(page, made, signal);
        // This call must not close a painter that was opened later.
        if (signal.aborted) return;
        if (error) return setProblem(errorText(error));
      }
      onClose();
    });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    const does: (() => void) | undefined = command
      ? {
          z: () => go(event.shiftKey ? redone(history) : undone(history)),
          y: () => go(redone(history)),
        }[key]
      : {
          "[": () => setBrush(resized(brush, -1, largest)),
          "]": () => setBrush(resized(brush, 1, largest)),
          b: () => setTool("brush"),
          e: () => setTool("eraser"),
          i: () => change({ kind: "invert" }),
        }[key];
    if (!does || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  };

  return (
    <dialog
      ref={dialog}
      class="ip-mask"
      aria-label={t.mask.title}
      data-testid="mask-painter"
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      // A second Escape closes the dialog without asking.
      onClose={onClose}
    >
      <Head onClose={close} />
      <Stage
        canvas={canvas}
        size={size}
        url={picture.url}
        problem={picture.error ?? baseProblem}
        brush={brush}
        erasing={tool === "eraser"}
        opacity={opacity}
        zoom={zoom}
        onStroke={change}
        onSay={setSaid}
      />
      <Tools
        tool={tool}
        onTool={setTool}
        brush={brush}
        largest={largest}
        onBrush={setBrush}
        opacity={opacity}
        onOpacity={setOpacity}
        zoom={zoom}
        onZoom={setZoom}
        history={history}
        onGo={go}
        onStep={change}
      />
      <Foot
        problem={problem}
        asking={asking}
        ready={picture.url !== undefined}
        busy={saving.busy}
        onDiscard={onClose}
        onKeep={() => setAsking(false)}
        onCancel={close}
        onSave={() => void save()}
      />
      <span class="ip-hidden" role="status">
        {said}
      </span>
    </dialog>
  );
}

/**
 * Return the steps of the painting, which can be undone. `canvas` shows the earlier mask (`base`) with the steps
 * over it.
 */
function useHistory(
  canvas: RefObject<HTMLCanvasElement | null>,
  base: HTMLImageElement | null,
  size: Size,
  onChange: () => void,
): { history: History; go(next: History): void; change(step: Step): void } {
  const [history, setHistory] = useState<History>(NOTHING_DONE);
  const redraw = (steps: readonly Step[]): void => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, size.width, size.height);
    if (base) paintMask(context, base, size);
    for (const step of steps) paint(context, step, size);
  };
  // Later strokes are painted at once.
  useLayoutEffect(() => redraw(history.done), [base]);

  const go = (next: History): void => {
    setHistory(next);
    redraw(next.done);
    onChange();
  };
  const change = (step: Step): void => go(withStep(history, step));
  return { history, go, change };
}

function Head({ onClose }: { onClose(): void }) {
  return (
    <header class="ip-mask-head">
      <div class="ip-batch-words">
        <h2>{t.mask.title}</h2>
        <p class="ip-help">{t.mask.explain}</p>
      </div>
      <IconButton icon="close" label={t.mask.cancel} onClick={onClose} />
    </header>
  );
}

interface ToolsProps {
  tool: Tool;
  onTool(tool: Tool): void;
  brush: number;
  largest: number;
  onBrush(size: number): void;
  opacity: number;
  onOpacity(opacity: number): void;
  zoom: number;
  onZoom(zoom: number): void;
  history: History;
  onGo(history: History): void;
  onStep(step: Step): void;
}

function Tools(props: ToolsProps) {
  const { tool, onTool, brush, largest, onBrush, opacity, onOpacity } = props;
  const { zoom, onZoom, history, onGo, onStep } = props;
  return (
    <div class="ip-mask-tools">
      <Segments<Tool>
        label={t.mask.title}
        options={[
          { value: "brush", text: t.mask.brush, testid: "mask-brush" },
          { value: "eraser", text: t.mask.eraser, testid: "mask-eraser" },
        ]}
        value={tool}
        onChoose={onTool}
      />
      <span class="ip-mask-slider">
        <span class="ip-label">{t.mask.size}</span>
        <Slider label={t.mask.size} value={brush} minimum={1} maximum={largest} step={1} onInput={onBrush} />
      </span>
      <span class="ip-mask-slider">
        <span class="ip-label">{t.mask.opacity}</span>
        <Slider
          label={t.mask.opacity}
          value={opacity}
          minimum={0.2}
          maximum={1}
          step={0.05}
          onInput={onOpacity}
        />
      </span>
      <span class="ip-mask-group">
        <IconButton
          icon="undo"
          label={t.mask.undo}
          testid="mask-undo"
          disabled={history.done.length === 0}
          onClick={() => onGo(undone(history))}
        />
        <IconButton
          icon="redo"
          label={t.mask.redo}
          disabled={history.undone.length === 0}
          onClick={() => onGo(redone(history))}
        />
        <IconButton
          icon="invert"
          label={t.mask.invert}
          testid="mask-invert"
          onClick={() => onStep({ kind: "invert" })}
        />
        <IconButton
          icon="delete"
          label={t.mask.clear}
          testid="mask-clear"
          onClick={() => onStep({ kind: "clear" })}
        />
      </span>
      <span class="ip-mask-group">
        <IconButton
          icon="zoomOut"
          label={t.mask.zoomOut}
          disabled={zoom <= 1}
          onClick={() => onZoom(Math.max(zoom / 2, 1))}
        />
        <IconButton icon="fit" label={t.mask.fit} disabled={zoom === 1} onClick={() => onZoom(1)} />
        <IconButton
          icon="zoomIn"
          label={t.mask.zoomIn}
          disabled={zoom >= MAX_ZOOM}
          onClick={() => onZoom(Math.min(zoom * 2, MAX_ZOOM))}
        />
      </span>
    </div>
  );
}

interface FootProps {
  problem: string | null;
  /** The user closes the painter, and is asked about what was painted. */
  asking: boolean;
  ready: boolean;
  busy: boolean;
  onDiscard(): void;
  onKeep(): void;
  onCancel(): void;
  onSave(): void;
}

function Foot({ problem, asking, ready, busy, onDiscard, onKeep, onCancel, onSave }: FootProps) {
  return (
    <footer class="ip-mask-foot">
      <p class="ip-mask-word" role={problem ? "alert" : undefined} data-bad={problem !== null}>
        {problem ?? (asking ? t.mask.unsaved : "")}
      </p>
      {asking ? (
        <>
          <button type="button" class="ip-button" onClick={onDiscard}>
            {t.mask.discard}
          </button>
          <button type="button" class="ip-button" onClick={onKeep}>
            {t.mask.keep}
          </button>
        </>
      ) : (
        <button type="button" class="ip-button" onClick={onCancel}>
          {t.mask.cancel}
        </button>
      )}
      <button
        type="button"
        class="ip-button ip-generate"
        data-testid="mask-save"
        disabled={!ready}
        aria-disabled={busy}
        aria-busy={busy}
        onClick={onSave}
      >
        <Icon name={busy ? "spinner" : "check"} />
        {busy ? t.mask.saving : t.mask.save}
      </button>
    </footer>
  );
}

interface StageProps {
  canvas: RefObject<HTMLCanvasElement | null>;
  size: Size;
  url: string | undefined;
  problem: string | null | undefined;
  brush: number;
  erasing: boolean;
  opacity: number;
  zoom: number;
  onStroke(step: Step): void;
  onSay(word: string): void;
}

/** The picture and the painting over it; painted by a pointer, or by keys. */
function Stage(props: StageProps) {
  const { canvas, size, url, problem, brush, erasing, opacity, zoom, onStroke, onSay } = props;
  const stage = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLDivElement>(null);
  const stroke = useRef<{ points: Point[]; erase: boolean } | null>(null);
  const [cursor, setCursor] = useState<Point | null>(null);
  const [down, setDown] = useState(false);
  useEffect(() => area.current?.focus({ preventScroll: true }), [url]);
  const scale = fitScale(size, useRoom(stage)) * zoom;

  const add = (points: readonly Point[]): void => {
    const context = canvas.current?.getContext("2d");
    if (!context || !stroke.current) return;
    const { points: before, erase } = stroke.current;
    const last = before.at(-1);
    paint(
      context,
      { kind: "stroke", erase, size: brush, points: [...(last ? [last] : []), ...points] },
      size,
    );
    before.push(...points);
  };
  const begin = (point: Point, erase: boolean): void => {
    stroke.current = { points: [], erase };
    add([point]);
  };
  const end = (): void => {
    const ended = stroke.current;
    stroke.current = null;
    if (ended) onStroke({ kind: "stroke", erase: ended.erase, size: brush, points: ended.points });
  };
  const at = (event: PointerEvent): Point => {
    const shown = canvas.current?.getBoundingClientRect();
    return shown ? toPicture(event, shown, size) : { x: 0, y: 0 };
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const way = ARROWS[event.key];
    const from = cursor ?? { x: size.width / 2, y: size.height / 2 };
    if (way) {
      const step = event.shiftKey ? 1 : Math.max(brush / 2, 1);
      const next = inside({ x: from.x + way[0] * step, y: from.y + way[1] * step }, size);
      setCursor(next);
      if (down) add([next]);
    } else if (event.key === " " || event.key === "Enter") {
      if (event.repeat) return;
      setCursor(from);
      if (down) end();
      else begin(from, erasing);
      setDown(!down);
      onSay(down ? t.mask.up : t.mask.down);
    } else return;
    event.preventDefault();
  };

  return (
    <div ref={stage} class="ip-mask-stage">
      {problem ? (
        <p class="ip-mask-word" role="alert" data-bad={true}>
          {problem}
        </p>
      ) : (
        <div
          ref={area}
          class="ip-mask-area"
          role="application"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it is painted in by keys
          tabIndex={0}
          aria-label={t.mask.area}
          data-testid="mask-area"
          style={{ width: `${size.width * scale}px`, height: `${size.height * scale}px` }}
          onKeyDown={onKeyDown}
          onBlur={() => {
            if (!down) return;
            end();
            setDown(false);
          }}
          onPointerDown={(event) => {
            if (event.button !== 0 && event.buttons !== PEN_ERASER) return;
            // A second finger does not paint.
            if (stroke.current) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            begin(at(event), erasing || event.buttons === PEN_ERASER);
          }}
          onPointerMove={(event) => {
            if (event.pointerType !== "touch") setCursor(at(event));
            if (!stroke.current || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
            const fine = event.getCoalescedEvents?.() ?? [];
            add((fine.length > 0 ? fine : [event]).map(at));
          }}
          onPointerUp={end}
          onPointerCancel={end}
          onPointerLeave={() => {
            if (!down) setCursor(null);
          }}
        >
          {url ? (
            <img src={url} alt="" draggable={false} />
          ) : (
            <p class="ip-mask-word" role="status">
              {t.mask.loading}
            </p>
          )}
          <canvas
            ref={canvas}
            width={size.width}
            height={size.height}
            style={{ opacity }}
            data-testid="mask-canvas"
          />
          {cursor && <Cursor point={cursor} size={brush} scale={scale} down={down} />}
        </div>
      )}
    </div>
  );
}

/** Return the room that an element has for the picture. */
function useRoom(stage: RefObject<HTMLElement | null>): Size {
  const [room, setRoom] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = stage.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() =>
      setRoom({ width: element.clientWidth - 24, height: element.clientHeight - 24 }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return room;
}

interface CursorProps {
  point: Point;
  size: number;
  scale: number;
  down: boolean;
}

function Cursor({ point, size, scale, down }: CursorProps) {
  const [edge, left, top] = [size, point.x, point.y].map((pixels) => `${pixels * scale}px`);
  return <span class="ip-mask-cursor" data-down={down} style={{ width: edge, height: edge, left, top }} />;
}

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Return the earlier mask, which the painting starts from. */
function useEarlierMask(): { mask: HTMLImageElement | null; problem: string | null } {
  const { media } = usePage();
  const digest = useStore((state) => state.mask?.reference.digest ?? null);
  // Saving this mask must not load it again.
  const opened = useRef(digest).current;
  const [mask, setMask] = useState<HTMLImageElement | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    if (!opened) return undefined;
    let current = true;
    const load = async (): Promise<void> => {
      const image = new Image();
      image.src = await media.references.original(opened);
      await image.decode();
      if (current) setMask(image);
    };
    load().catch((cause: unknown) => current && setProblem(causeText(cause)));
    return () => {
      current = false;
    };
  }, [media, opened]);
  return { mask, problem };
}

/** Something that takes a while and ends with the view. */
function useSaving() {
  const ended = useRef(new AbortController());
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const { current } = ended;
    return () => current.abort();
  }, []);
  const run = async <T,>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    setBusy(true);
    try {
      return await work(ended.current.signal);
    } finally {
      setBusy(false);
    }
  };
  return { busy, run };
}

/** Return the PNG of a painting; null if nothing is painted, or a text if the PNG cannot be made. */
async function maskOf(painted: HTMLCanvasElement, size: Size): Promise<Blob | string | null> {
  const made = document.createElement("canvas");
  made.width = size.width;
  made.height = size.height;
  // Only this copy is read: reading the painting would slow down the brush.
  const target = made.getContext("2d", { willReadFrequently: true });
  if (!target) return t.mask.tooBig;
  target.drawImage(painted, 0, 0);
  if (!isPainted(target, size)) return null;
  carve(target, painted, size);
  return new Promise((resolve) => made.toBlob((blob) => resolve(blob ?? t.mask.tooBig), "image/png"));
}
