// The page of all outputs of a notebook, as VS Code has it: VS Code's own widget manager, on a kernel whose messages
// the editor's page carries.
import { ServerConnection } from "@jupyterlab/services";
import { KernelConnection } from "@jupyterlab/services/lib/kernel/default";
import { type Bundle, carried, posted, type ToEditor, type ToOutputs } from "./messages";

interface Manager {
  has_model(id: string): boolean;
  get_model(id: string): Promise<unknown>;
  create_view(model: unknown, options: object): Promise<unknown>;
  display_view(data: object, view: unknown, options: object): Promise<unknown>;
}
interface Loader {
  widgetsRegisteredInRequireJs: Set<string>;
  loadWidgetScript(): Promise<void>;
  successHandler(): void;
  errorHandler(...told: unknown[]): void;
}
interface ManagerClass {
  new (kernel: KernelConnection, element: undefined, loader: Loader, log: () => void): Manager;
}
interface Theme {
  kind: string;
  variables: Record<string, string>;
}
interface Outputs {
  start(kernelId: string): Promise<void>;
  run(cell: number, code: string): Promise<{ status: string; shown: Bundle[] }>;
  show(cell: number, bundle: Bundle): Promise<void>;
  wear(theme: Theme): void;
}
declare global {
  interface Window {
    outputs: Outputs;
    requirejs: { config(options: object): void };
    vscIPyWidgets8: { load(): void };
    vscIPyWidgets: { WidgetManager: ManagerClass };
  }
}

const WIDGET = "application/vnd.jupyter.widget-view+json";
const DISPLAYED: ReadonlySet<string> = new Set(["display_data", "execute_result"]);
const ANYWIDGET = new URL("nbextensions/anywidget/index", location.href).href;

/** The socket that the kernel's connection gets; the editor holds the real one. */
let socket: PostedSocket | undefined;
let kernel: KernelConnection;
let manager: Manager;
/** Where the output of each cell begins, in pixels of this page. */
let tops: Record<number, number> = {};

class PostedSocket {
  static readonly OPEN = 1;
  readonly readyState = PostedSocket.OPEN;
  readonly protocol = "";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null;
  constructor() {
    socket = this;
  }
  send(data: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): void {
    tell({ type: "frame", frame: posted(data) });
  }
  close(): void {}
}

function tell(message: ToEditor): void {
  window.top?.postMessage(message, "*");
}

addEventListener("message", ({ data }: MessageEvent<ToOutputs>) => {
  if (data.type === "opened") socket?.onopen?.();
  if (data.type === "frame") socket?.onmessage?.({ data: carried(data.frame) });
  if (data.type === "tops") {
    tops = data.tops;
    for (const cell of document.querySelectorAll<HTMLElement>("[data-cell]")) arrange(cell);
  }
});

function arrange(cell: HTMLElement): void {
  cell.style.top = `${tops[Number(cell.dataset.cell)] ?? 0}px`;
}

async function start(kernelId: string): Promise<void> {
  const address = new URL("ipywidgets.js", location.href).href;
  const { activate }: { activate(): void } = await import(address);
  activate();
  const settings = ServerConnection.makeSettings({
    WebSocket: PostedSocket as unknown as typeof WebSocket,
    wsUrl: "ws://posted",
  });
  kernel = new KernelConnection({ model: { id: kernelId, name: "python3" }, serverSettings: settings });
  // VS Code answers this request with nothing. So the page never learns that a kernel has subshells.
  kernel.requestKernelInfo = async () => undefined;
  const connected = new Promise<void>((resolve) => kernel.connectionStatusChanged.connect(() => resolve()));
  tell({ type: "open", session: kernel.clientId });
  await connected;
  window.vscIPyWidgets8.load();
  const loader: Loader = {
    widgetsRegisteredInRequireJs: new Set(["anywidget"]),
    loadWidgetScript: async () => {},
    successHandler: () => {},
    errorHandler: (...told) => console.error(...told),
  };
  manager = new window.vscIPyWidgets.WidgetManager(kernel, undefined, loader, () => {});
  window.requirejs.config({ paths: { anywidget: ANYWIDGET } });
}

