// The page without Jupyter, against a scripted kernel: a few topics, batches in every state, fake progress.
// ?long=2500 gives the first topic so many batches of four, in pages, as a kernel would.
// ?shapes adds batches of every number and shape, and a very long prompt.
// Build with `npm run dev` and open dev/index.html. ?theme=light|dark (of the host), ?look=light|dark (set from code),
// ?height=500, ?lang=zh, ?topic=none|first, ?silent (no answer), ?kernel=idle|busy|dead|none (what the host says of it),
// ?saved (a notebook that was saved: a snapshot before any answer), ?many=300 (topics),
// ?model=edit (it takes references and a mask), ?topics=0 (none yet), ?broken (what no kernel sends: parts break),
// ?parts=none (parts do not come),
// ?plain (small pictures, which are quickly made), ?writer (a text model can be asked; ?slow=2000 is how long it
// takes), ?refuse=demo:every (a model whose requests are refused), ?refuse=feed (so are all calls of this name),
// ?catalog (more providers and models, some without a key or retired),
// ?chain (an image has versions), ?chain=long (and earlier ones that are not shown),
// ?keyed (no key is missing),
// ?unpriced (there is a budget, and no price is known),
// ?sweep=grid|done|facets|rows|big|shapes|running (a sweep is the newest of the topic).
import type { AnyModel } from "@anywidget/types";
import widget from "../src/index";
import { holdsWords } from "../src/lib/topics";
import type {
  BatchState,
  Call,
  Feed,
  FeedState,
  GenerationState,
  Event as KernelEvent,
  KernelMessage,
  PageMessage,
  PresetState,
  ReadGallery,
  ReferenceState,
  Result,
  SelectTopic,
  Snapshot,
  VersionState,
  Wish,
} from "../src/protocol.gen";
import { UNFILTERED } from "../src/slices/filter";
import { sorted } from "../src/slices/topics";
import {
  batch,
  catalogue,
  error,
  followers,
  generation,
  model as madeModel,
  PRESETS,
  paramsOf,
  provider,
  SERVER_PRESETS,
  snapshot,
  topic,
} from "./fixtures";
import { picture } from "./pictures";
import { madeSweep } from "./sweeps";

const query = new URLSearchParams(location.search);
document.body.dataset.jpThemeLight = String(query.get("theme") === "light");
document.documentElement.lang = query.get("lang") ?? "en";

type Handler = (message: KernelMessage, buffers: DataView[]) => void;

const REFUSAL = error({ message: "The provider does not take this prompt." });
const LOCKED = error({
  code: "store_locked",
  message: "Another program holds the history.",
  nextStep: "Close the program that holds the database, then try again. Nothing is lost.",
  provider: null,
});
const UNPRICED = error({
  code: "price_unknown",
  message:
    "The price of demo:studio is not known, so nobody can tell whether the budget of $5.00 a day allows this request.",
  nextStep:
    "Call again with confirm=True (on the page: press the button) to pay an unknown price, or choose a model whose price is known. Nothing was stored, sent or paid.",
  fault: "you",
  provider: null,
  retryable: false,
});
/** ?hidden: why some images are not shown. Another one is damaged. */
const HIDDEN: Record<string, "kind" | "large" | "gone"> = query.has("hidden")
  ? { "b4-0": "kind", "b3-0": "large", "b5-1": "gone" }
  : {};
/** The versions of one image: the second one was deleted. */
const CHAIN = ["b3-0", "b4-1", "b4-0", "b5-0", "b6-0"];
const LONG = Number(query.get("long") ?? 0);
const SHAPES = [
  [1024, 1024],
  [1344, 768],
  [768, 1344],
] as const;
const SUBJECTS = [
  "A lighthouse at dusk",
  "A red fox in fresh snow",
  "Paper-cut city",
  "Tiny robots",
  "Mountains",
];

