import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { catalogue, model, parameter, provider, snapshot } from "../dev/fixtures";
import { capabilities } from "../src/lib/capabilities";
import { grouped, type Trait, traitCounts } from "../src/lib/model-groups";
import { since, successorOf } from "../src/lib/models";
import { formOf } from "../src/lib/parameters";
import type { ModelState, ReferenceState } from "../src/protocol.gen";
import { addServer, knownServers, removeServer } from "../src/slices/access";
import { addReferences, moveReference } from "../src/slices/adding";
import { CONFIGURE_DELAY } from "../src/slices/config";
import { meantOf, offerOf, sizeOf } from "../src/slices/sizes";
import { showConnection, showSnapshot } from "../src/store";
import { storeWithKernel } from "./kit";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const EDGE = { minimum: 256, maximum: 2048, step: 64 } as const;
const edges = (preset: number | null) => [
  parameter("width", { ...EDGE, default: preset }),
  parameter("height", { ...EDGE, default: preset }),
];
const choice = (name: string, choices: string[], preset: string | null = null) =>
  parameter(name, { type: "string", choices, default: preset });

/** Return a store that shows one model of these parameters, and another one. */
function shown(parameters: ModelState["parameters"], patch: Partial<ModelState> = {}) {
  const kernel = storeWithKernel();
  const base = snapshot(0, true);
  const models = [model("m", { parameters, ...patch }), model("other")];
  const config = { ...base.config, model: "demo:m", ratioLocked: true };
  showSnapshot(kernel.store, { ...base, models, config }, true);
  const state = () => kernel.store.getState();
  return { ...kernel, state, params: () => state().config.params["demo:m"] };
}

describe("a size that the provider may choose", () => {
  it("is nothing until a shape is chosen, and nothing again by a reset", () => {
    const { state, params } = shown(edges(null));
    expect(sizeOf(state())?.automatic).toBe(true);
    state().setRatio(16 / 9);
    expect(params()).toEqual({ width: 1344, height: 768 });
    expect(sizeOf(state())?.automatic).toBe(false);
    state().resetParameters(["width", "height"]);
    expect(params()).toBeUndefined();
  });
  it("stands in the model's own sizes or in width and height, never in both", () => {
    const { state, params } = shown([...edges(null), choice("size", ["square_hd", "portrait_4_3"])]);
    state().setNamedSize("portrait_4_3");
    expect(params()).toEqual({ size: "portrait_4_3", width: null, height: null });
    expect(sizeOf(state())?.named).toBe("portrait_4_3");
    state().setEdge("width", 1024);
    expect(params()).toMatchObject({ size: null, width: 1024 });
    expect(sizeOf(state())).toMatchObject({ named: null, automatic: false });
  });
  it("says “custom” where the model wants that said", () => {
    const { state, params } = shown([
      ...edges(null),
      choice("aspect_ratio", ["custom", "1:1", "16:9"], "1:1"),
    ]);
    expect(sizeOf(state())?.named).toBe("1:1");
    state().setRatio(1);
    expect(params()).toEqual({ aspect_ratio: "custom", width: 1024, height: 1024 });
    state().setNamedSize("16:9");
    expect(params()).toEqual({ aspect_ratio: "16:9", width: null, height: null });
  });
  it("is one choice more beside edges that have a size of their own", () => {
    const form = formOf(model("m", { parameters: [...edges(1024), choice("size", ["1024x1024"])] }));
    expect([form.named, form.shapes.map(({ name }) => name)]).toEqual([null, ["size"]]);
  });
});

