// Images that go from a studio into a notebook. A drop makes a cell below the one under the pointer, and the menu of an
// image a cell below the active one.
import { GENERATION } from "../lib/drag";
import type { DraggedImage } from "../lib/jupyterlab";
import {
  type CellView,
  codeCell,
  insertCell,
  type NewCell,
  type NotebookPanel,
  type Notebooks,
  takesCells,
} from "./notebook";

/** The most bytes of a picture in a notebook: the original stays in the history. */
const MOST_BYTES = 100_000;
/** The shares of a picture's width that are tried until the picture is small enough. */
const SHARES = [1, 0.75, 0.5, 0.35, 0.25, 0.12];
const QUALITY = 0.7;
/** The most characters of a prompt that describe the picture. */
const MOST_WORDS = 200;

/** What the line says: what a drop puts there. */
export interface DropTexts {
  /** Without a modifier key. */
  dropPicture: string;
  /** With Alt held. */
  dropCode: string;
}

/** Between two cells, in the colours of JupyterLab's theme. The pointer goes through it to the cells. */
const LINE =
  "position:fixed;z-index:10000;height:3px;margin-top:-1px;pointer-events:none;border-radius:2px;" +
  "background:var(--jp-brand-color1,#1976d2)";
const LABEL =
  "position:absolute;top:50%;left:50%;transform:translate(-50%,-50%);padding:2px 10px;border-radius:10px;" +
  "white-space:nowrap;font:var(--jp-ui-font-size1,13px)/1.4 var(--jp-ui-font-family,sans-serif);" +
  "background:inherit;color:var(--jp-layout-color0,#fff)";

/** Where a drop puts its cell: below a cell, or at the top of the notebook. */
interface Place {
  panel: NotebookPanel;
  above: CellView | undefined;
}

/**
 * Take images that are dropped on notebooks, until the signal.
 *
 * A drop makes a Markdown cell with the picture; with Alt held, a code cell that opens the image. All other drags, and
 * drags within a studio, are left as they are.
 *
 * @param dragged returns the image that a studio says is dragged
 */
export function takeDrops(
  notebooks: Notebooks,
  dragged: () => DraggedImage | null,
  texts: DropTexts,
  signal: AbortSignal,
): void {
  const line = document.createElement("div");
  line.style.cssText = LINE;
  line.dataset.testid = "imgplay-drop-line";
  const label = document.createElement("span");
  label.style.cssText = LABEL;
  line.append(label);
  const leave = (): void => line.remove();

  /** Return the image and its place, if the drag is one for a notebook. */
  const taken = (event: DragEvent): { image: DraggedImage; place: Place } | undefined => {
    const image = dragged();
    // The studio that began a drag may be gone before its end, so the drag itself must hold an image too.
    if (!image || !event.dataTransfer?.types.includes(GENERATION)) return undefined;
    const place = placeOf(notebooks, event);
    if (!place) return undefined;
    event.preventDefault();
    // The editor of a cell would show where it takes a text.
    event.stopPropagation();
    return { image, place };
  };
  const over = (event: DragEvent): void => {
    const place = taken(event)?.place;
    if (!place) {
      leave();
      return;
    }
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    label.textContent = event.altKey ? texts.dropCode : texts.dropPicture;
    Object.assign(line.style, lineOf(place));
    if (!line.isConnected) document.body.append(line);
  };
  const drop = (event: DragEvent): void => {
    leave();
    const found = taken(event);
    // The studio tells the user why there is nothing.
    if (found) put(found.image, found.place, event.altKey).catch(() => undefined);
  };
  const options = { capture: true, signal };
  document.addEventListener("dragover", over, options);
  document.addEventListener("drop", drop, options);
  document.addEventListener("dragend", leave, options);
  signal.addEventListener("abort", leave);
}

