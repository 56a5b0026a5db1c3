// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { error, model } from "../dev/fixtures";
import { pngTexts } from "../src/lib/png-texts";
import { dropFiles, holdsFlow } from "../src/views/workflow-drop";
import { type Pending, settled, storeWithKernel } from "./kit";

const GRAPH = JSON.stringify({ "1": { class_type: "EmptyImage", inputs: {} } });

const bytesOf = (text: string): number[] => [...text].map((sign) => sign.charCodeAt(0));

/** A PNG file with these chunks behind its header. */
function png(...chunks: [kind: string, data: number[]][]): File {
  const all = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  for (const [kind, data] of [["IHDR", Array(13).fill(0)] as [string, number[]], ...chunks, ["IEND", []]]) {
    const { length } = data as number[];
    all.push(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
    all.push(...bytesOf(kind as string), ...(data as number[]), 0, 0, 0, 0);
  }
  return new File([new Uint8Array(all)], "cat.png", { type: "image/png" });
}

const text = (name: string, said: string): [string, number[]] => [
  "tEXt",
  [...bytesOf(name), 0, ...bytesOf(said)],
];

/** A page with a usable studio, whose notices and calls can be seen. */
function opened() {
  const kernel = storeWithKernel();
  const { store, calls, page } = kernel;
  store.setState({ usable: true, live: true });
  const asked = (method: string): Pending[] => calls.filter(({ call }) => call.method === method);
  const notices = () => store.getState().notices.map(({ message }) => message);
  const drop = async (...files: File[]) => {
    dropFiles(
      page,
      files.map((blob) => ({ name: blob.name, blob })),
    );
    for (let turn = 0; turn < 20; turn++) await new Promise((done) => setTimeout(done));
  };
  return { store, calls, asked, notices, drop };
}

describe("a file of a workflow", () => {
  it("becomes the chosen model", async () => {
    const { store, asked, notices, drop } = opened();
    await drop(new File([GRAPH], "poster.json", { type: "application/json" }));
    expect(asked("add_workflow").map(({ call }) => call)).toEqual([
      { method: "add_workflow", name: "poster.json", text: GRAPH },
    ]);
    const made = model("comfyui:poster", { title: "poster" });
    await asked("add_workflow")[0]?.answer({ type: "model", model: made });
    await asked("model")[0]?.answer({ type: "model", model: made });
    await settled();
    expect(store.getState().config.model).toBe(made.name);
    expect(notices()).toEqual(["The workflow is a model now: poster"]);
    // It is no reference.
    expect(store.getState().references).toEqual([]);
  });

  it("is known by its name too, and tells why it is refused", async () => {
    const { store, asked, notices, drop } = opened();
    await drop(new File(["{}"], "poster.JSON"));
    await asked("add_workflow")[0]?.refuse(error({ code: "bad_request", message: "It is no workflow." }));
    expect(notices()[0]).toMatch(/^poster\.JSON was not added\. .*It is no workflow\./);
    expect(store.getState().config.model).toBe("");
  });

  it("is not sent if it is too large", async () => {
    const { calls, notices, drop } = opened();
    await drop(new File([" ".repeat(2_000_001)], "poster.json"));
    expect(calls).toEqual([]);
    expect(notices()).toEqual(["poster.json was not added. The file is too large for a workflow."]);
  });

  it("is seen in a drag, as far as the browser tells", () => {
    const drag = (type: string) => ({ items: [{ type }] }) as unknown as DataTransfer;
    expect([holdsFlow(drag("application/json")), holdsFlow(drag("image/png")), holdsFlow(null)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("a picture of ComfyUI", () => {
  it("is a reference, and offers its workflow", async () => {
    const { store, asked, notices, drop } = opened();
    await drop(png(text("workflow", "{}"), text("prompt", GRAPH)));
    expect(notices()).toContain("cat.png holds a workflow of ComfyUI.");
    const notice = store.getState().notices.find(({ action }) => action?.label === "Add as a model");
    expect(asked("add_workflow")).toEqual([]);
    notice?.action?.run();
    await settled();
    expect(asked("add_workflow")[0]?.call).toMatchObject({ name: "cat.png", text: GRAPH });
  });

  it("offers nothing if another program wrote the prompt", async () => {
    const { asked, notices, drop } = opened();
    await drop(png(text("prompt", "a red fox"), text("parameters", "Steps: 20")));
    expect(asked("add_workflow")).toEqual([]);
    expect(notices().join()).not.toContain("workflow");
  });
});

describe("the texts of a PNG", () => {
  it("are read, packed or not", async () => {
    const stream = new Blob([GRAPH]).stream().pipeThrough(new CompressionStream("deflate"));
    const packed = [...new Uint8Array(await new Response(stream).arrayBuffer())];
    const name = bytesOf("workflow");
    expect(
      await pngTexts(png(text("a", "b"), ["IDAT", [1, 2]], ["zTXt", [...name, 0, 0, ...packed]])),
    ).toEqual({
      a: "b",
      workflow: GRAPH,
    });
    const said = [...new TextEncoder().encode("{海}")];
    expect(await pngTexts(png(["iTXt", [...name, 0, 0, 0, 0, 0, ...said]]))).toEqual({ workflow: "{海}" });
    expect(await pngTexts(png(["iTXt", [...name, 0, 1, 0, 0, 0, ...packed]]))).toEqual({ workflow: GRAPH });
  });

  it("are none where the file is damaged", async () => {
    const whole = png(text("prompt", GRAPH));
    expect(await pngTexts(whole.slice(0, 60))).toEqual({});
    expect(await pngTexts(png(["tEXt", [0, 1]], ["zTXt", [...bytesOf("a"), 0, 0, 9, 9]]))).toEqual({});
    expect(await pngTexts(new File(["a text"], "a.png"))).toEqual({});
  });
});