describe("a locked ratio", () => {
  it("comes back after sizes whose steps could not keep it", () => {
    const { state, params } = shown(edges(1024));
    state().setRatio(16 / 9);
    for (const width of [640, 384, 320, 2000]) state().setEdge("width", width);
    expect(params()).toEqual({ width: 1984, height: 1088 });
    state().setEdge("width", 1344);
    expect(params()).toEqual({ width: 1344, height: 768 });
  });
  it("is the one that was asked for after the page is loaded again, and after another model", () => {
    const { state, params, store } = shown(edges(1024));
    state().setRatio(16 / 9);
    state().setEdge("width", 640);
    expect(params()).toEqual({ width: 640, height: 384 });
    state().chooseModel("demo:other");
    state().chooseModel("demo:m");
    const saved = structuredClone(state().config);
    showSnapshot(store, { ...snapshot(0, true), models: state().models, config: saved }, true);
    expect(meantOf(state().config, { width: 640, height: 384 })).toMatchObject({
      ratio: 16 / 9,
      asked: true,
    });
    state().setEdge("width", 1920);
    expect(params()).toEqual({ width: 1920, height: 1088 });
  });
  it("is that of the moment in which it is locked", () => {
    const { state, params } = shown(edges(1024));
    state().setRatioLocked(false);
    state().setEdge("width", 1536);
    state().setRatioLocked(true);
    state().setEdge("width", 320);
    state().setEdge("width", 1536);
    expect(params()).toEqual({ width: 1536, height: 1024 });
  });
  it("is nobody's wish where width and height were set by themselves", () => {
    const { state } = shown(edges(1024));
    state().setRatio(16 / 9);
    state().setRatioLocked(false);
    state().setEdge("width", 1408);
    state().setEdge("width", 1344);
    expect(meantOf(state().config, { width: 1344, height: 768 }).asked).toBe(false);
  });
  it("comes as near as can be where the other edge meets its limit", () => {
    const { state, params } = shown(edges(1024));
    state().setRatio(16 / 9);
    for (const width of [256, 320, 384, 448]) {
      state().setEdge("width", width);
      expect(params()).toEqual({ width: 448, height: 256 });
    }
  });
  it("loses no area by going through shapes that the limits make small", () => {
    const { state, params } = shown(edges(1024));
    for (const ratio of [1, 21 / 9, 1 / 4, 9 / 16, 1]) state().setRatio(ratio);
    expect(params()).toEqual({ width: 1024, height: 1024 });
  });
  it("is turned by a swap", () => {
    const { state, params } = shown(edges(1024));
    state().setRatio(16 / 9);
    state().swapEdges();
    expect(params()).toEqual({ width: 768, height: 1344 });
  });
});

describe("the ratio of a reference", () => {
  const eyes = {
    references: {
      minCount: 0,
      maxCount: 2,
      maxPixels: null,
      maxBytes: 9_000_000,
      mediaTypes: ["image/png"],
      givesSize: false,
    },
  };
  const held = (width: number, height: number, more: Partial<ReferenceState> = {}): ReferenceState => ({
    ...{ digest: `${width}x${height}`, mediaType: "image/png", width, height },
    ...more,
  });
  it("is offered, and taken by width and height", () => {
    const { page, state, params } = shown(edges(1024), eyes);
    addReferences(page, [held(3000, 2000)]);
    expect(params()).toBeUndefined();
    expect(offerOf(state())?.text).toBe("3:2");
    state().takeOfferedRatio();
    const { width, height } = sizeOf(state())?.current ?? { width: 0, height: 1 };
    expect(width / height).toBeCloseTo(1.5, 1);
    expect(offerOf(state())).toBeNull();
    state().setRatio(1);
    expect(offerOf(state())).toBeNull();
  });
  it("is taken by the nearest choice", () => {
    const { page, state, params } = shown(
      [choice("aspect_ratio", ["auto", "1:1", "4:3", "9:16"], "auto")],
      eyes,
    );
    addReferences(page, [held(1000, 1790)]);
    expect(offerOf(state())?.text).toBe("9:16");
    state().takeOfferedRatio();
    expect(params()).toEqual({ aspect_ratio: "9:16" });
  });
  it("is not offered where it is there already, nor where there is no shape, nor after it was declined", () => {
    const { page, state } = shown(edges(1024), eyes);
    addReferences(page, [held(500, 500)]);
    expect(offerOf(state())).toBeNull();
    state().clearReferences();
    addReferences(page, [held(500, 900)]);
    expect(offerOf(state())).not.toBeNull();
    state().dismissOfferedRatio();
    expect(offerOf(state())).toBeNull();
    const none = shown([parameter("seed")], eyes);
    addReferences(none.page, [held(500, 900)]);
    expect(offerOf(none.state())).toBeNull();
  });
  it("is that of the first reference that is sent, wherever it comes from and as long as it is there", () => {
    const { page, state } = shown(edges(1024), eyes);
    const offered = () => offerOf(state())?.text;
    state().takeReferences([held(400, 800), held(300, 200)], null);
    expect(offered()).toBe("1:2");
    moveReference(page, state().references[1]?.key ?? 0, 0);
    expect(offered()).toBe("3:2");
    state().chooseModel("demo:other");
    expect(offered()).toBeUndefined();
    state().chooseModel("demo:m");
    state().takeReferences([held(9, 1, { mediaType: "image/gif" }), held(400, 800)], null);
    expect(offered()).toBe("1:2");
    state().showTopic("t2");
    expect(offered()).toBeUndefined();
    state().showTopic("t1");
    expect(offered()).toBe("1:2");
    state().takeReferences([], null);
    expect(offered()).toBeUndefined();
  });
});

