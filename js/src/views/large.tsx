// The large view of the core: the picture that the page has already, until the part with everything else is loaded.
import { useLayoutEffect, useRef } from "preact/hooks";
import { focusedElement } from "../lib/keyboard";
import type { Place } from "../lib/neighbours";
import { sizeText } from "../lib/words";
import { wordsOf } from "../lib/words-of";
import { t } from "../messages";
import { batchOf } from "../slices/batches";
import { useBlobUrl, usePage, useStore } from "./context";
import { usePart, Waiting, WaitingDialog } from "./part";
import { IconButton } from "./parts";

interface LargeProps {
  target: Place;
  onMove(target: Place): void;
  onClose(): void;
}

const OWN_KEYS = new Set(["Enter", " ", "Tab", "Escape"]);

export function Large(props: LargeProps) {
  const opening = usePart("large");
  const { target, onClose } = props;
  const { media } = usePage();
  const batch = useStore((state) => batchOf(state, target.batchId));
  const thumbnail = useBlobUrl(media.thumbnails, target.generationId, true, media.wantedThumbnails);
  // A saved notebook has only the very small picture.
  const preview = useBlobUrl(media.previews, target.generationId, true);
  const url = thumbnail ?? preview;
  const pressed = useRef<KeyboardEvent[]>([]);
  useLayoutEffect(() => {
    if (opening.module) void pressAgain(pressed.current.splice(0));
  }, [opening.module]);
  const waited = useRef(!opening.module);
  if (opening.module) return <opening.module.Lightbox {...props} waited={waited.current} />;
  const generation = batch?.generations.find(({ id }) => id === target.generationId);
  const prompt = batch ? wordsOf(batch) : "";
  return (
    <WaitingDialog
      class="ip-lightbox"
      label={t.tile.open((generation?.position ?? 0) + 1, prompt)}
      onClose={onClose}
      onKeyDown={(event) => {
        // These keys are for the buttons that are here already.
        if (!OWN_KEYS.has(event.key)) pressed.current.push(event);
      }}
    >
      {(close) => (
        <>
          <header class="ip-lightbox-bar">
            <Waiting opening={opening} />
            <IconButton icon="close" label={t.common.close} onClick={close} />
          </header>
          <div class="ip-lightbox-stage">
            {url ? (
              <img src={url} alt={prompt} data-testid="large-still" />
            ) : (
              <span class="ip-lightbox-waits ip-shimmer" />
            )}
          </div>
          <footer class="ip-lightbox-foot">
            <div>
              <p class="ip-lightbox-prompt">{prompt}</p>
              <p class="ip-meta">
                <span>{batch?.modelTitle}</span>
                <span>{sizeText(generation?.width ?? null, generation?.height ?? null)}</span>
              </p>
            </div>
          </footer>
        </>
      )}
    </WaitingDialog>
  );
}

/** Press keys again that were pressed too early, each one after the page was drawn with the one before. */
async function pressAgain(events: readonly KeyboardEvent[]): Promise<void> {
  for (const event of events) {
    focusedElement()?.dispatchEvent(new KeyboardEvent("keydown", event));
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}
