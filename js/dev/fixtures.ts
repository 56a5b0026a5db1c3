// Models, topics and batches to look at; the tests use them too.
import type {
  BatchState,
  ErrorState,
  GenerationState,
  ModelState,
  ParameterState,
  PresetState,
  PriceState,
  ProviderState,
  RateState,
  ServerPresetState,
  Snapshot,
  TopicState,
} from "../src/protocol.gen";
import { EMPTY_CONFIG } from "../src/slices/config";

const KINDS = ["width", "height", "seed", "size", "aspect_ratio", "negative_prompt"] as const;

export function parameter(name: string, patch: Partial<ParameterState> = {}): ParameterState {
  return {
    name,
    type: "integer",
    kind: KINDS.find((kind) => kind === name) ?? null,
    title: name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " "),
    help: "",
    minimum: null,
    maximum: null,
    step: null,
    choices: [],
    default: null,
    maxLength: null,
    advanced: false,
    ...patch,
  };
}

const EDGE = { minimum: 256, maximum: 2048, step: 64, default: 1024 } as const;

export function model(id: string, patch: Partial<ModelState> = {}): ModelState {
  const provider = patch.provider ?? "demo";
  return {
    name: `${provider}:${id}`,
    provider,
    id,
    title: id,
    description: "",
    notice: "",
    parameters: [
      parameter("width", EDGE),
      parameter("height", EDGE),
      parameter("seed", { minimum: 0, maximum: 2 ** 31 - 1 }),
    ],
    prompt: "needed",
    maxPrompt: 1000,
    nativeN: 4,
    seed: "exact",
    sizeRule: null,
    references: null,
    mask: false,
    does: [],
    previews: true,
    progress: true,
    cancel: "full",
    price: null,
    retiredOn: null,
    successor: null,
    ...patch,
  };
}

export function provider(name: string, title: string, patch: Partial<ProviderState> = {}): ProviderState {
  return {
    name,
    title,
    key: "not_needed",
    keyHelp: "",
    keyVariable: null,
    keyUrl: "",
    keySource: "",
    discoveredAt: null,
    discoveryError: null,
    server: null,
    preset: null,
    writes: false,
    writer: null,
    ...patch,
  };
}

export function serverPreset(
  name: string,
  title: string,
  patch: Partial<ServerPresetState> = {},
): ServerPresetState {
  return {
    name,
    title,
    address: "http://localhost:8000/v1",
    help: "",
    key: "optional",
    keyVariable: null,
    keyUrl: "",
    free: false,
    blanks: [],
    ...patch,
  };
}

/** Some known servers: with a blank in the address, with a fixed address, and on the user's own machines. */
export const PRESETS: PresetState[] = [
  {
    name: "Any model at night",
    model: null,
    params: {},
    prefix: "",
    suffix: "at night, stars over the sea",
    gone: false,
  },
  {
    name: "Poster",
    model: "demo:studio",
    params: { width: 768, height: 1024, seed: 7 },
    prefix: "A poster:",
    suffix: ", flat colours, much empty space, printed in three inks on rough paper",
    gone: false,
  },
  { name: "The old one", model: "acme:paint-1", params: {}, prefix: "", suffix: "", gone: true },
];

export const SERVER_PRESETS = [
  serverPreset("azure", "Azure OpenAI", {
    address: "https://{resource}.openai.azure.com/openai/v1",
    help: "A model is the name of your deployment. Name the deployment after its model, and its parameters are known.",
    key: "needed",
    keyVariable: "AZURE_OPENAI_API_KEY",
    keyUrl: "https://portal.azure.com",
    blanks: [
      {
        name: "resource",
        title: "Resource",
        help: "The first part of the endpoint that the portal shows, as in https://my-team.openai.azure.com.",
        example: "my-team",
      },
    ],
  }),
  serverPreset("stepfun", "StepFun", {
    address: "https://api.stepfun.com/v1",
    help: "Outside China, the address is https://api.stepfun.ai/v1, with other keys.",
    key: "needed",
    keyVariable: "STEP_API_KEY",
    keyUrl: "https://platform.stepfun.com/interface-key",
  }),
  serverPreset("vllm", "vLLM-Omni", { keyVariable: "VLLM_API_KEY", free: true }),
];

/** A price of one amount for every image, or every megapixel. */
export function price(amount: string, unit: "image" | "megapixel" = "image"): PriceState {
  const rate: RateState = { when: {}, upTo: null, amount, most: amount, unit, further: null, grid: 0 };
  return {
    least: amount,
    most: amount,
    unit,
    note: "November 2026",
    rates: [rate],
    size: null,
    reference: "0",
    referenceUnit: "image",
  };
}