describe("the models that were used", () => {
  it("are remembered, the newest first, at most eight", () => {
    const { state } = shown(edges(1024));
    state().chooseModel("demo:other");
    state().rememberModel("demo:m");
    expect(state().config.recentModels).toEqual(["demo:m", "demo:other"]);
    for (let index = 0; index < 9; index++) state().rememberModel(`demo:${index}`);
    expect(state().config.recentModels).toHaveLength(8);
    expect(state().config.recentModels[0]).toBe("demo:8");
  });
  it("are starred and lose their star, and more than fit are refused with a word", () => {
    const { state } = shown(edges(1024));
    state().toggleStar("demo:m");
    expect(state().config.starredModels).toEqual(["demo:m"]);
    state().toggleStar("demo:m");
    expect(state().config.starredModels).toEqual([]);
    for (let index = 0; index < 65; index++) state().toggleStar(`demo:${index}`);
    expect(state().config.starredModels).toHaveLength(64);
    expect(state().notices[0]?.message).toContain("64");
  });
  it("stand before the providers, but not among what is searched for", () => {
    const models = [model("a"), model("b"), model("c", { provider: "x" })];
    const config = { starredModels: ["x:c", "gone:d"], recentModels: ["demo:b", "x:c"] };
    const names = (query: string) =>
      grouped(models, [provider("demo", "Demo")], { query, now: 0, ...config }).map((group) => [
        group.title,
        group.models.map(({ id }) => id).join(" "),
      ]);
    expect(names("")).toEqual([
      ["Starred", "c"],
      ["Recent", "b"],
      ["Demo", "a b"],
      ["x", "c"],
    ]);
    expect(names("demo b")).toEqual([["Demo", "b"]]);
    expect(names("nothing")).toEqual([]);
  });
});

describe("the list of models", () => {
  const { models, providers } = catalogue();
  const ids = (traits: Trait[], query = "") =>
    grouped(models, providers, { query, traits, now: Date.parse("2026-11-30") }).map((group) => [
      group.name,
      ...group.models.map(({ id }) => id),
    ]);
  it("is narrowed to models that have all the chosen traits, also while one searches", () => {
    expect(ids(["images"])).toEqual([
      ["gemini", "nano-banana"],
      ["fal", "flux-2"],
      ["bfl", "flux-fill"],
    ]);
    expect(ids(["images", "mask"])).toEqual([["bfl", "flux-fill"]]);
    expect(ids(["seed"], "flux")).toEqual([["fal", "flux-2"]]);
    expect(ids(["local"])).toEqual([["local", "sdxl"]]);
    expect(ids(["price", "key"])).toEqual([["gemini", "nano-banana", "imagen-4-ultra", "imagen-4"]]);
  });
  it("says how many models each further trait would leave", () => {
    const counts = (traits: Trait[], query = "") =>
      Object.fromEntries(
        traitCounts(models, providers, query, traits).map(({ trait, count }) => [trait, count]),
      );
    expect(counts([])).toEqual({ images: 3, mask: 1, seed: 3, local: 1, price: 6, key: 3 });
    expect(counts(["mask"])).toEqual({ images: 1, mask: 1, seed: 0, local: 0, price: 1, key: 0 });
    expect(counts([], "qwen")).toEqual({ images: 0, mask: 0, seed: 1, local: 0, price: 1, key: 0 });
  });
  it("has retired models last in their group, and those that will be in their place", () =>
    expect(ids([], "imagen")).toEqual([["gemini", "imagen-4-ultra", "imagen-4"]]));
  it.each([
    ["http://localhost:8080/v1", true],
    ["http://192.168.1.20:7860", true],
    ["http://172.20.0.3/", true],
    ["http://[::1]:8188", true],
    ["http://studio.local", true],
    ["http://workstation:8000", true],
    ["https://relay.example.com/v1", false],
    ["http://172.40.0.3/", false],
    ["not an address", false],
  ])("calls the server %s local: %s", (server, local) => {
    const mine = provider("mine", "Mine", { server });
    const found = grouped([model("m", { provider: "mine" })], [mine], { traits: ["local"], now: 0 });
    expect(found).toHaveLength(local ? 1 : 0);
  });
});

const MINE = { name: "mine", url: "http://localhost:8080/v1", key: "", preset: "vllm", values: {} };

