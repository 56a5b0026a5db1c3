// The references that a batch was made with, as small pictures in its header.
import { useRef, useState } from "preact/hooks";
import { kindText } from "../lib/references";
import { t } from "../messages";
import type { ReferenceState } from "../protocol.gen";
import { useOnScreen, useStore } from "./context";
import { PartDialog } from "./part";
import { useThumbnail } from "./references-picture";

/** A row of thumbnails. Each one opens a large picture, which can be used as a reference again. */
export function ReferenceThumbs({ references }: { references: readonly ReferenceState[] }) {
  const list = useRef<HTMLUListElement>(null);
  const onScreen = useOnScreen(list);
  const usable = useStore((state) => state.usable);
  const [shown, setShown] = useState<ReferenceState | null>(null);
  if (references.length === 0) return null;
  return (
    <>
      <ul
        ref={list}
        class="ip-reference-thumbs"
        aria-label={t.references.used(references.length)}
        inert={!usable}
      >
        {references.map((reference, index) => (
          <li key={reference.digest}>
            <button
              type="button"
              class="ip-reference-thumb"
              data-testid="batch-reference"
              aria-label={t.references.open(kindText(reference.mediaType), index + 1, references.length)}
              onClick={() => setShown(reference)}
            >
              <Small reference={reference} onScreen={onScreen} />
            </button>
          </li>
        ))}
      </ul>
      {shown && (
        <PartDialog name="large" label={t.references.title} onClose={() => setShown(null)}>
          {({ UsedReference }) => <UsedReference reference={shown} onClose={() => setShown(null)} />}
        </PartDialog>
      )}
    </>
  );
}

function Small({ reference, onScreen }: { reference: ReferenceState; onScreen: boolean }) {
  const url = useThumbnail({ source: { kind: "kernel" }, reference }, onScreen);
  return url ? <img src={url} alt="" decoding="async" draggable={false} /> : <span class="ip-skeleton" />;
}
