// The whole picture of a reference.
import { useEffect, useState } from "preact/hooks";
import { causeText } from "../lib/answer";
import { usePage } from "./context";
import { type Pictured, useLocalUrl } from "./references-picture";

/** Return the whole picture of a reference, or why it cannot be shown. */
export function useWhole({ source, reference }: Pictured): { url?: string; error?: string } {
  const { media } = usePage();
  const local = useLocalUrl(source.kind === "file" ? source.blob : null);
  const digest = local ? null : (reference?.digest ?? null);
  const [found, setFound] = useState<{ url?: string; error?: string }>({});
  useEffect(() => {
    if (!digest) return undefined;
    let current = true;
    media.references.original(digest).then(
      (url) => current && setFound({ url }),
      (cause: unknown) => current && setFound({ error: causeText(cause) }),
    );
    return () => {
      current = false;
    };
  }, [media, digest]);
  return local ? { url: local } : found;
}
