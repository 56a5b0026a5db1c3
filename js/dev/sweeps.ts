// Sweeps for the page without a kernel: ?sweep=grid|facets|rows|big|shapes|running.
import type { BatchState, GenerationState, SweepState } from "../src/protocol.gen";
import { batch, error, generation } from "./fixtures";

interface Kind {
  template: string;
  axes: SweepState["axes"];
  /** How many images each cell has. */
  n: number;
  /** The sizes of the cells, in turn. */
  sizes: readonly (readonly [number, number])[];
  /** What other cells are than finished, by their index. */
  others: Readonly<Record<number, Partial<GenerationState> | "deleted">>;
}

const axis = (name: string, ...labels: string[]) => ({ name, labels });
const ANIMALS = axis("animal", "fox", "owl", "bear");
const STYLES = axis("style", "oil", "ink", "pastel");
const SQUARE = [[1024, 1024]] as const;
const numbers = (name: string, count: number) =>
  axis(name, ...Array.from({ length: count }, (_, at) => String(at)));

function kinds(now: number): Record<string, Kind> {
  const plain = {
    template: "a {animal} in {style}",
    axes: [ANIMALS, STYLES],
    n: 1,
    sizes: SQUARE,
    others: {},
  };
  const refused = { status: "error" as const, error: error() };
  const runs = { status: "processing" as const, cancellable: true, startedAt: now - 14_000 };
  const waits = { status: "pending" as const, cancellable: true };
  return {
    grid: { ...plain, others: { 4: refused, 5: runs, 7: waits, 8: "deleted" } },
    done: plain,
    facets: {
      ...plain,
      template: "a {animal} in {style}, {a|b} stays",
      axes: [ANIMALS, axis("style", "oil", "ink"), numbers("seed", 2), axis("model", "demo:studio")],
      n: 2,
    },
    rows: {
      ...plain,
      template: "{prompt}",
      axes: [
        axis(
          "row",
          ...Array.from(
            { length: 24 },
            (_, at) => `a study of ${["a harbour", "two chairs", "old maps"][at % 3]}, ${at}`,
          ),
        ),
      ],
    },
    big: {
      ...plain,
      axes: [
        axis("animal", ...Array.from({ length: 10 }, (_, at) => `animal number ${at}`)),
        numbers("seed", 20),
      ],
      others: { 3: refused },
    },
    shapes: {
      ...plain,
      axes: [ANIMALS, axis("size", "1024x1024", "1344x768", "768x1344", "2048x512")],
      sizes: [
        [1024, 1024],
        [1344, 768],
        [768, 1344],
        [2048, 512],
      ],
      others: { 2: refused },
    },
    running: {
      ...plain,
      others: Object.fromEntries(
        Array.from({ length: 9 }, (_, at) => [at, at < 2 ? {} : at < 5 ? runs : waits]),
      ),
    },
  };
}

/** Return a sweep with its batches, newest first. */
export function madeSweep(name: string, now: number): { sweep: SweepState; batches: BatchState[] } {
  const kind = kinds(now)[name] ?? kinds(now).grid;
  if (!kind) throw new Error(`there is no sweep ${name}`);
  const { template, axes, n, sizes, others } = kind;
  const count = axes.reduce((product, { labels }) => product * labels.length, 1);
  const at = now - 60_000;
  const ids = Array.from({ length: count }, (_, cell) => `bs${String(cell).padStart(4, "0")}`);
  const batches = ids.flatMap((id, cell) => {
    const other = others[cell] ?? {};
    if (other === "deleted") return [];
    const [width, height] = sizes[cell % sizes.length] ?? [1024, 1024];
    const images = Array.from({ length: n }, (_, position) =>
      generation(id, position, {
        width: other.status ? null : width,
        height: other.status ? null : height,
        seed: cell * 3 + position,
        startedAt: at,
        finishedAt: at + 8000,
        ...other,
      }),
    );
    const prompt = filled(template, axes, cell);
    return batch(id, "t1", prompt, images, { width, height, createdAt: at, sweepId: "sweep", cost: "0.04" });
  });
  const known = new Set(batches.map(({ id }) => id));
  const cells = ids.map((id) => (known.has(id) ? id : null));
  const asked = [...known].reverse();
  const sweep = { id: "sweep", topicId: "t1", template, axes, cells, asked, createdAt: at };
  return { sweep, batches: batches.reverse() };
}

function filled(template: string, axes: SweepState["axes"], cell: number): string {
  let rest = cell;
  let text = template;
  for (const { name, labels } of [...axes].reverse()) {
    text = text.replace(`{${name}}`, labels[rest % labels.length] ?? "");
    rest = Math.floor(rest / labels.length);
  }
  return text;
}
