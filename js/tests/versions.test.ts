// The versions of an image: where a step leads, and what changed in words.
import { describe, expect, it } from "vitest";
import { parameter } from "../dev/fixtures";
import { beforeIn, hasVersions, partsOf, shownIn, stepIn } from "../src/lib/versions";
import "../src/messages/large";
import type { ChainResult, VersionState } from "../src/protocol.gen";

function version(id: string, patch: Partial<VersionState> = {}): VersionState {
  return {
    generationId: id,
    batchId: `batch of ${id}`,
    topicId: "t1",
    position: 0,
    status: "success",
    prompt: `prompt of ${id}`,
    action: null,
    added: [],
    removed: [],
    rewritten: false,
    changes: [],
    ...patch,
  };
}

const GONE = { status: "gone", batchId: null } as const;

function chain(patch: Partial<ChainResult> = {}): ChainResult {
  return {
    type: "chain",
    generationId: "c",
    ancestors: [version("a"), version("b", GONE)],
    earlier: false,
    siblings: [version("c0"), version("c"), version("c1", { status: "pending" }), version("c2")],
    siblingsCount: 4,
    children: [version("d"), version("e"), version("f", { status: "processing" })],
    childrenCount: 3,
    ...patch,
  };
}

describe("a step through the versions", () => {
  const to = (step: "before" | "after" | "up" | "down", made = chain(), walked: string[] = []) =>
    stepIn(made, step, walked)?.generationId;

  it("leads to the nearest version that is there", () => {
    expect(to("before")).toBe("a");
    expect(beforeIn(chain())?.generationId).toBe("a");
    expect(to("before", chain({ ancestors: [version("b", GONE)] }))).toBeUndefined();
    expect([to("up"), to("down")]).toEqual(["c0", "c2"]);
    expect(to("down", chain({ siblings: [version("c")] }))).toBeUndefined();
    expect(shownIn(chain())?.prompt).toBe("prompt of c");
  });
  it("leads forward to where the user came from, else to the newest image", () => {
    expect(to("after")).toBe("e");
    expect(to("after", chain(), ["e", "d", "x"])).toBe("d");
    expect(to("after", chain({ children: [version("f", { status: "pending" })] }))).toBeUndefined();
  });
  it("is possible only where there are other versions", () => {
    expect(hasVersions(chain())).toBe(true);
    expect(hasVersions(chain({ ancestors: [], children: [] }))).toBe(false);
  });
});

describe("what changed in a version", () => {
  const words = (patch: Partial<VersionState>) =>
    partsOf(version("c", patch), [parameter("strength", { title: "Strength" })]).map(({ text }) => text);

  it("is said with signs, titles and both values", () => {
    expect(
      words({
        action: "remove_background",
        added: ["night", "snow"],
        removed: ["day"],
        changes: [
          { name: "model", before: "FLUX", after: "SDXL" },
          { name: "size", before: "64 × 48", after: "128 × 96" },
          { name: "strength", before: null, after: 0.6 },
          { name: "tiled", before: false, after: true },
          { name: "references", before: null, after: 2 },
          { name: "mask", before: null, after: true },
          { name: "seed", before: 5, after: null },
        ],
      }),
    ).toEqual([
      "Background removed",
      "+ night",
      "+ snow",
      "− day",
      "Model FLUX → SDXL",
      "Size 64 × 48 → 128 × 96",
      "Strength 0.6",
      "tiled Off → On",
      "with 2 more images",
      "with a mask",
      "seed 5 → None",
    ]);
  });
  it("is the whole prompt where that is a new one", () => {
    expect(words({ action: "edit", added: ["make it night"], rewritten: true })).toEqual([
      "Edit",
      "“make it night”",
    ]);
    expect(words({})).toEqual([]);
  });
});
