// Sends a file to the kernel in pieces. Each piece waits for the answer to the piece before.
import type { UploadPiece, UploadTaken } from "../protocol.gen";
import type { Send } from "./answer";

/** The most bytes of a piece. */
export const PIECE = 1_000_000;

interface UploadOptions {
  blob: Blob;
  purpose: UploadPiece["purpose"];
  send: Send;
  /** Ends the upload between two pieces. The kernel then drops the pieces that it has. */
  signal: AbortSignal;
  /** Called with the share of the file that has arrived, 0 to 1. */
  onProgress?(share: number): void;
}

/** The browser could not read the file: it was moved or changed, or reading it is not allowed. */
export class UnreadableFile extends Error {}

/** Send a file to the kernel, and return its last answer. Rejects with a `RequestError`, an `UnreadableFile`, or the signal's reason. */
export async function upload(options: UploadOptions): Promise<UploadTaken> {
  const { blob, purpose, send, signal, onProgress } = options;
  const uploadId = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const total = blob.size;
  let offset = 0;
  while (true) {
    const piece = await bytesOf(blob.slice(offset, offset + PIECE));
    signal.throwIfAborted();
    const { result } = await send({ method: "upload", uploadId, offset, total, purpose }, [piece]);
    signal.throwIfAborted();
    if (result.type !== "upload_taken") throw new Error("the answer is none to an upload");
    if (result.reference || result.received >= total) return result;
    if (result.received <= offset) throw new Error("the upload does not advance");
    offset = result.received;
    onProgress?.(Math.min(offset / total, 1));
  }
}

async function bytesOf(blob: Blob): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer();
  } catch {
    throw new UnreadableFile();
  }
}

/** Return the media type of a file by its first bytes; empty if no model takes files of this type. */
export async function kindOf(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await bytesOf(blob.slice(0, 16)));
  const text = String.fromCharCode(...bytes);
  if (text.startsWith("\x89PNG")) return "image/png";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "image/webp";
  if (text.startsWith("GIF8")) return "image/gif";
  if (text.startsWith("BM")) return "image/bmp";
  const box = text.slice(4, 8) === "ftyp" ? text.slice(8, 12) : "";
  if (box.startsWith("avif") || box.startsWith("avis")) return "image/avif";
  if (/^(heic|heix|mif1|msf1)/.test(box)) return "image/heic";
  return "";
}
