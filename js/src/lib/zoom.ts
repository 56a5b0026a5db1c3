// How far an image is zoomed in and where it was moved to. Pure.
import type { Point, Size } from "./geometry";

/** `scale` is relative to the fitted image; `x` and `y` move its centre from the stage's, in CSS pixels. */
export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

export const FITTED: Zoom = { scale: 1, x: 0, y: 0 };
/** The most pixels of the screen that one pixel of the image covers. */
const LARGEST_PIXEL = 8;

/** Return the size of an image that is shown whole and not enlarged. */
export function fitted(image: Size, stage: Size): Size {
  const share = Math.min(stage.width / image.width, stage.height / image.height, 1);
  return { width: image.width * share, height: image.height * share };
}

/** Return the scale at which one pixel of the image is one of the screen. */
export function trueScale(image: Size, stage: Size): number {
  return image.width / fitted(image, stage).width;
}

/**
 * Return the zoom by a factor around a point (from the stage's centre), which stays in place as far as the edges
 * allow.
 */
export function zoomed(zoom: Zoom, factor: number, point: Point, image: Size, stage: Size): Zoom {
  const most = Math.max(trueScale(image, stage) * LARGEST_PIXEL, 4);
  const scale = Math.min(Math.max(zoom.scale * factor, 1), most);
  const share = scale / zoom.scale;
  return held(
    { scale, x: point.x - (point.x - zoom.x) * share, y: point.y - (point.y - zoom.y) * share },
    image,
    stage,
  );
}

/** Return the zoom with the image moved by some CSS pixels. */
export function moved(zoom: Zoom, by: Point, image: Size, stage: Size): Zoom {
  return held({ ...zoom, x: zoom.x + by.x, y: zoom.y + by.y }, image, stage);
}

/**
 * Return the zoom with the image moved so that none of its edges lies further inside the stage than when fitted.
 */
function held({ scale, x, y }: Zoom, image: Size, stage: Size): Zoom {
  const size = fitted(image, stage);
  const room = (edge: number, across: number): number => Math.max((edge * scale - across) / 2, 0);
  const within = (value: number, most: number): number => Math.min(Math.max(value, -most), most) + 0;
  return {
    scale,
    x: within(x, room(size.width, stage.width)),
    y: within(y, room(size.height, stage.height)),
  };
}

/**
 * Return where the line between two compared images stands, in pixels from the left of the stage, and always on it.
 * @param share how much of the image lies before it, in percent
 */
export function linePlace(share: number, image: Size, zoom: Zoom, stage: Size): number {
  const { left, width } = across(image, zoom, stage);
  return Math.min(Math.max(left + (width * share) / 100, 0), stage.width);
}

/** Return how much of an image lies before a place on the stage, in percent. */
export function lineShare(place: number, image: Size, zoom: Zoom, stage: Size): number {
  const { left, width } = across(image, zoom, stage);
  return Math.min(Math.max(((place - left) / width) * 100, 0), 100);
}

/** Return where an image begins on the stage, and how wide it is there. */
function across(image: Size, zoom: Zoom, stage: Size): { left: number; width: number } {
  const width = fitted(image, stage).width * zoom.scale;
  return { left: (stage.width - width) / 2 + zoom.x, width };
}
