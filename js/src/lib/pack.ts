// Fetches a ZIP of images from the kernel, piece by piece.
import type { Send } from "./answer";

export interface Pack {
  blob: Blob;
  fileName: string;
  /** How many images the ZIP has: unfinished ones are left out. */
  images: number;
}

/**
 * Fetch a ZIP. Rejects with a `RequestError`, or with the signal's reason. `onProgress` gets the share that has
 * arrived.
 */
export async function fetchPack(
  send: Send,
  generationIds: readonly string[],
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Pack> {
  const { result: packed } = await send({ method: "pack", generationIds: [...generationIds] });
  if (packed.type !== "packed") throw new Error("the answer holds no pack");
  const { packId, fileName, size, images } = packed;
  // One blob for each piece: the browser may keep blobs on its disk.
  const pieces: Blob[] = [];
  let last = false;
  try {
    for (let offset = 0; !last; ) {
      signal.throwIfAborted();
      const { result, buffers } = await send({ method: "pack_chunk", packId, offset });
      const bytes = result.type === "chunk" ? buffers[result.buffer] : undefined;
      if (result.type !== "chunk" || !bytes) throw new Error("the answer holds no piece");
      pieces.push(new Blob([bytes as DataView<ArrayBuffer>]));
      offset += bytes.byteLength;
      last = result.last;
      onProgress(size > 0 ? Math.min(offset / size, 1) : 1);
    }
  } catch (cause) {
    // If this call is lost, the kernel drops the ZIP by itself after a while.
    void send({ method: "drop_pack", packId }).catch(() => undefined);
    throw cause;
  }
  return { blob: new Blob(pieces, { type: "application/zip" }), fileName, images };
}