/** Return the place below the cell under the pointer, or below the last cell above the pointer. */
function placeOf(notebooks: Notebooks, { target, clientY }: DragEvent): Place | undefined {
  // A studio takes what is dragged over itself, such as an image for its prompt.
  if (!(target instanceof Element) || target.closest(".imgplay")) return undefined;
  const panel = notebooks.find(({ content }) => content.node.contains(target));
  if (!panel || !takesCells(panel)) return undefined;
  const { widgets } = panel.content;
  const above =
    widgets.find(({ node }) => node.contains(target)) ??
    // Cells out of sight may be no part of the page.
    [...widgets]
      .reverse()
      .find(({ node }) => node.isConnected && node.getBoundingClientRect().top <= clientY);
  return { panel, above };
}

/** Return where the line of a place stands, within the part of the notebook that is in sight. */
function lineOf({ panel: { content }, above }: Place): Record<"left" | "top" | "width", string> {
  const seen = content.node.getBoundingClientRect();
  const cell = (above ?? content.widgets[0])?.node.getBoundingClientRect() ?? seen;
  const wanted = above ? cell.bottom : cell.top;
  const top = Math.min(Math.max(wanted, seen.top + 12), seen.bottom - 12);
  return { left: `${cell.left}px`, top: `${top}px`, width: `${cell.width}px` };
}

/**
 * Put the thumbnail of an image into a new cell below the active one of the notebook that had the focus last.
 *
 * @returns false if there is no notebook that takes a cell
 */
export async function insertPicture(notebooks: Notebooks, image: DraggedImage): Promise<boolean> {
  const panel = notebooks.currentWidget;
  if (!panel || !takesCells(panel)) return false;
  const { widgets, activeCellIndex } = panel.content;
  return put(image, { panel, above: widgets[activeCellIndex] }, false);
}

/** Put an image into a new cell. Return false if the notebook takes none by then; reject where there is nothing. */
async function put(image: DraggedImage, { panel, above }: Place, asCode: boolean): Promise<boolean> {
  const cell = asCode
    ? codeCell(await image.code())
    : pictureCell(image.alt, await small(await image.picture()));
  // The notebook may be closed meanwhile, and cells may have come or gone.
  if (!takesCells(panel)) return false;
  const index = above ? panel.content.widgets.indexOf(above) + 1 : 0;
  insertCell(panel, index, cell);
  return true;
}

type Picture = { type: string; base64: string };

/** Return a Markdown cell with a picture in it. */
export function pictureCell(alt: string, { type, base64 }: Picture): NewCell {
  // Cells that the user merges share one table of attachments.
  const name = `${Math.random().toString(36).slice(2, 10)}.${type.replace("image/", "")}`;
  return {
    cell_type: "markdown",
    source: `![${plain(alt)}](attachment:${name})`,
    attachments: { [name]: { [type]: base64 } },
  };
}

/** Return a text that Markdown shows as it is, in one line. */
function plain(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  const signs = [...line];
  const shown = signs.length > MOST_WORDS ? `${signs.slice(0, MOST_WORDS - 1).join("")}…` : line;
  // Two backslashes before a bracket would begin a formula.
  return shown.replace(/[\\`*_[\]<>!&#$|~]/g, (sign) => (sign === "\\" ? "&#92;" : `\\${sign}`));
}

/** Return a picture of at most `MOST_BYTES`. */
async function small(picture: Blob): Promise<Picture> {
  let blob = picture;
  const drawn = await createImageBitmap(picture);
  for (const share of SHARES) {
    if (blob.size <= MOST_BYTES) break;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(drawn.width * share));
    canvas.height = Math.max(1, Math.round(drawn.height * share));
    canvas.getContext("2d")?.drawImage(drawn, 0, 0, canvas.width, canvas.height);
    blob = await written(canvas);
  }
  drawn.close();
  return { type: blob.type, base64: await base64(blob) };
}

/** Return a canvas as a file. A browser that does not write WebP writes a PNG instead, which is larger than a JPEG. */
async function written(canvas: HTMLCanvasElement): Promise<Blob> {
  const write = (type: string): Promise<Blob | null> =>
    new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  const webp = await write("image/webp");
  const blob = webp?.type === "image/webp" ? webp : await write("image/jpeg");
  if (!blob) throw new Error("the browser did not draw the picture");
  return blob;
}

/** Return the bytes of a file as base64. */
function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
