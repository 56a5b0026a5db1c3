// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { error, model } from "../dev/fixtures";
import { dropFiles, holdsFlow } from "../src/views/workflow-drop";
import { type Pending, settled, storeWithKernel } from "./kit";

const GRAPH = JSON.stringify({ "1": { class_type: "EmptyImage", inputs: {} } });

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
