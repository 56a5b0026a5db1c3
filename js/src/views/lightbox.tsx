// One image large: the original, on demand, with the others of its batch beside it.
import { useEffect, useRef, useState } from "preact/hooks";
import { errorState } from "../lib/answer";
import { differenceText, sizeText } from "../lib/words";
import type { ErrorState } from "../protocol.gen";
import { batchOf } from "../slices/batches";
import { useActions, useBlobUrl, usePage, useStore } from "./context";
import { saveOriginal } from "./download";
import { IconButton } from "./parts";

export interface LightboxTarget {
  batchId: string;
  generationId: string;
}

interface LightboxProps {
  target: LightboxTarget;
  onMove(target: LightboxTarget): void;
  onClose(): void;
}

export function Lightbox({ target, onMove, onClose }: LightboxProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const batch = useStore((state) => batchOf(state, target.batchId));
  const { media } = usePage();
  const actions = useActions();
  const finished = batch?.generations.filter((generation) => generation.status === "success") ?? [];
  const index = finished.findIndex((generation) => generation.id === target.generationId);
  const generation = finished[index];
  const { original, error } = useOriginal(target.generationId);
  const thumbnail = useBlobUrl(media.thumbnails, target.generationId, true, media.wantedThumbnails);

  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  // It was deleted from elsewhere.
  useEffect(() => {
    if (!generation) onClose();
  }, [generation, onClose]);
  if (!batch || !generation) return null;

  const move = (by: number): void => {
    const next = finished[index + by];
    if (next) onMove({ batchId: target.batchId, generationId: next.id });
  };
  const facts = [
    batch.modelTitle,
    sizeText(generation.width, generation.height),
    generation.seed === null ? "" : `seed ${generation.seed}`,
    ...generation.differences.map(differenceText),
  ].filter((fact) => fact !== "");
  return (
    <dialog
      ref={dialog}
      class="ip-lightbox"
      data-testid="lightbox"
      aria-label={`Image ${generation.position + 1}`}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) dialog.current?.close();
      }}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") move(-1);
        else if (event.key === "ArrowRight") move(1);
      }}
    >
      <div class="ip-lightbox-stage">
        {(original ?? thumbnail) && (
          <img
            key={generation.id}
            src={original ?? thumbnail}
            alt={batch.prompt}
            width={generation.width ?? undefined}
            height={generation.height ?? undefined}
            data-testid={original ? "lightbox-image" : undefined}
            data-full={original !== undefined}
          />
        )}
        {index > 0 && (
          <div class="ip-lightbox-left">
            <IconButton icon="left" label="Image before" onClick={() => move(-1)} />
          </div>
        )}
        {index < finished.length - 1 && (
          <div class="ip-lightbox-right">
            <IconButton icon="right" label="Next image" onClick={() => move(1)} />
          </div>
        )}
      </div>
      <footer class="ip-lightbox-foot">
        <div class="ip-batch-words">
          <p class="ip-lightbox-prompt">{batch.prompt}</p>
          <p class="ip-meta">
            {error ? (
              <span role="alert">
                {error.message} {error.nextStep}
              </span>
            ) : (
              facts.map((fact) => <span key={fact}>{fact}</span>)
            )}
          </p>
        </div>
        <IconButton
          icon="download"
          label="Download the original"
          testid="lightbox-download"
          onClick={() => void saveOriginal(media, generation.id, actions)}
        />
        <IconButton icon="close" label="Close" onClick={() => dialog.current?.close()} />
      </footer>
    </dialog>
  );
}

function useOriginal(generationId: string): {
  original?: string | undefined;
  error?: ErrorState | undefined;
} {
  const { media } = usePage();
  const [found, setFound] = useState<{ id: string; original?: string; error?: ErrorState }>({ id: "" });
  useEffect(() => {
    let current = true;
    media.original(generationId).then(
      ({ url }) => current && setFound({ id: generationId, original: url }),
      (cause: unknown) => current && setFound({ id: generationId, error: errorState(cause) }),
    );
    return () => {
      current = false;
    };
  }, [media, generationId]);
  return found.id === generationId ? found : {};
}
