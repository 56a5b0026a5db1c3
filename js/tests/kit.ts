// What the tests share: a store on a kernel that answers when told to, and a fake widget model.
import type { AnyModel } from "@anywidget/types";
import { vi } from "vitest";
import { error } from "../dev/fixtures";
import { type Answer, RequestError, type Send } from "../src/lib/answer";
import type { Canvas } from "../src/lib/mask";
import type { LoadPart, PartModules } from "../src/parts";
import * as large from "../src/parts/large";
import * as mask from "../src/parts/mask";
import * as picker from "../src/parts/picker";
import * as tools from "../src/parts/tools";
import * as zh from "../src/parts/zh";
import type { Call, ErrorState, KernelMessage, PageMessage, Result } from "../src/protocol.gen";
import type { Reach } from "../src/slices/state";
import { createPageStore, type Store } from "../src/store";

export interface Pending {
  call: Call;
  /** The bytes that went along. */
  buffers: ArrayBuffer[];
  answer(result?: Result): Promise<void>;
  refuse(state?: ErrorState): Promise<void>;
}

/** Return a store, and the calls that it sent, to be answered by hand. */
export function storeWithKernel(): { store: Store; page: Reach; calls: Pending[]; last(): Pending } {
  const calls: Pending[] = [];
  const send: Send = (call, sent) =>
    new Promise<Answer>((resolve, reject) => {
      calls.push({
        call,
        buffers: sent ?? [],
        answer: async (result = { type: "empty" }) => {
          resolve({ result, buffers: [] });
          await settled();
        },
        refuse: async (state = error()) => {
          reject(new RequestError(state));
          await settled();
        },
      });
    });
  const store = createPageStore(send);
  const last = (): Pending => {
    const call = calls.at(-1);
    if (!call) throw new Error("nothing was sent");
    return call;
  };
  return { store, page: { store, send }, calls, last };
}

/** Load a part from its source. */
export const partFromSource: LoadPart = async (name) => {
  // Their tiles ask the browser when they are imported, and most tests have none.
  const gallery = name === "gallery" ? await import("../src/parts/gallery") : undefined;
  const sweep = name === "sweep" ? await import("../src/parts/sweep") : undefined;
  const sources = { ...SOURCES, gallery, sweep } as PartModules;
  return { module: sources[name], styles: "" };
};

const SOURCES: Omit<PartModules, "gallery" | "sweep"> = { large, mask, picker, tools, zh };

/** Let all code run that waits for a settled promise. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

/** A host that shows pictures from blob:, or one that refuses them. */
export function hostThatShows(what: "blobs" | "data"): void {
  vi.stubGlobal(
    "Image",
    class {
      onload = (): void => undefined;
      onerror = (): void => undefined;
      set src(_: string) {
        queueMicrotask(() => (what === "blobs" ? this.onload() : this.onerror()));
      }
    },
  );
}

type Handler = (message: KernelMessage, buffers: DataView[]) => void;

/** A widget model without a kernel: it keeps what was sent, and delivers the messages of a test. */
export class FakeModel {
  readonly sent: PageMessage[] = [];
  readonly handlers = new Set<Handler>();
  readonly listeners = new Map<string, Set<() => void>>();
  state: Record<string, unknown> = {};
  /** What was set and saved. */
  saved: Record<string, unknown> = {};
  widget_manager: { kernel?: unknown } = {};

  get = (name: string): unknown => this.state[name];
  send = (message: PageMessage): void => void this.sent.push(message);
  on = (name: string, handler: Handler): void => {
    if (name === "msg:custom") this.handlers.add(handler);
    else {
      const known = this.listeners.get(name) ?? new Set();
      this.listeners.set(name, known.add(handler as () => void));
    }
  };
  off = (name: string, handler: Handler): void => {
    if (name === "msg:custom") this.handlers.delete(handler);
    else this.listeners.get(name)?.delete(handler as () => void);
  };
  set = (name: string, value: unknown): void => {
    this.state[name] = value;
    this.trigger(`change:${name}`);
  };
  save_changes = (): void => void Object.assign(this.saved, this.state);

  get model(): AnyModel {
    return this as unknown as AnyModel;
  }

  /** Trigger an event of the host, for instance `comm:close`. */
  trigger(name: string): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) listener();
  }

  receive(message: KernelMessage, buffers: DataView[] = []): void {
    for (const handler of [...this.handlers]) handler(message, buffers);
  }

  /** Return the requests of one method, oldest first. */
  requests(method: Call["method"]): { id: string; call: Call }[] {
    return this.sent.filter((message) => message.kind === "request" && message.call.method === method) as {
      id: string;
      call: Call;
    }[] &
      PageMessage[];
  }

  acks(): number[] {
    return this.sent.flatMap((message) => (message.kind === "ack" ? [message.seq] : []));
  }

  leaves(): PageMessage[] {
    return this.sent.filter(({ kind }) => kind === "leave");
  }

  async reply(to: string, result: Result): Promise<void> {
    this.receive({ kind: "reply", to, result, error: null });
    await settled();
  }
}

/** A canvas of one pixel's alpha: enough to tell the ways of composing apart. */
export class Pixel {
  alpha = 0;
  globalCompositeOperation = "source-over";
  fillStyle = "";
  strokeStyle = "";
  lineWidth = 0;
  lineCap = "";
  lineJoin = "";
  readonly lines: number[][] = [];
  #kept: string[] = [];

  save = () => void this.#kept.push(this.globalCompositeOperation);
  restore = () => {
    this.globalCompositeOperation = this.#kept.pop() ?? "source-over";
  };
  clearRect = () => {
    this.alpha = 0;
  };
  fillRect = () => this.#put(255);
  stroke = () => this.#put(255);
  drawImage = (image: unknown) => this.#put((image as Pixel).alpha);
  beginPath = () => undefined;
  moveTo = (x: number, y: number) => void this.lines.push([x, y]);
  lineTo = (x: number, y: number) => void this.lines.push([x, y]);
  getImageData = () => ({ data: [0, 0, 0, this.alpha] });

  #put(alpha: number): void {
    const operation = this.globalCompositeOperation;
    if (operation === "source-over") this.alpha = Math.max(this.alpha, alpha);
    else if (operation === "destination-out") this.alpha = this.alpha * (1 - alpha / 255);
    else if (operation === "xor") this.alpha = Math.abs(this.alpha - alpha);
  }

  get canvas(): Canvas {
    return this as unknown as Canvas;
  }
}