/** Batches of other days, with starred images, below those of the fixtures. */
function older(now: number): BatchState[] {
  const day = 24 * 60 * 60_000;
  const made = (
    id: string,
    prompt: string,
    [width, height]: readonly [number, number],
    seeds: number[],
    days: number,
  ) => {
    const at = now - days * day;
    const generations = seeds.map((seed, position) =>
      generation(id, position, {
        width,
        height,
        seed,
        starred: position === 1,
        startedAt: at,
        finishedAt: at + 8000 + position,
      }),
    );
    return batch(id, "t1", prompt, generations, { width, height, createdAt: at });
  };
  return [
    made("b2", "A quiet harbour in the first light, boats on still water", [1024, 1024], [41, 42, 46, 48], 1),
    made("b1", "Wide valley with a river, painted on glass", [1344, 768], [52, 55, 57], 6),
  ];
}

/** ?made=edit: all images were made by this model of the demo. */
function madeBy(batch: BatchState): BatchState {
  const id = query.get("made");
  return id ? { ...batch, model: `demo:${id}`, modelTitle: `Demo ${id}` } : batch;
}

/** ?shapes: batches of every number, extreme shapes, and a very long prompt. */
function shapes(now: number): BatchState[] {
  const day = 24 * 60 * 60_000;
  const made = (id: string, count: number, width: number, height: number, prompt: string) => {
    const at = now - 8 * day;
    const generations = Array.from({ length: count }, (_, position) =>
      generation(id, position, {
        width,
        height,
        seed: count * 10 + position,
        startedAt: at,
        finishedAt: at + 9000,
      }),
    );
    return batch(id, "t1", prompt, generations, { width, height, createdAt: at });
  };
  const long = "A market street in the rain, lanterns and steam, wet stones, people with umbrellas. ".repeat(
    24,
  );
  const refused = made("aa0", 4, 1536, 640, "Four refusals of little height");
  const unfinished = [{ status: "error" as const, error: error() }, { status: "cancelled" as const }];
  refused.generations = refused.generations.map((each, index) => ({ ...each, ...unfinished[index % 2] }));
  return [
    made("aa7", 1, 1024, 1024, long.trim()),
    made("aa6", 1, 2048, 512, "One wide panorama"),
    made("aa5", 2, 2048, 512, "Two panoramas"),
    made("aa4", 2, 512, 1536, "Two tall banners"),
    made("aa3", 3, 512, 1536, "Three tall banners"),
    made("aa2", 5, 1024, 1024, "Five squares"),
    made("aa1", 8, 1536, 1024, "Eight landscapes"),
    refused,
  ];
}

