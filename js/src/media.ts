// The pictures of a page: thumbnails, previews, covers and originals as Blob URLs.
import type { Send } from "./lib/answer";
import { BlobUrls } from "./lib/blob-urls";
import { Wanted } from "./lib/wanted";
import type {
  GenerationState,
  Event as KernelEvent,
  Snapshot,
  ThumbnailItem,
  TopicState,
} from "./protocol.gen";
import { ReferencePictures } from "./reference-pictures";

const THUMBNAILS = 400;
const COVERS = 200;
const PREVIEWS = 64;
const ORIGINALS = 6;
const WEBP = "image/webp";

/** Why the page does not show an image. */
export type Hidden = NonNullable<ThumbnailItem["reason"]>;

export class Media {
  readonly thumbnails = new BlobUrls(THUMBNAILS);
  readonly covers = new BlobUrls(COVERS);
  readonly previews = new BlobUrls(PREVIEWS);
  /** Why images do not have a thumbnail, by generation id. */
  readonly hidden = new Map<string, Hidden>();
  readonly originals = new BlobUrls(ORIGINALS);
  /** What stands in the large view for originals that browsers do not draw. */
  readonly views = new BlobUrls(ORIGINALS);
  readonly fileNames = new Map<string, string>();
  /** The pictures for the large view that are on their way. */
  readonly coming = new Map<string, Promise<string>>();
  readonly wantedThumbnails: Wanted;
  readonly wantedCovers: Wanted;
  readonly references: ReferencePictures;

  /** @param addressOf returns the address of an original, where a server has one */
  constructor(
    readonly send: Send,
    readonly addressOf?: (generationId: string) => string,
  ) {
    this.wantedThumbnails = new Wanted((generationIds) => this.#askThumbnails(generationIds));
    this.references = new ReferencePictures(send);
    this.wantedCovers = new Wanted((keys) => this.#askCovers(keys));
  }

  /** Keep the pictures that came with a snapshot. */
  takeSnapshot({ topics, feed, thumbnails }: Snapshot, buffers: readonly DataView[]): void {
    // The pictures of a saved notebook are small, like previews. A thumbnail of the kernel replaces them.
    for (const [id, text] of Object.entries(thumbnails ?? {})) {
      const bytes = bytesOf(text);
      if (bytes) this.previews.put(id, bytes, WEBP);
    }
    for (const topic of topics) this.takeTopic(topic, buffers);
    for (const batch of feed?.batches ?? []) {
      for (const generation of batch.generations) this.takeGeneration(generation, buffers);
    }
  }

  /** Keep the pictures that came with events. */
  takeEvents(events: readonly KernelEvent[], buffers: readonly DataView[]): void {
    for (const event of events) {
      if (event.type === "generation_changed") this.takeGeneration(event.generation, buffers);
      else if (event.type === "topic_changed") this.takeTopic(event.topic, buffers);
      else if (event.type === "batch_added") {
        for (const generation of event.batch.generations) this.takeGeneration(generation, buffers);
      } else if (event.type === "generation_progress") {
        const bytes = event.previewBuffer === null ? undefined : buffers[event.previewBuffer];
        // The provider chooses the format of a preview; browsers recognise it by the bytes.
        if (bytes) this.previews.put(event.generationId, bytes, "");
      } else if (event.type === "generation_removed") {
        this.thumbnails.delete(event.generationId);
        this.previews.delete(event.generationId);
      }
    }
  }

  takeGeneration(generation: GenerationState, buffers: readonly DataView[]): void {
    const { id, thumbnailBuffer, status } = generation;
    const bytes = thumbnailBuffer === null ? undefined : buffers[thumbnailBuffer];
    if (bytes) this.thumbnails.put(id, bytes, WEBP);
    // A retry starts without a preview.
    if (status === "pending") this.previews.delete(id);
    if (bytes || status === "pending") this.hidden.delete(id);
  }

  takeTopic(topic: TopicState, buffers: readonly DataView[]): void {
    const bytes = topic.coverBuffer === null ? undefined : buffers[topic.coverBuffer];
    const key = coverKey(topic);
    if (bytes && key) this.covers.put(key, bytes, WEBP);
  }

  /** Ask again for the pictures on screen that could not be loaded. */
  askAgain(): void {
    for (const wanted of [this.wantedThumbnails, this.wantedCovers, this.references.wanted]) wanted.again();
  }

  close(): void {
    this.wantedThumbnails.close();
    this.wantedCovers.close();
    this.references.close();
    for (const urls of [this.thumbnails, this.covers, this.previews, this.originals, this.views])
      urls.clear();
  }

  async #askThumbnails(ids: string[]): Promise<void> {
    const generationIds = ids.filter((id) => this.thumbnails.get(id) === undefined);
    if (generationIds.length === 0) return;
    const { result, buffers } = await this.send({ method: "thumbnails", generationIds });
    if (result.type !== "thumbnails") return;
    for (const { generationId, buffer, reason } of result.items) {
      const bytes = buffer === null ? undefined : buffers[buffer];
      if (reason) this.hidden.set(generationId, reason);
      else this.hidden.delete(generationId);
      if (bytes) this.thumbnails.put(generationId, bytes, WEBP);
      // The tile draws itself again, and reads the reason.
      else this.thumbnails.delete(generationId);
    }
  }

  async #askCovers(keys: string[]): Promise<void> {
    const byTopic = new Map(keys.map((key) => [topicOf(key), key]));
    const { result, buffers } = await this.send({ method: "covers", topicIds: [...byTopic.keys()] });
    if (result.type !== "covers") return;
    for (const { topicId, buffer } of result.items) {
      const key = byTopic.get(topicId);
      const bytes = buffer === null ? undefined : buffers[buffer];
      if (bytes && key) this.covers.put(key, bytes, WEBP);
    }
  }
}

/** Return bytes from base64; undefined if the text is cut off. */
function bytesOf(text: string): DataView | undefined {
  try {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new DataView(bytes.buffer);
  } catch {
    return undefined;
  }
}

/** Return the key of a topic's cover: it changes when the cover does. */
export function coverKey(topic: TopicState): string | null {
  return topic.coverVersion === null ? null : `${topic.id} ${topic.coverVersion}`;
}

function topicOf(key: string): string {
  return key.slice(0, key.indexOf(" "));
}
