import { afterEach, describe, expect, it, vi } from "vitest";
import { error } from "../dev/fixtures";
import { type Answer, RequestError, type Send } from "../src/lib/answer";
import { fetchPack } from "../src/lib/pack";
import { Media } from "../src/media";
import type { Call } from "../src/protocol.gen";
import { createPageStore } from "../src/store";
import { savePack } from "../src/views/download";
import { hostThatShows } from "./kit";

/** Return a kernel with a pack of bytes, in pieces of two; `refuse` names the offset that it cannot read. */
function kernel(bytes: number[], refuse = -1): { send: Send; calls: Call[] } {
  const calls: Call[] = [];
  const send = async (call: Call): Promise<Answer> => {
    calls.push(call);
    if (call.method === "pack")
      return {
        result: { type: "packed", packId: "p", fileName: "foxes.zip", size: bytes.length, images: 3 },
        buffers: [],
      };
    if (call.method !== "pack_chunk") return { result: { type: "empty" }, buffers: [] };
    const { offset } = call;
    if (offset === refuse) throw new RequestError(error({ message: "The disk is full." }));
    const piece = new Uint8Array(bytes.slice(offset, offset + 2));
    return {
      result: { type: "chunk", offset, buffer: 0, last: offset + 2 >= bytes.length },
      buffers: [new DataView(piece.buffer)],
    };
  };
  return { send, calls };
}

afterEach(() => void vi.restoreAllMocks());

const never = new AbortController().signal;

describe("a pack", () => {
  it("is put together from its pieces, in order", async () => {
    const { send, calls } = kernel([1, 2, 3, 4, 5]);
    const shares: number[] = [];
    const { blob, fileName, images } = await fetchPack(
      send,
      ["a", "b"],
      (share) => shares.push(share),
      never,
    );
    expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([1, 2, 3, 4, 5]);
    expect([fileName, images, blob.type]).toEqual(["foxes.zip", 3, "application/zip"]);
    expect(shares).toEqual([0.4, 0.8, 1]);
    expect(calls.map(({ method }) => method)).toEqual(["pack", "pack_chunk", "pack_chunk", "pack_chunk"]);
  });
  it("is dropped in the kernel when it is cancelled", async () => {
    const { send, calls } = kernel([1, 2, 3, 4, 5]);
    const ended = new AbortController();
    await expect(fetchPack(send, ["a"], () => ended.abort(), ended.signal)).rejects.toThrow();
    expect(calls.at(-1)).toEqual({ method: "drop_pack", packId: "p" });
    expect(calls.filter(({ method }) => method === "pack_chunk")).toHaveLength(1);
  });
  it("is dropped when a piece cannot be had, and says why", async () => {
    const { send, calls } = kernel([1, 2, 3, 4, 5], 2);
    await expect(fetchPack(send, ["a"], () => undefined, never)).rejects.toThrow("The disk is full.");
    expect(calls.at(-1)?.method).toBe("drop_pack");
  });
  it("that is too large for a host which refuses blobs says what to do", async () => {
    hostThatShows("data");
    vi.spyOn(Blob.prototype, "arrayBuffer").mockRejectedValue(new RangeError("too long"));
    const { send } = kernel([1, 2, 3]);
    const store = createPageStore(send);
    await savePack({ store, media: new Media(send) }, ["a"]);
    const [notice] = store.getState().notices;
    expect([notice?.level, notice?.message]).toEqual(["error", expect.stringContaining("pg.save_zip")]);
    expect(store.getState().packing).toBeNull();
  });
});
