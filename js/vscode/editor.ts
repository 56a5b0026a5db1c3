// The window of the editor: cells of code in a scroller, and below them, in order, one frame of all outputs. As in VS
// Code, the frame is as tall as the notebook and 10,000 pixels more.
import { carried, posted, type ToEditor, type ToOutputs } from "./messages";

/** How far the frame reaches beyond the notebook, above and below. */
const BOUNDARY = 5000;
const CODE_HEIGHT = 58;
const GAP = 12;

interface Editor {
  /** Files that the user saved: their names, and `data:` addresses of what is in them. */
  saved: [string, string][];
}
declare global {
  interface Window {
    editor: Editor;
  }
}

const asked = new URLSearchParams(location.search);
const count = Number(asked.get("cells"));
const rows = document.getElementById("rows") as HTMLElement;
const webview = document.getElementById("webview") as HTMLIFrameElement;
const heights: Record<number, number> = {};
const codes = Array.from({ length: count }, (_, index) => {
  const code = document.createElement("div");
  code.className = "code";
  code.textContent = `cell ${index}`;
  rows.append(code);
  return code;
});
let socket: WebSocket | undefined;
window.editor = { saved: [] };

function layout(): void {
  const tops: Record<number, number> = {};
  let y = GAP;
  codes.forEach((code, index) => {
    code.style.top = `${y}px`;
    y += CODE_HEIGHT;
    tops[index] = BOUNDARY + y;
    y += (heights[index] ?? 0) + GAP;
  });
  rows.style.height = `${y}px`;
  webview.style.height = `${y + 2 * BOUNDARY}px`;
  tell({ type: "tops", tops });
}

function tell(message: ToOutputs): void {
  webview.contentWindow?.frames[0]?.postMessage(message, "*");
}

function open(session: string): void {
  socket?.close();
  const real = new WebSocket(`${asked.get("channels")}?session_id=${session}`);
  socket = real;
  real.binaryType = "arraybuffer";
  real.onopen = () => tell({ type: "opened" });
  real.onmessage = ({ data }) => tell({ type: "frame", frame: posted(data) });
}

addEventListener("message", ({ data }: MessageEvent<ToEditor>) => {
  if (data.type === "open") {
    open(data.session);
    layout();
  }
  if (data.type === "frame") socket?.send(carried(data.frame));
  if (data.type === "height" && heights[data.cell] !== data.height) {
    heights[data.cell] = data.height;
    layout();
  }
  if (data.type === "save") window.editor.saved.push([data.name, data.data]);
});

layout();
webview.src = asked.get("webview") ?? "";