/** One model with every kind of parameter that a catalog may have. */
export function everyKind(patch: Partial<ModelState> = {}): ModelState {
  const text = (name: string, more: Partial<ParameterState> = {}) =>
    parameter(name, { type: "string", ...more });
  return model("every", {
    title: "Every kind",
    price: price("0.04"),
    parameters: [
      ...model("").parameters,
      text("size", { choices: ["auto", "1024x1024", "1536x1024", "1024x1536"], default: "auto" }),
      text("aspect_ratio", { kind: "aspect_ratio", choices: ["1:1", "16:9", "9:16", "match_input_image"] }),
      text("resolution", { choices: ["1K", "2K", "4K"], default: "1K" }),
      text("quality", { choices: ["auto", "low", "medium", "high"], default: "auto" }),
      text("background", { choices: ["auto", "opaque"] }),
      text("output_format", { choices: ["png", "jpeg", "webp"], default: "png" }),
      parameter("cfg", { type: "number", minimum: 1, maximum: 20, step: 0.5, default: 7 }),
      parameter("steps", { minimum: 1, maximum: 50, step: 1, default: 20 }),
      parameter("strength", { type: "number", minimum: 0, maximum: 1 }),
      text("negative_prompt", { maxLength: 400 }),
      text("sampler", { choices: ["euler", "euler_a", "dpmpp_2m", "ddim"], default: "euler" }),
      text("scheduler", { choices: ["normal", "karras"] }),
      parameter("safety_tolerance", { minimum: 0, maximum: 6, step: 1, default: 2 }),
      parameter("prompt_expansion", { type: "boolean", default: true }),
      parameter("watermark", { type: "boolean" }),
      text("thinking_level", { choices: ["minimal", "high"], advanced: true }),
      text("extra_text", { maxLength: 40 }),
      parameter("extra_number", { type: "number", advanced: true }),
    ],
    ...patch,
  });
}

export function generation(
  batchId: string,
  position: number,
  patch: Partial<GenerationState> = {},
): GenerationState {
  return {
    id: `${batchId}-${position}`,
    batchId,
    position,
    status: "success",
    seed: null,
    width: null,
    height: null,
    mediaType: null,
    error: null,
    differences: [],
    damaged: false,
    cancellable: false,
    starred: false,
    scores: {},
    tags: [],
    startedAt: null,
    finishedAt: null,
    usualDuration: null,
    thumbnailBuffer: null,
    ...patch,
  };
}

/**
 * Return the parameters of a batch of a model: with its defaults, without what is null, as the kernel keeps them.
 */
