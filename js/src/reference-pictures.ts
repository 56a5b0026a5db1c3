// The pictures of the references that the kernel holds, by digest: small ones for strips, whole ones on demand.
import type { Send } from "./lib/answer";
import { BlobUrls } from "./lib/blob-urls";
import { Wanted } from "./lib/wanted";

const THUMBNAILS = 100;
const ORIGINALS = 4;

export class ReferencePictures {
  readonly thumbnails = new BlobUrls(THUMBNAILS);
  readonly wanted: Wanted;
  readonly #originals = new BlobUrls(ORIGINALS);

  constructor(readonly send: Send) {
    this.wanted = new Wanted((digests) => this.#ask(digests));
  }

  /** Return the URL of the whole picture, which is loaded only now. Rejects with a `RequestError`. */
  async original(digest: string): Promise<string> {
    const known = this.#originals.get(digest);
    if (known) return known;
    const { result, buffers } = await this.send({ method: "reference_original", digest });
    const bytes = result.type === "reference_original" ? buffers[result.buffer] : undefined;
    if (result.type !== "reference_original" || !bytes) throw new Error("the answer holds no image");
    return this.#originals.keep(digest, bytes, result.mediaType);
  }

  close(): void {
    this.wanted.close();
    this.thumbnails.clear();
    this.#originals.clear();
  }

  async #ask(digests: string[]): Promise<void> {
    const missing = digests.filter((digest) => this.thumbnails.get(digest) === undefined);
    if (missing.length === 0) return;
    const { result, buffers } = await this.send({ method: "reference_thumbnails", digests: missing });
    if (result.type !== "reference_thumbnails") return;
    for (const { digest, buffer } of result.items) {
      const bytes = buffer === null ? undefined : buffers[buffer];
      if (bytes) this.thumbnails.put(digest, bytes, "image/webp");
    }
  }
}
