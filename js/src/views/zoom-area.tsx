// A stage on which an image is zoomed and moved: by wheel, pointer, two fingers and keys.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Point, Size } from "../lib/geometry";
import { FITTED, fitted, moved, trueScale, type Zoom, zoomed } from "../lib/zoom";

const WHEEL = 0.0016;
/** How far a finger must go sideways, in pixels, to turn to another image. */
const SWIPE = 60;

interface ZoomAreaProps {
  image: Size;
  zoom: Zoom;
  onZoom(zoom: Zoom): void;
  /** A finger moved sideways over a wholly shown image. */
  onSwipe?(by: -1 | 1): void;
  onStage?(stage: Size): void;
  /** Draw the content of the stage, which has this size. */
  children(stage: Size): ComponentChildren;
}

export function ZoomArea({ image, zoom, onZoom, onSwipe, onStage, children }: ZoomAreaProps) {
  const element = useRef<HTMLDivElement>(null);
  const [stage, setStage] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const area = element.current;
    if (!area) return undefined;
    const measure = (): void => setStage({ width: area.clientWidth, height: area.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(area);
    measure();
    return () => observer.disconnect();
  }, []);
  useEffect(() => onStage?.(stage), [stage, onStage]);

  const now = useRef({ image, zoom, stage, onZoom });
  now.current = { image, zoom, stage, onZoom };
  useEffect(() => {
    const area = element.current;
    // Preact's own listeners are passive for wheels, and the notebook would scroll.
    const turn = (event: WheelEvent): void => {
      event.preventDefault();
      const { image: of, zoom: from, stage: on, onZoom: set } = now.current;
      set(zoomed(from, Math.exp(-event.deltaY * WHEEL), fromCentre(event, area), of, on));
    };
    area?.addEventListener("wheel", turn, { passive: false });
    return () => area?.removeEventListener("wheel", turn);
  }, []);

  const pointers = useRef(new Map<number, Point>());
  const travelled = useRef(0);
  const down = (event: PointerEvent): void => {
    if (event.button !== 0 || !(event.currentTarget instanceof HTMLElement)) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    pointers.current.set(event.pointerId, fromCentre(event, element.current));
    travelled.current = 0;
  };
  const move = (event: PointerEvent): void => {
    const last = pointers.current.get(event.pointerId);
    if (!last) return;
    const here = fromCentre(event, element.current);
    const [other] = [...pointers.current].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    pointers.current.set(event.pointerId, here);
    if (other) {
      const middle = { x: (here.x + other.x) / 2, y: (here.y + other.y) / 2 };
      const grown = distance(here, other) / Math.max(distance(last, other), 1);
      onZoom(zoomed(zoom, grown, middle, image, stage));
      travelled.current = Number.NaN;
      return;
    }
    travelled.current += here.x - last.x;
    onZoom(moved(zoom, { x: here.x - last.x, y: here.y - last.y }, image, stage));
  };
  const up = (event: PointerEvent): void => {
    if (!pointers.current.delete(event.pointerId) || pointers.current.size > 0) return;
    const whole = zoom.scale === 1 && event.pointerType !== "mouse";
    if (whole && Math.abs(travelled.current) > SWIPE) onSwipe?.(travelled.current < 0 ? 1 : -1);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the lightbox has buttons and keys for the same
    <div
      ref={element}
      class="ip-zoom"
      data-zoomed={zoom.scale > 1}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onDblClick={(event) => {
        const out = zoom.scale > 1.01;
        const large = Math.max(trueScale(image, stage), 2);
        onZoom(out ? FITTED : zoomed(zoom, large, fromCentre(event, element.current), image, stage));
      }}
    >
      {stage.width > 0 && children(stage)}
    </div>
  );
}

interface ZoomedImageProps {
  src: string;
  alt: string;
  image: Size;
  stage: Size;
  zoom: Zoom;
  testid?: string | undefined;
  onError(): void;
}

/** An image in its place on the stage. */
export function ZoomedImage({ src, alt, image, stage, zoom, testid, onError }: ZoomedImageProps) {
  const { width, height } = fitted(image, stage);
  return (
    <img
      src={src}
      alt={alt}
      draggable={false}
      data-testid={testid}
      onError={onError}
      data-sharp={zoom.scale > trueScale(image, stage) * 2}
      style={{
        width: `${width}px`,
        height: `${height}px`,
        left: `${(stage.width - width) / 2}px`,
        top: `${(stage.height - height) / 2}px`,
        transform: `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`,
      }}
    />
  );
}

function fromCentre(event: MouseEvent, area: HTMLElement | null): Point {
  const box = area?.getBoundingClientRect();
  if (!box) return { x: 0, y: 0 };
  return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