async function run(cell: number, code: string): Promise<{ status: string; shown: Bundle[] }> {
  document.querySelector(`[data-cell="${cell}"]`)?.remove();
  const shown: Bundle[] = [];
  const drawn: Promise<void>[] = [];
  const future = kernel.requestExecute({ code });
  future.onIOPub = ({ header, content }) => {
    if (!DISPLAYED.has(header.msg_type)) return;
    const bundle = (content as { data: Bundle }).data;
    shown.push(bundle);
    drawn.push(show(cell, bundle));
  };
  const reply = await future.done;
  await Promise.all(drawn);
  return { status: reply.content.status, shown };
}

/** Draw an output: a widget that the manager knows, else the plain text of the output. */
async function show(cell: number, bundle: Bundle): Promise<void> {
  const output = outputOf(cell);
  const id = (bundle[WIDGET] as { model_id: string } | undefined)?.model_id;
  if (id === undefined || !manager.has_model(id)) {
    const text = document.createElement("pre");
    text.textContent = String(bundle["text/plain"] ?? "");
    output.append(text);
    return;
  }
  try {
    await draw(id, output);
  } catch (failure) {
    console.error(failure);
  }
}

async function draw(id: string, output: HTMLElement): Promise<void> {
  output.classList.add("cell-output-ipywidget-background");
  const inner = document.createElement("div");
  inner.className = "cell-output-ipywidget-background";
  inner.tabIndex = 0;
  inner.role = "region";
  output.append(inner);
  const model = await manager.get_model(id);
  await manager.display_view({}, await manager.create_view(model, { el: inner }), { node: inner });
  // VS Code puts all controls into the order of the Tab key, half a second after a widget was drawn.
  setTimeout(() => {
    for (const each of inner.querySelectorAll("button:not([tabindex]), a[href]:not([tabindex])")) {
      each.setAttribute("tabindex", "0");
    }
  }, 500);
}

function outputOf(index: number): HTMLElement {
  const cell = document.createElement("div");
  cell.className = "cell_container";
  cell.dataset.cell = String(index);
  const container = document.createElement("div");
  container.className = "output_container";
  const output = document.createElement("div");
  output.className = "output";
  const inner = document.createElement("div");
  cell.append(container);
  container.append(output);
  output.append(inner);
  arrange(cell);
  document.getElementById("container")?.append(cell);
  new ResizeObserver(() => {
    if (cell.isConnected) tell({ type: "height", cell: index, height: container.offsetHeight });
  }).observe(container);
  return inner;
}

function wear({ kind, variables }: Theme): void {
  for (const [name, value] of Object.entries(variables)) {
    document.documentElement.style.setProperty(`--vscode-${name}`, value);
  }
  document.body.className = kind;
  document.body.dataset.vscodeThemeKind = kind;
}

/** Hand what a link holds to the editor, which saves it. A blob is read first. */
async function save({ href, download }: HTMLAnchorElement): Promise<void> {
  if (href.startsWith("data:")) {
    tell({ type: "save", name: download, data: href });
    return;
  }
  const blob = await (await fetch(href)).blob();
  const reader = new FileReader();
  reader.onload = () => tell({ type: "save", name: download, data: String(reader.result) });
  reader.readAsDataURL(blob);
}

document.body.addEventListener("click", (event) => {
  const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
  if (!link?.href) return;
  // No link is followed here. The editor opens other links in a browser of their own.
  event.preventDefault();
  if (/^(data|blob):/.test(link.href)) void save(link);
});

for (const name of ["alert", "open"] as const) {
  window[name] = () => {
    throw new Error(`VS Code has no ${name}`);
  };
}
window.outputs = { start, run, show, wear };
