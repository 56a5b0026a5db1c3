// The picture of a reference: from the file as long as the page has it, else from the kernel.
import { useEffect, useState } from "preact/hooks";
import { urlOf } from "../lib/blob-urls";
import type { HeldReference } from "../slices/references";
import { useBlobUrl, usePage } from "./context";

export type Pictured = Pick<HeldReference, "source" | "reference">;

/** Return the small picture of a reference, once it is known. */
export function useThumbnail({ source, reference }: Pictured, onScreen = true): string | undefined {
  const { media } = usePage();
  const local = useLocalUrl(source.kind === "file" ? source.blob : null);
  const result = useBlobUrl(media.thumbnails, source.kind === "generation" ? source.id : null, onScreen);
  const digest = local || result ? null : (reference?.digest ?? null);
  const held = useBlobUrl(media.references.thumbnails, digest, onScreen, media.references.wanted);
  return local ?? result ?? held;
}

/** Return the address of a file that the page has, once the browser made one. */
export function useLocalUrl(blob: Blob | null): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!blob) return undefined;
    let current = true;
    // A file that cannot be read has no picture; its upload tells why.
    const made = urlOf(blob).catch(() => undefined);
    void made.then((url) => current && setUrl(url));
    return () => {
      current = false;
      setUrl(undefined);
      void made.then((url) => url && URL.revokeObjectURL(url));
    };
  }, [blob]);
  return url;
}
