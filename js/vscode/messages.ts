// What the editor's page and the page of the outputs post to each other, as VS Code and its webview do.

/** A frame of the kernel's socket. VS Code posts binary ones as numbers. */
export type Frame = string | number[];
export type Bundle = Record<string, unknown>;

export type ToOutputs =
  | { type: "opened" }
  | { type: "frame"; frame: Frame }
  | { type: "tops"; tops: Record<number, number> };

export type ToEditor =
  | { type: "open"; session: string }
  | { type: "frame"; frame: Frame }
  | { type: "height"; cell: number; height: number }
  | { type: "save"; name: string; data: string };

/** Return what a socket carries in the form in which it is posted. */
export function posted(data: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): Frame {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return Array.from(new Uint8Array(data));
  return Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** Return what was posted in the form in which a socket carries it. */
export function carried(frame: Frame): string | ArrayBuffer {
  return typeof frame === "string" ? frame : new Uint8Array(frame).buffer;
}