export function paramsOf(
  model: ModelState | undefined,
  sent: BatchState["params"] = {},
): BatchState["params"] {
  const preset = (model?.parameters ?? []).map((each) => [each.name, each.default] as const);
  const all = { ...Object.fromEntries(preset), ...sent };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

export function batch(
  id: string,
  topicId: string,
  prompt: string,
  generations: GenerationState[],
  patch: Partial<BatchState> = {},
): BatchState {
  return {
    id,
    topicId,
    provider: "demo",
    model: "demo:studio",
    modelTitle: "Demo studio",
    prompt,
    params: {},
    width: 1024,
    height: 1024,
    createdAt: 0,
    cost: null,
    costEstimated: false,
    references: [],
    mask: null,
    clickId: null,
    sweepId: null,
    action: null,
    generations,
    ...patch,
  };
}

export function topic(
  id: string,
  title: string,
  updatedAt: number,
  patch: Partial<TopicState> = {},
): TopicState {
  return {
    id,
    title,
    pinned: false,
    images: 4,
    running: 0,
    coverVersion: "1",
    coverBuffer: null,
    createdAt: updatedAt,
    updatedAt,
    ...patch,
  };
}

export function error(patch: Partial<ErrorState> = {}): ErrorState {
  return {
    code: "rate_limited",
    message: "The provider takes no more requests for now.",
    nextStep: "Wait a minute, then retry.",
    fault: "provider",
    provider: "demo",
    retryable: true,
    retryAfter: null,
    requestId: null,
    ...patch,
  };
}

const NOTICE = "This is a demo that draws simple pictures on this machine. It is not an AI model.";

function models(): ModelState[] {
  const extra = [
    parameter("style", { type: "string", choices: ["natural", "vivid"], default: "natural" }),
    parameter("palette", {
      type: "string",
      choices: ["from_the_prompt", "sunset", "forest", "ocean", "monochrome"],
      default: "from_the_prompt",
      help: "The colours that the picture leans on.",
    }),
    parameter("detail", { type: "number", minimum: 0, maximum: 1, step: 0.05, default: 0.6 }),
    parameter("grain", { type: "boolean", default: false }),
    parameter("negative_prompt", {
      type: "string",
      title: "Negative prompt",
      maxLength: 400,
      advanced: true,
    }),
    parameter("steps", { minimum: 1, maximum: 50, step: 1, default: 20, advanced: true }),
  ];
  const studio = model("studio", {
    title: "Demo studio",
    description: "Slow enough to watch, with progress and previews.",
    notice: NOTICE,
    sizeRule: { minPixels: 65_536, maxPixels: 2_359_296, maxRatio: 3 },
  });
  return [
    { ...studio, parameters: [...studio.parameters, ...extra] },
    model("instant", { title: "Demo instant", notice: NOTICE }),
    everyKind(),
    model("gpt-image-1", {
      provider: "openai",
      title: "GPT Image 1",
      parameters: [
        parameter("size", {
          type: "string",
          choices: ["1024x1024", "1536x1024", "1024x1536"],
          default: "1024x1024",
        }),
        parameter("quality", {
          type: "string",
          choices: ["low", "medium", "high"],
          default: "medium",
        }),
      ],
    }),
  ];
}

const IMAGES = ["image/png", "image/jpeg", "image/webp"];

/** More providers and models, as a catalog has them: with and without a key, of this machine, retired. */
export function catalogue(): { providers: ProviderState[]; models: ModelState[] } {
  const plain = { seed: "none", nativeN: 1, previews: false, progress: false, cancel: "none" } as const;
  const takes = (maxCount: number) => ({
    minCount: 0,
    maxCount,
    maxPixels: null,
    maxBytes: 10_000_000,
    mediaTypes: IMAGES,
    givesSize: false,
  });
  const keyed = (name: string, title: string) =>
    provider(name, title, {
      key: "missing",
      keyHelp: `Set ${name.toUpperCase()}_API_KEY, or call pg.set_key('${name}').`,
      keyVariable: `${name.toUpperCase()}_API_KEY`,
      keyUrl: `https://${name}.example/keys`,
    });
  return {
    providers: [
      provider("local", "ComfyUI on this machine", {
        server: "http://127.0.0.1:8188",
        discoveredAt: Date.now() - 7e6,
      }),
      provider("gemini", "Google Gemini", { key: "set", keySource: "system keyring" }),
      keyed("fal", "fal"),
      keyed("bfl", "Black Forest Labs"),
    ],
    models: [
      model("sdxl", { provider: "local", title: "SDXL base 1.0", seed: "exact", cancel: "full" }),
      model("nano-banana", {
        provider: "gemini",
        title: "Gemini 3 Flash Image",
        ...plain,
        description:
          "Keeps people and objects the same over many edits; writes legible text; up to 4096 pixels at an edge, and the fastest of its family by far in the maker's own tests.",
        references: takes(14),
        price: price("0.039"),
      }),
      model("imagen-4", {
        provider: "gemini",
        title: "Imagen 4",
        ...plain,
        nativeN: 4,
        description: "Photographs with fine detail.",
        price: price("0.04"),
        retiredOn: "2026-06-24",
        successor: "nano-banana",
      }),
      model("imagen-4-ultra", {
        provider: "gemini",
        title: "Imagen 4 Ultra",
        ...plain,
        description: "For the last print.",
        price: price("0.06"),
        retiredOn: "2099-06-24",
        successor: "nano-banana",
      }),
      model("flux-2", {
        provider: "fal",
        title: "FLUX.2 [dev]",
        ...plain,
        seed: "exact",
        cancel: "queued",
        progress: true,
        description: "An open model for drafts.",
        references: takes(4),
        price: price("0.012", "megapixel"),
      }),
      model("qwen-image", {
        provider: "fal",
        title: "Qwen Image",
        ...plain,
        seed: "exact",
        price: price("0.02"),
      }),
      model("flux-fill", {
        provider: "bfl",
        title: "FLUX.1 Fill",
        ...plain,
        description: "Paints over the part of an image that a mask leaves free.",
        references: takes(1),
        mask: true,
        price: price("0.05"),
      }),
    ],
  };
}

/** Return models that do something with a finished image. */
export function followers(): ModelState[] {
  const references = {
    minCount: 1,
    maxCount: 1,
    maxPixels: null,
    maxBytes: 10_000_000,
    mediaTypes: IMAGES,
    givesSize: false,
  };
  const parameters: ParameterState[] = [];
  const plain = { references, prompt: "none", seed: "none", previews: false, parameters } as const;
  const paid = { ...plain, provider: "stability" } as const;
  const sides = ["left", "right", "top", "bottom"].map((name) =>
    parameter(name, { minimum: 0, maximum: 1024, default: 0 }),
  );
  return [
    model("upscale", { ...plain, title: "Demo Upscale", does: ["upscale"] }),
    model("extend", { ...plain, title: "Demo Extend", does: ["outpaint"], parameters: sides }),
    model("retouch", { ...plain, title: "Demo Retouch", does: ["vary", "inpaint"], mask: true }),
    model("upscale/fast", {
      ...paid,
      title: "Stable Image Fast Upscale",
      does: ["upscale"],
      price: price("0.02"),
    }),
    model("upscale/creative", {
      ...paid,
      title: "Stable Image Creative Upscale",
      does: ["upscale"],
      price: price("0.25"),
    }),
    model("edit/remove-background", {
      ...paid,
      title: "Stable Image Remove Background",
      does: ["remove_background"],
      price: price("0.02"),
    }),
  ];
}

const OTHER_MODEL = [{ parameter: "model", requested: "studio", applied: "studio-2-turbo" }];

/** Return a page full of states: running, finished, failed, cancelled, changed by the provider. */
export function snapshot(now: number, open: boolean): Snapshot {
  const minute = 60_000;
  const done = (id: string, position: number, patch: Partial<GenerationState> = {}) =>
    generation(id, position, {
      width: 1024,
      height: 1024,
      seed: 11 + position,
      startedAt: now - 90_000,
      finishedAt: now - 78_000,
      ...patch,
    });
  const wide = { width: 1344, height: 768 } as const;
  const batches = [
    batch(
      "b6",
      "t1",
      "A lighthouse on a cliff above a stormy sea at dusk, long exposure, the beam sweeping through rain and spray",
      [
        done("b6", 0, { seed: 3 }),
        generation("b6", 1, {
          status: "processing",
          startedAt: now - 14_000,
          usualDuration: 22.4,
          cancellable: true,
        }),
        generation("b6", 2, {
          status: "processing",
          startedAt: now - 75_000,
          usualDuration: 22.4,
          cancellable: true,
        }),
        generation("b6", 3, { status: "pending", cancellable: true }),
      ],
      { createdAt: now - 15_000 },
    ),
    batch(
      "b5",
      "t1",
      "Paper-cut city of warm windows under a violet night",
      [done("b5", 0, { ...wide, seed: 7 }), done("b5", 1, { ...wide, seed: 8 })],
      {
        createdAt: now - 4 * minute,
        ...wide,
        cost: "0.08",
      },
    ),
    batch(
      "b4",
      "t1",
      "Four small studies of mountains",
      [
        done("b4", 0, { seed: 21, differences: [{ parameter: "width", requested: 1000, applied: 1024 }] }),
        done("b4", 1, { seed: 22 }),
        generation("b4", 2, {
          status: "error",
          error: error(),
          startedAt: now - 90_000,
          finishedAt: now - 78_000,
        }),
        generation("b4", 3, { status: "cancelled", startedAt: now - 90_000, finishedAt: now - 78_000 }),
      ],
      { createdAt: now - 12 * minute },
    ),
    batch(
      "b3",
      "t1",
      "One tall poster",
      [done("b3", 0, { width: 768, height: 1344, seed: 33, differences: OTHER_MODEL })],
      {
        createdAt: now - 50 * minute,
        width: 768,
        height: 1344,
      },
    ),
  ];
  return {
    protocol: 3,
    seq: 0,
    models: models(),
    catalog: "",
    catalogBuffer: null,
    providers: [
      provider("demo", "Demo"),
      provider("openai", "OpenAI", {
        key: "missing",
        keyHelp: "Set OPENAI_API_KEY, or call pg.set_key('openai').",
        keyVariable: "OPENAI_API_KEY",
        keyUrl: "https://platform.openai.com/api-keys",
        writes: true,
      }),
    ],
    config: { ...EMPTY_CONFIG, model: "demo:studio", count: 4, ratioLocked: true },
    maxCount: 4,
    topics: [
      topic("t1", "Lighthouse and other places", now - 15_000),
      topic("t2", "Red fox in fresh snow", now - 42 * minute),
      topic("t3", "Posters for the reading room", now - 26 * 60 * minute),
      topic("t4", "Tiny robots", now - 90 * 60 * minute),
    ],
    topicsBefore: null,
    activeTopicId: open ? "t1" : null,
    feed: open ? { topicId: "t1", batches, before: null } : null,
    draft: { prompt: "", references: [], mask: null },
    spending: { today: open ? "1.24" : "0", unknown: 0, running: "0", budget: open ? "5" : null },
    selected: [],
    thumbnails: {},
  };
}
