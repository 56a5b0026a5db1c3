// Dragging a picture out of the browser, as a file. Chromium makes a file of an address in the drag; other browsers
// ignore it.
import type { BatchState, GenerationState } from "../protocol.gen";

/** The name by which Chromium knows a file in a drag: its kind, its name and its address, with colons between. */
const FILE = "DownloadURL";

const ENDINGS: Record<string, string> = {
  jpeg: "jpg",
  "svg+xml": "svg",
  "x-icon": "ico",
  "vnd.microsoft.icon": "ico",
};

/** An original, as far as the page knows it. */
export interface Draggable {
  /** The address of the original on a server, which other programs can open too. */
  address?: string | undefined;
  /** The original that the page has in memory. */
  held?: { url: string; fileName: string } | undefined;
}

/** Let a drag carry the original of an image, if it can be had without waiting: a drag cannot wait. */
export function carryFile(
  { dataTransfer }: DragEvent,
  { prompt }: Pick<BatchState, "prompt">,
  generation: GenerationState,
  { address, held }: Draggable,
): void {
  const url = address ?? held?.url;
  // In a host that takes no blobs, all of the file would be in its address.
  if (!dataTransfer || !url || url.startsWith("data:")) return;
  const name = held?.fileName ?? nameOf(prompt, generation);
  // What a server gives for a download has the recipe inside.
  const file = address ? `${address}?download=true` : url;
  dataTransfer.setData(FILE, `${generation.mediaType ?? ""}:${name}:${file}`);
  if (address) dataTransfer.setData("text/uri-list", address);
}

/** Return a name for a file, made of the first words of the prompt. */
function nameOf(prompt: string, { mediaType, position }: GenerationState): string {
  const words = (prompt.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, 6);
  const kind = mediaType?.split("/")[1] ?? "";
  const ending = ENDINGS[kind] ?? kind;
  const stem = [...words.join("-")].slice(0, 60).join("") || "image";
  return `${stem}-${position + 1}${ending && `.${ending}`}`;
}