class MockKernel {
  readonly handlers = new Set<Handler>();
  readonly state = snapshot(Date.now(), query.get("topic") !== "none");
  readonly sweep = query.has("sweep") ? madeSweep(query.get("sweep") ?? "", Date.now()) : null;
  readonly #batches = new Map(
    [
      ...(this.sweep?.batches ?? []),
      ...(this.state.feed?.batches ?? []).map(madeBy),
      ...older(Date.now()),
      ...(query.has("shapes") ? shapes(Date.now()) : []),
    ].map((each) => [each.id, each]),
  );
  /** Of all batches, newest first; those of the fixtures come before a long history. */
  readonly ids = [
    ...this.#batches.keys(),
    ...Array.from({ length: LONG }, (_, index) => `a${String(LONG - index).padStart(6, "0")}`),
  ];
  readonly drafts = new Map<string | null, string>();
  readonly uploads = new Map<string, Blob[]>();
  readonly references = new Map<string, { state: ReferenceState; bytes: DataView }>();
  presets: PresetState[] = query.has("presets") ? PRESETS : [];
  #seq = 0;
  #made = 0;

  /** Return what runs in the topic that is open, and one more that waits elsewhere. */
  queue(): BatchState[] {
    if (this.state.topics.length === 0) return [];
    const waiting = batch(
      "b9",
      "t2",
      "A red fox asleep in fresh snow",
      [generation("b9", 0, { status: "pending", cancellable: true })],
      { createdAt: Date.now() },
    );
    const open = this.state.feed?.batches.filter(({ generations }) =>
      generations.some(({ status }) => status === "processing"),
    );
    return [...(open ?? []), waiting];
  }

  answer(message: KernelMessage, buffers: DataView[] = []): void {
    for (const handler of this.handlers) handler(message, buffers);
  }

  emit(events: KernelEvent[], buffers: DataView[] = []): void {
    this.#seq += 1;
    this.answer({ kind: "events", seq: this.#seq, events }, buffers);
  }

  async keep(blob: Blob): Promise<ReferenceState> {
    const bytes = await blob.arrayBuffer();
    // Any number that differs; browsers have the real digest on secure pages alone.
    const sum = new Uint8Array(bytes).reduce((before, byte) => (before * 31 + byte) >>> 0, 7);
    const digest = sum.toString(16).padStart(64, "0");
    const { width, height } = await createImageBitmap(blob);
    const state = { digest, mediaType: blob.type, width, height };
    this.references.set(digest, { state, bytes: new DataView(bytes) });
    return state;
  }

  async receive(message: PageMessage, sent: ArrayBuffer[] = []): Promise<void> {
    if (message.kind !== "request" || query.has("silent")) return;
    const { call } = message;
    const refuse = query.get("refuse");
    const wish = call.method === "generate" ? call.wishes.findIndex(({ model }) => model === refuse) : -1;
    if (wish >= 0 || call.method === refuse) {
      const refused = wish >= 0 ? { ...REFUSAL, wish } : LOCKED;
      this.answer({ kind: "reply", to: message.id, result: null, error: refused });
      return;
    }
    if (query.has("unpriced") && "confirm" in call && !call.confirm) {
      this.answer({ kind: "reply", to: message.id, result: null, error: UNPRICED });
      return;
    }
    const buffers: DataView[] = [];
    if (message.call.method === "improve" && !query.has("writer")) {
      this.answer({ kind: "reply", to: message.id, result: null, error: error({ code: "missing_key" }) });
      return;
    }
    const result = await this.result(message.call, buffers, sent);
    this.answer({ kind: "reply", to: message.id, result, error: null }, buffers);
  }

  async result(call: Call, buffers: DataView[], sent: ArrayBuffer[]): Promise<Result> {
    const { state } = this;
    switch (call.method) {
      case "hello":
        return {
          type: "snapshot",
          snapshot: {
            ...state,
            ...this.topics("", null, 200),
            seq: this.#seq,
            feed: state.feed && this.page({ topicId: "t1", before: null, limit: 12, ...UNFILTERED }),
          },
        };
      case "thumbnails": {
        const items = await Promise.all(
          call.generationIds.map(async (generationId) => {
            const { generations } = this.batch(generationId.slice(0, generationId.lastIndexOf("-")));
            const tile = generations.find((each) => each.id === generationId);
            const reason = HIDDEN[generationId];
            if (reason) return { generationId, buffer: null, reason };
            const ratio = tile?.width && tile.height ? tile.width / tile.height : 1;
            const view = await picture(
              // A few pictures again and again: drawing them is no part of what the page does.
              (tile?.seed ?? 1) % (LONG ? 12 : 1e6),
              // As the kernel makes them.
              Math.round(768 * Math.min(ratio, 1)),
              Math.round(768 / Math.max(ratio, 1)),
            );
            return { generationId, buffer: buffers.push(view) - 1, reason: null };
          }),
        );
        return { type: "thumbnails", items };
      }
      case "covers": {
        const items = await Promise.all(
          call.topicIds.map(async (topicId) => {
            const view = await picture(topicId.charCodeAt(topicId.length - 1) * 3, 256, 256);
            return { topicId, buffer: buffers.push(view) - 1 };
          }),
        );
        return { type: "covers", items };
      }
      case "original":
      case "view": {
        const { generationId } = call;
        const { generations } = this.batch(generationId.slice(0, generationId.lastIndexOf("-")));
        const { seed, width, height } = generations.find(({ id }) => id === generationId) ?? {};
        buffers.push(await picture(seed ?? 42, width ?? 1344, height ?? 768));
        if (HIDDEN[generationId] && call.method === "view") throw new Error("this image is not shown");
        return {
          type: call.method,
          generationId,
          mediaType: "image/webp",
          fileName: "picture.webp",
          buffer: 0,
        };
      }
      case "read_chain":
        return this.chain(call.generationId);
      case "recipe": {
        const { generationId } = call;
        const made = this.batch(generationId.slice(0, generationId.lastIndexOf("-")));
        const tile = made.generations.find(({ id }) => id === generationId);
        if (!tile) return { type: "empty" };
        const { seed, width, height, differences, mediaType } = tile;
        const { id: batchId, prompt, provider, model, modelTitle, createdAt, cost, references, mask } = made;
        const applied = { width, height, seed, style: "natural", palette: "sunset", detail: 0.6 };
        const changed = Object.fromEntries(
          differences
            .filter(({ parameter }) => parameter !== "model")
            .map((each) => [each.parameter, each.requested]),
        );
        return {
          type: "recipe",
          recipe: {
            ...{
              generationId,
              batchId,
              prompt,
              provider,
              model,
              modelTitle,
              seed,
              differences,
              width,
              height,
            },
            ...{ mediaType, createdAt, cost, references, mask, applied },
            requested: { ...applied, ...changed },
            bytes: 1_480_000,
            digest: "d".repeat(64),
            path: "~/.local/share/imgplay-widget/assets/dd/d3.png",
            startedAt: tile.startedAt,
            finishedAt: tile.finishedAt,
            servedBy: String(
              differences.find(({ parameter }) => parameter === "model")?.applied ?? model.split(":")[1],
            ),
            requestId: "req-7f3a",
            attempt: 1,
            action: made.action,
            version: "0.3.0",
          },
        };
      }
      case "part": {
        if (query.get("parts") === "none") return new Promise(() => undefined);
        const file = await fetch(`dist/parts/${call.name}-${call.build}.js`);
        buffers.push(new DataView(await file.arrayBuffer()));
        return { type: "part", buffer: 0 };
      }
      case "upload": {
        await new Promise((resolve) => setTimeout(resolve, Number(query.get("slow") ?? 60)));
        const pieces = [...(this.uploads.get(call.uploadId) ?? []), new Blob(sent)];
        this.uploads.set(call.uploadId, pieces);
        const whole = new Blob(pieces, { type: "image/png" });
        const kept = whole.size >= call.total && call.purpose !== "recipe";
        const reference = kept ? await this.keep(whole) : null;
        return { type: "upload_taken", received: whole.size, reference, found: null };
      }
      case "take_reference": {
        await new Promise((resolve) => setTimeout(resolve, 800));
        const number = [...call.value].reduce((sum, sign) => sum + sign.charCodeAt(0), 0);
        const bytes = await picture(number, 1344, 768);
        const blob = new Blob([new Uint8Array(bytes.buffer as ArrayBuffer)], { type: "image/webp" });
        return { type: "reference_taken", reference: await this.keep(blob) };
      }
      case "reference_thumbnails": {
        const items = call.digests.map((digest) => {
          const bytes = this.references.get(digest)?.bytes;
          return { digest, buffer: bytes ? buffers.push(bytes) - 1 : null };
        });
        return { type: "reference_thumbnails", items };
      }
      case "reference_original": {
        const { digest } = call;
        const held = this.references.get(digest);
        buffers.push(held?.bytes ?? (await picture(7, 800, 600)));
        return {
          type: "reference_original",
          digest,
          mediaType: held?.state.mediaType ?? "image/webp",
          buffer: 0,
        };
      }
      case "feed":
      case "select_topic":
        return this.feed(call);
      case "gallery":
        return this.gallery(call);
      case "named_batches":
        return { type: "batches", batches: call.batchIds.map((id) => this.batch(id)) };
      case "read_sweep":
        return this.sweep ? { type: "sweep", sweep: this.sweep.sweep } : { type: "empty" };
      case "generate": {
        const now = Date.now();
        const topicId = call.topicId ?? `t${now}`;
        const clickId = call.wishes.length > 1 ? `click${now}` : null;
        const batches = call.wishes.map((wish) => this.made(wish, call.n, { topicId, clickId, at: now }));
        const topic = {
          id: topicId,
          title: (call.wishes[0]?.prompt ?? "").slice(0, 30),
          pinned: false,
          images: 0,
          running: call.n * batches.length,
          coverVersion: "1",
          coverBuffer: null,
          createdAt: now,
          updatedAt: now,
        };
        for (const each of batches.flatMap(({ generations }) => generations)) void this.run(each);
        return { type: "generated", topic, batches };
      }
      case "topics": {
        await new Promise((resolve) => setTimeout(resolve, Number(query.get("slow") ?? 300)));
        const { topics, topicsBefore } = this.topics(call.search, call.before, call.limit);
        return { type: "topics", topics, before: topicsBefore };
      }
      case "named_topics": {
        const topics = state.topics.filter(({ id }) => call.topicIds.includes(id));
        return { type: "topics", topics, before: null };
      }
      case "queue":
        return { type: "queue", batches: this.queue() };
      case "cancel": {
        const stopped = this.queue().filter(({ id }) => call.batchIds.includes(id));
        const running = stopped.flatMap(({ generations }) => generations.filter((each) => each.cancellable));
        this.emit(
          running.map((each) => ({
            type: "generation_changed",
            generation: { ...each, status: "cancelled", cancellable: false },
          })),
        );
        return { type: "empty" };
      }
      case "labels_used":
        return query.has("scores")
          ? { type: "label_names", scores: ["clip", "taste"], tags: ["poster"] }
          : { type: "label_names", scores: [], tags: [] };
      case "server_presets":
        return { type: "server_presets", presets: SERVER_PRESETS };
      case "presets":
        return { type: "presets", presets: this.presets };
      case "save_preset":
      case "restore_preset": {
        const { name, model, params, prefix, suffix } = call;
        const others = this.presets.filter((preset) => preset.name !== name);
        this.presets = [...others, { name, model, params, prefix, suffix, gone: false }];
        this.emit([{ type: "presets_changed" }]);
        return { type: "empty" };
      }
      case "rename_preset":
        this.presets = this.presets.map((preset) =>
          preset.name === call.name ? { ...preset, name: call.to } : preset,
        );
        this.emit([{ type: "presets_changed" }]);
        return { type: "empty" };
      case "delete_preset":
        this.presets = this.presets.filter(({ name }) => name !== call.name);
        this.emit([{ type: "presets_changed" }]);
        return { type: "empty" };
      case "prompts":
        return { type: "prompts", prompts: (state.feed?.batches ?? []).map(({ prompt }) => prompt) };
      case "improve": {
        await new Promise((resolve) => setTimeout(resolve, Number(query.get("slow") ?? 900)));
        const more =
          ", seen from below at dusk, mist between the trees, warm light on wet stone, film photograph";
        return { type: "improved", prompt: call.mode === "expand" ? call.prompt + more : call.prompt };
      }
      case "save_draft":
        this.drafts.set(call.topicId, call.prompt);
        return { type: "empty" };
      default:
        return { type: "empty" };
    }
  }

  /** Return the versions of an image: with `?chain`, some images of the feed stand for them. */
  chain(generationId: string): Result {
    const version = (id: string, patch: Partial<VersionState> = {}): VersionState => {
      const made = this.batch(id.slice(0, id.lastIndexOf("-")));
      const tile = made.generations.find((each) => each.id === id);
      return {
        generationId: id,
        batchId: made.id,
        topicId: made.topicId,
        position: tile?.position ?? 0,
        status: tile?.status ?? "gone",
        prompt: made.prompt,
        action: null,
        added: [],
        removed: [],
        rewritten: false,
        changes: [],
        ...patch,
      };
    };
    const path = query.has("chain") ? CHAIN : [];
    const at = path.indexOf(generationId);
    const gone = { status: "gone", batchId: null, topicId: null, prompt: "" } as const;
    const ancestors = path.slice(0, Math.max(at, 0)).map((id, index) => version(id, index === 1 ? gone : {}));
    const beside = generationId === "b5-0" ? ["b5-1"] : [];
    const children = at >= 0 ? path.slice(at + 1, at + 2) : [];
    return {
      type: "chain",
      generationId,
      ancestors,
      earlier: query.get("chain") === "long",
      siblings: [
        version(generationId, {
          action: "edit",
          added: ["night", "deep snow"],
          removed: ["day"],
          changes: [
            { name: "model", before: "FLUX.2 [dev]", after: "Demo studio" },
            { name: "strength", before: null, after: 0.6 },
          ],
        }),
        ...beside.map((id) => version(id)),
      ],
      siblingsCount: 1 + beside.length,
      children: [
        ...children.map((id) => version(id)),
        ...children.map((id) => version(id, { status: "pending" })),
      ],
      childrenCount: 2 * children.length,
    };
  }

  /** Return the batch of one of the requests of a click. */
  made(
    wish: Wish,
    count: number,
    { topicId, clickId, at }: { topicId: string; clickId: string | null; at: number },
  ): BatchState {
    this.#made += 1;
    const id = `c${at}x${this.#made}`;
    const generations = Array.from({ length: count }, (_, position) =>
      generation(id, position, { status: "pending", cancellable: true }),
    );
    const model = this.state.models.find(({ name }) => name === wish.model);
    const params = paramsOf(model, wish.params);
    return batch(id, topicId, wish.prompt, generations, {
      model: wish.model,
      modelTitle: model?.title ?? wish.model,
      createdAt: at,
      clickId,
      action: wish.action,
      params,
      width: Number(params.width ?? 1024),
      height: Number(params.height ?? 1024),
    });
  }

  feed(call: Feed | SelectTopic): Result {
    const { topicId } = call;
    if (call.method === "feed") return { type: "feed", feed: this.page(call) };
    const feed = topicId === null ? null : this.page({ topicId, before: null, limit: 12, ...UNFILTERED });
    return { type: "topic_shown", feed, draft: { prompt: "", references: [], mask: null } };
  }

  /** Return a page of the topics; its cursor is the last one of the page before. */
  topics(search: string, before: string | null, limit: number): Pick<Snapshot, "topics" | "topicsBefore"> {
    const all = sorted(this.state.topics).filter((each) => holdsWords(each, search));
    const from = all.findIndex(({ id }) => id === before) + 1;
    const topics = all.slice(from, from + limit);
    return { topics, topicsBefore: from + limit < all.length ? (topics.at(-1)?.id ?? null) : null };
  }

  /** Return a page of what the filter finds, newest first. */
  page(call: Omit<Feed, "method">): FeedState {
    const { topicId, before, limit, search, model, status, starred, tag } = call;
    const words = search.toLowerCase().split(/\s+/);
    const narrowed = Boolean(search || model || status || starred || tag);
    const found: BatchState[] = [];
    for (const id of this.ids) {
      if (before !== null && id >= before) continue;
      const each = this.batch(id);
      const fits =
        (topicId === null || each.topicId === topicId) &&
        // One stands for all of a sweep, unless something narrows the feed.
        (narrowed || !each.sweepId || found.every(({ sweepId }) => sweepId !== each.sweepId)) &&
        (before === null || narrowed || !each.sweepId) &&
        (model === null || each.model === model) &&
        (status === null || each.generations.some((tile) => tile.status === status)) &&
        (!starred || each.generations.some((tile) => tile.starred)) &&
        (tag === null || each.generations.some(({ tags }) => tags.includes(tag))) &&
        words.every((word) => each.prompt.toLowerCase().includes(word));
      if (fits && found.push(each) > limit) break;
    }
    const batches = found.slice(0, limit);
    return { topicId, batches, before: found.length > limit ? (batches.at(-1)?.id ?? null) : null };
  }

  /** Return a page of the gallery; its cursor is the last image of the page before. */
  gallery(call: ReadGallery): Result {
    const { before, limit, sort, starredFirst, starred, tag, scores } = call;
    const whole = this.page({ ...call, status: "success", sort: null, before: null, limit: Infinity });
    const mark = ({ starred, scores }: GenerationState): number =>
      sort ? (scores[sort.name] ?? -Infinity) * (sort.lowestFirst ? -1 : 1) : Number(starredFirst && starred);
    const images = whole.batches
      .flatMap(({ generations }) => generations)
      .filter(
        (each) =>
          each.status === "success" &&
          (call.status ?? "success") === "success" &&
          (!starred || each.starred) &&
          (tag === null || each.tags.includes(tag)) &&
          scores.every(({ name }) => name in each.scores),
      )
      .sort((a, b) => mark(b) - mark(a) || 0);
    const from = images.findIndex(({ id }) => id === before) + 1;
    const page = images.slice(from, from + limit);
    const held = new Set(page.map(({ batchId }) => batchId));
    return {
      type: "gallery",
      images: page.map(({ id }) => id),
      batches: whole.batches.filter(({ id }) => held.has(id)),
      before: from + limit < images.length ? (page.at(-1)?.id ?? null) : null,
    };
  }

  /** Return a batch of the fixtures, or one of a long history, made from its number. */
  batch(id: string): BatchState {
    const known = this.#batches.get(id);
    if (known) return known;
    const number = Number(id.slice(1));
    const [width, height] = SHAPES[number % SHAPES.length] as [number, number];
    const createdAt = Date.now() - (LONG - number) * 40 * 60_000;
    const generations = Array.from({ length: 4 }, (_, position) =>
      generation(id, position, {
        width,
        height,
        seed: number * 4 + position,
        startedAt: createdAt,
        finishedAt: createdAt + 9000,
      }),
    );
    const prompt = `${SUBJECTS[number % SUBJECTS.length]}, study ${number}`;
    return batch(id, "t1", prompt, generations, { createdAt, width, height });
  }

  async run(tile: ReturnType<typeof generation>): Promise<void> {
    const startedAt = Date.now();
    const { id: generationId, batchId, position } = tile;
    for (let share = 0; share < 1; share += 0.1) {
      await new Promise((resolve) => setTimeout(resolve, 250 + position * 90));
      if (share === 0)
        this.emit([{ type: "generation_changed", generation: { ...tile, status: "processing", startedAt } }]);
      this.emit([
        {
          type: "generation_progress",
          generationId,
          batchId,
          progress: share,
          queuePosition: null,
          retryIn: null,
          previewBuffer: null,
        },
      ]);
    }
    const done = {
      ...tile,
      status: "success" as const,
      width: 1024,
      height: 1024,
      seed: startedAt % 1000,
      startedAt,
      finishedAt: Date.now(),
      cancellable: false,
      thumbnailBuffer: 0,
    };
    this.emit([{ type: "generation_changed", generation: done }], [await picture(done.seed, 512, 512)]);
  }

  /** What runs when the page is opened gets its progress and a preview. */
  async open(): Promise<void> {
    const preview = await picture(9, 96, 96);
    const base = {
      type: "generation_progress",
      batchId: "b6",
      queuePosition: null,
      retryIn: null,
      previewBuffer: null,
      progress: null,
    } as const;
    this.emit(
      [
        { ...base, generationId: "b6-1", progress: 0.62, previewBuffer: 0 },
        { ...base, generationId: "b6-2", progress: 0.35 },
      ],
      [preview],
    );
  }
}

const kernel = new MockKernel();
kernel.state.models.push(
  madeModel("edit", {
    title: "Demo edit",
    mask: true,
    references: {
      minCount: 0,
      maxCount: 4,
      maxPixels: null,
      maxBytes: 10_000_000,
      mediaTypes: ["image/png", "image/jpeg", "image/webp"],
      givesSize: false,
    },
  }),
);
if (query.has("catalog")) {
  const more = catalogue();
  kernel.state.providers.push(...more.providers);
  kernel.state.models.push(...more.models);
}
// ?follow: models that do something with a finished image, some of them for money.
if (query.has("follow")) {
  kernel.state.providers.push(provider("stability", "Stability AI", { key: "set" }));
  kernel.state.models.push(...followers());
}
if (query.has("keyed"))
  for (const provider of kernel.state.providers)
    if (provider.key === "missing") Object.assign(provider, { key: "set", keySource: "system keyring" });
if (query.get("spent")) kernel.state.spending.today = query.get("spent") ?? "";
if (query.get("model")) kernel.state.config.model = `demo:${query.get("model")}`;
// ?many=300: so many more topics, some of them pinned.
if (query.has("many")) {
  const { topics } = kernel.state;
  const now = Date.now();
  for (let index = 0; index < Number(query.get("many")); index++) {
    const title = `Study ${index} of ${["a harbour", "two chairs", "old maps", "glass"][index % 4]}`;
    const more = { pinned: index % 120 === 7, images: (index * 7) % 60 };
    topics.push(topic(`m${index}`, title, now - index * 40 * 60_000, more));
  }
}
if (query.has("writer"))
  for (const provider of kernel.state.providers) provider.writer = "openai:gpt-5.6-luna";
if (query.get("topics") === "0") kernel.state.topics.length = 0;
// ?scores: code has scored and tagged the finished images.
if (query.has("scores")) {
  const tiles = kernel.state.feed?.batches.flatMap(({ generations }) => generations) ?? [];
  for (const [index, tile] of tiles.filter(({ status }) => status === "success").entries()) {
    tile.scores = index % 3 === 2 ? { clip: 0.31 } : { clip: 0.2 + index / 30, taste: 5.5 };
    tile.tags = index % 2 === 0 ? ["poster"] : [];
  }
}
if (query.has("hidden")) {
  const tiles = kernel.state.feed?.batches.flatMap(({ generations }) => generations) ?? [];
  for (const tile of tiles) {
    if (HIDDEN[tile.id] === "kind") Object.assign(tile, { mediaType: "image/svg+xml", differences: [] });
    if (tile.id === "b4-1") tile.damaged = true;
  }
}
if (query.has("broken")) {
  const [, second, third] = kernel.state.feed?.batches ?? [];
  Object.assign(second?.generations[0] ?? {}, { differences: null });
  Object.assign(third ?? {}, { references: null });
}
// A test that dispatches this event is code that asks for a batch, while the page looks elsewhere.
addEventListener("imgplay-asked", () => {
  const wish = {
    model: "demo:studio",
    prompt: "From code",
    params: {},
    references: [],
    mask: null,
    action: null,
  };
  const made = kernel.made(wish, 4, { topicId: "t1", clickId: null, at: Date.now() });
  kernel.emit([{ type: "batch_added", batch: made }]);
});
const status = query.get("kernel");
const listeners = new Map<string, Set<() => void>>();
/** Very small pictures of what is finished, as a notebook saves them. */
async function savedPictures(): Promise<string> {
  const finished = (kernel.state.feed?.batches ?? []).flatMap(({ generations, width, height }) =>
    generations.filter(({ status }) => status === "success").map((tile) => ({ tile, width, height })),
  );
  const pictures = finished.map(async ({ tile, width, height }) => {
    const ratio = width && height ? width / height : 1;
    const view = await picture(
      tile.seed ?? 1,
      Math.round(96 * Math.min(ratio, 1)),
      Math.round(96 / Math.max(ratio, 1)),
    );
    return [tile.id, btoa(String.fromCharCode(...new Uint8Array(view.buffer as ArrayBuffer)))];
  });
  return JSON.stringify(Object.fromEntries(await Promise.all(pictures)));
}
const state: Record<string, unknown> = {
  theme: query.get("look") ?? "auto",
  height: query.has("height") ? Number(query.get("height")) : null,
  _snapshot: query.has("saved") ? JSON.stringify(kernel.state) : "",
  _pictures: query.has("saved") ? await savedPictures() : "",
};
const model = {
  get: (name: string) => state[name] ?? null,
  set: (name: string, value: unknown) => {
    state[name] = value;
    for (const listener of listeners.get(`change:${name}`) ?? []) listener();
  },
  save_changes: () => undefined,
  on: (name: string, handler: Handler) => {
    if (name === "msg:custom") kernel.handlers.add(handler);
    else listeners.set(name, (listeners.get(name) ?? new Set()).add(handler as () => void));
  },
  off: (name: string, handler: Handler) => {
    kernel.handlers.delete(handler);
    listeners.get(name)?.delete(handler as () => void);
  },
  send: (message: PageMessage, _: unknown, buffers?: ArrayBuffer[]) => {
    setTimeout(() => void kernel.receive(message, buffers), 20);
  },
  widget_manager: status ? { kernel: status === "none" ? null : { status } } : {},
} as unknown as AnyModel;

const { initialize, render } = widget();
const { signal } = new AbortController();
const el = document.getElementById("cell") as HTMLElement;
const props = { model, signal } as unknown as Parameters<typeof render>[0];
initialize(props);
render({ ...props, el });
setTimeout(() => void kernel.open(), 300);
