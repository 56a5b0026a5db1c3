// Points, sizes and boxes, in pixels.
export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** The part of a `DOMRect` that matters here. */
export interface Box extends Size {
  left: number;
  top: number;
}
