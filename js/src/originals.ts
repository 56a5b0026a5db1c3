// The originals of images, and their pictures for the large view. The page holds them (`Media`), and parts ask for them.
import type { Media } from "./media";

export interface Original {
  url: string;
  fileName: string;
}

/** Return the original of an image, if the page has it. */
export function heldOriginal({ originals, fileNames }: Media, generationId: string): Original | undefined {
  const url = originals.get(generationId);
  const fileName = fileNames.get(generationId);
  return url && fileName ? { url, fileName } : undefined;
}

/**
 * Return the picture of an image for the large view: the original, or a WebP if browsers do not draw originals of this
 * kind. Rejects with a `RequestError`.
 *
 * @param asWebp whether this browser could not draw the original
 */
export async function viewOf(media: Media, generationId: string, asWebp = false): Promise<string> {
  const { originals, views, coming } = media;
  const known = (asWebp ? undefined : originals.get(generationId)) ?? views.get(generationId);
  if (known) return known;
  const key = `${generationId} ${asWebp}`;
  const asked = coming.get(key) ?? askView(media, generationId, asWebp);
  coming.set(key, asked);
  return asked.finally(() => coming.delete(key));
}

async function askView(media: Media, generationId: string, asWebp: boolean): Promise<string> {
  const { result, buffers } = await media.send({ method: "view", generationId, asWebp });
  const bytes = result.type === "view" ? buffers[result.buffer] : undefined;
  if (result.type !== "view" || !bytes) throw new Error("the answer holds no image");
  if (result.fileName !== null) media.fileNames.set(generationId, result.fileName);
  const urls = result.fileName === null ? media.views : media.originals;
  return urls.keep(generationId, bytes, result.mediaType);
}
