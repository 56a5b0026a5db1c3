// A mask while it is painted: strokes over a picture, in the picture's own pixels. Each stroke can be undone.
import type { Point, Size } from "./geometry";

/** One step of the painting. */
export type Step =
  | { kind: "stroke"; erase: boolean; size: number; points: Point[] }
  | { kind: "invert" }
  | { kind: "clear" };

export interface History {
  done: readonly Step[];
  undone: readonly Step[];
}

export const NOTHING_DONE: History = { done: [], undone: [] };

export function withStep({ done }: History, step: Step): History {
  return { done: [...done, step], undone: [] };
}

export function undone({ done, undone }: History): History {
  const last = done.at(-1);
  return last ? { done: done.slice(0, -1), undone: [...undone, last] } : { done, undone };
}

export function redone({ done, undone }: History): History {
  const next = undone.at(-1);
  return next ? { done: [...done, next], undone: undone.slice(0, -1) } : { done, undone };
}

/** Return the scale at which the whole picture is seen. A small picture is enlarged only to a limit. */
export function fitScale(picture: Size, room: Size, largest = 4): number {
  const scale = Math.min(room.width / picture.width, room.height / picture.height);
  return Math.max(Math.min(scale, largest), 0.01);
}

/** Return the pixel of the picture under a point of the screen. */
export function toPicture(
  { clientX, clientY }: { clientX: number; clientY: number },
  shown: { left: number; top: number } & Size,
  picture: Size,
): Point {
  return {
    x: ((clientX - shown.left) / shown.width) * picture.width,
    y: ((clientY - shown.top) / shown.height) * picture.height,
  };
}

export function inside({ x, y }: Point, { width, height }: Size): Point {
  return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
}

/** Return the first and the largest width of the brush, in pixels of the picture. */
export function brushSizes({ width, height }: Size): { first: number; largest: number } {
  const longer = Math.max(width, height);
  return { first: Math.max(Math.round(longer * 0.08), 2), largest: Math.max(Math.round(longer / 2), 4) };
}

/** Return the next wider or narrower brush: a fifth more or less, one pixel at least. */
export function resized(size: number, by: 1 | -1, largest: number): number {
  const next = by > 0 ? Math.max(size + 1, size * 1.2) : Math.min(size - 1, size / 1.2);
  return Math.round(Math.min(Math.max(next, 1), largest));
}

export type Canvas = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Any opaque colour will do: the page shows the painting half transparent. */
export const PAINT = "#ff2f6d";

/** Paint one step over the painting so far. Painted pixels are opaque. */
export function paint(context: Canvas, step: Step, { width, height }: Size): void {
  context.save();
  context.fillStyle = PAINT;
  context.strokeStyle = PAINT;
  if (step.kind === "clear") context.clearRect(0, 0, width, height);
  else if (step.kind === "invert") {
    context.globalCompositeOperation = "xor";
    context.fillRect(0, 0, width, height);
  } else {
    context.globalCompositeOperation = step.erase ? "destination-out" : "source-over";
    context.lineWidth = step.size;
    context.lineCap = "round";
    context.lineJoin = "round";
    const [first, ...rest] = step.points;
    if (first) {
      context.beginPath();
      context.moveTo(first.x, first.y);
      // A stroke of a single point is still a dot.
      for (const { x, y } of rest.length > 0 ? rest : [first]) context.lineTo(x, y);
      context.stroke();
    }
  }
  context.restore();
}

/** Paint the area that an earlier mask leaves transparent. */
export function paintMask(context: Canvas, mask: CanvasImageSource, { width, height }: Size): void {
  context.save();
  context.fillStyle = PAINT;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(mask, 0, 0, width, height);
  context.restore();
}

/** Make the mask of a painting: transparent where it is painted, white elsewhere. */
export function carve(context: Canvas, painted: CanvasImageSource, { width, height }: Size): void {
  context.save();
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(painted, 0, 0, width, height);
  context.restore();
}

const BAND = 256;

/**
 * Return whether anything is painted. The pixels are read in bands: all of them at once may not fit into memory.
 */
export function isPainted(context: Canvas, { width, height }: Size): boolean {
  for (let top = 0; top < height; top += BAND) {
    const { data } = context.getImageData(0, top, width, Math.min(BAND, height - top));
    for (let at = 3; at < data.length; at += 4) if (data[at] === 255) return true;
  }
  return false;
}