describe("a server of the user's own", () => {
  const added = { type: "server_added", provider: "mine", message: "It answers." } as const;
  it("is added, and its first model chosen as soon as it is known", async () => {
    const { page, state, last } = shown(edges(1024));
    const said = addServer(page, MINE);
    expect(last().call).toEqual({
      method: "add_server",
      name: "mine",
      url: "http://localhost:8080/v1",
      key: "",
      preset: "vllm",
      values: {},
      remember: false,
    });
    await last().answer({ ...added, outcome: "reached" });
    expect(await said).toEqual({ good: true, message: "It answers." });
    expect(state().config.model).toBe("demo:m");
    state().receiveCatalog([...state().models, model("flux", { provider: "mine" })]);
    expect(state().config.model).toBe("mine:flux");
  });
  it("does not take the model from who chose another one meanwhile", async () => {
    const { page, state, last } = shown(edges(1024));
    void addServer(page, MINE);
    await last().answer({ ...added, outcome: "good" });
    state().chooseModel("demo:other");
    state().receiveCatalog([...state().models, model("flux", { provider: "mine" })]);
    expect(state().config.model).toBe("demo:other");
  });
  it("says why it was refused", async () => {
    const { page, last } = shown(edges(1024));
    const said = addServer(page, { ...MINE, name: "demo", url: "nonsense" });
    await last().refuse();
    expect(await said).toMatchObject({ good: false });
  });
  it("is removed, and put back by Undo", async () => {
    const { page, store, state, last } = shown(edges(1024));
    store.setState({ providers: [provider("mine", "mine", { server: MINE.url, preset: "vllm" })] });
    void removeServer(page, "mine");
    expect(last().call).toEqual({ method: "remove_server", name: "mine" });
    await last().answer();
    state().notices[0]?.action?.run();
    expect(last().call).toMatchObject({
      method: "add_server",
      name: "mine",
      url: "http://localhost:8080/v1",
      preset: "vllm",
    });
  });
  it("can be added without the list of the known ones", async () => {
    const { page, last } = shown(edges(1024));
    const known = knownServers(page.send);
    expect(last().call).toEqual({ method: "server_presets" });
    await last().refuse();
    expect(await known).toEqual([]);
  });
});

describe("a model says", () => {
  it("what it can do", () => {
    const able = model("m", {
      references: {
        minCount: 0,
        maxCount: 16,
        maxPixels: null,
        maxBytes: 1,
        mediaTypes: [],
        givesSize: false,
      },
      mask: true,
      nativeN: 10,
      cancel: "queued",
      previews: false,
      progress: false,
      seed: "best_effort",
    });
    expect(capabilities(able)).toEqual([
      "Takes 16 images",
      "Mask",
      "10 per call",
      "Can be cancelled while it waits",
    ]);
  });
  it("who follows it", () => {
    expect(successorOf(model("m", { provider: "openai", successor: "n" }))).toBe("openai:n");
    expect(successorOf(model("m"))).toBeNull();
  });
  it("when it was listed", () =>
    expect([since(0, 5000), since(0, 180_000), since(0, 7_200_000), since(0, 3 * 86_400_000)]).toEqual([
      "now",
      "3 minutes ago",
      "2 hours ago",
      "3 days ago",
    ]));
});

describe("what is changed before the kernel answers", () => {
  it("is kept and saved when it does, with what the kernel has changed since", () => {
    const { store, calls, last } = storeWithKernel();
    const base = snapshot(0, true);
    const saved = { ...base, config: { ...base.config, count: 1, starredModels: [] } };
    showSnapshot(store, saved, false);
    store.getState().setCount(3);
    vi.advanceTimersByTime(10 * CONFIGURE_DELAY);
    expect(store.getState().config.count).toBe(3);
    expect(calls).toEqual([]);
    showSnapshot(store, { ...saved, config: { ...saved.config, count: 2, starredModels: ["demo:m"] } }, true);
    vi.advanceTimersByTime(CONFIGURE_DELAY);
    expect(last().call).toMatchObject({
      method: "configure",
      config: { count: 3, starredModels: ["demo:m"] },
    });
    const { length } = calls;
    showSnapshot(store, saved, true);
    vi.advanceTimersByTime(10 * CONFIGURE_DELAY);
    expect(calls.slice(length).filter(({ call }) => call.method === "configure")).toEqual([]);
  });
  it("is only the panels where there is no kernel", () => {
    const { store, calls } = storeWithKernel();
    showSnapshot(store, snapshot(0, true), false);
    showConnection(store, "none");
    const { count } = store.getState().config;
    store.getState().setCount(count + 1);
    store.getState().setPanels({ leftOpen: false });
    expect(store.getState().config).toMatchObject({ count, panels: { leftOpen: false } });
    vi.advanceTimersByTime(10 * CONFIGURE_DELAY);
    expect(calls).toEqual([]);
  });
});
