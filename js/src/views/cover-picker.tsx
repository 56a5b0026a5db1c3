// The dialog that chooses the cover of a topic among its finished images.
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../messages/tools";
import type { TopicState } from "../protocol.gen";
import { chooseCover, type FinishedImage, finishedImages } from "../slices/covers";
import { useBlobUrl, useOnScreen, usePage } from "./context";
import { Icon } from "./icon";
import { useModal } from "./modal";
import { IconButton } from "./parts";

interface CoverPickerProps {
  topic: TopicState;
  onClose(): void;
}

export function CoverPicker({ topic, onClose }: CoverPickerProps) {
  const dialog = useModal();
  const own = usePage();
  const [images, setImages] = useState<FinishedImage[]>([]);
  const [before, setBefore] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  const title = t.topics.coverTitle(topic.title || t.topics.untitled);
  const load = async (cursor: string | null): Promise<void> => {
    setLoading(true);
    const page = await finishedImages(own, topic.id, cursor);
    setImages((known) => [...known, ...page.images]);
    setBefore(page.before);
    setLoading(false);
  };
  useEffect(() => void load(null), [topic.id]);
  return (
    <dialog
      ref={dialog}
      class="ip-dialog ip-covers"
      aria-label={title}
      data-testid="cover-picker"
      onClose={onClose}
      // By keyboard, Escape does the same.
      onPointerDown={(event) => {
        if (event.target === event.currentTarget) dialog.current?.close();
      }}
    >
      <header class="ip-dialog-head">
        <h2>{title}</h2>
        <IconButton icon="close" label={t.common.close} onClick={() => dialog.current?.close()} />
      </header>
      <p class="ip-help ip-covers-help">
        {loading || images.length > 0 ? t.topics.coverHelp : t.topics.coverNone}
      </p>
      <ul class="ip-covers-grid">
        {images.map((image) => (
          <li key={image.id}>
            <Choice
              image={image}
              onChoose={() => {
                void chooseCover(own, topic.id, image.id);
                dialog.current?.close();
              }}
            />
          </li>
        ))}
      </ul>
      {loading && (
        <p class="ip-more" role="status">
          <Icon name="spinner" /> {t.common.loading}
        </p>
      )}
      {!loading && before !== null && (
        <button
          type="button"
          class="ip-button ip-covers-more"
          data-testid="more-covers"
          onClick={() => void load(before)}
        >
          {t.topics.coverMore}
        </button>
      )}
    </dialog>
  );
}

function Choice({ image, onChoose }: { image: FinishedImage; onChoose(): void }) {
  const element = useRef<HTMLButtonElement>(null);
  const { media } = usePage();
  const url = useBlobUrl(media.thumbnails, image.id, useOnScreen(element), media.wantedThumbnails);
  return (
    <button
      ref={element}
      type="button"
      class="ip-covers-choice"
      title={image.prompt}
      aria-label={t.topics.coverImage(image.prompt)}
      data-testid="cover-choice"
      onClick={onChoose}
    >
      {url && <img src={url} alt="" decoding="async" draggable={false} />}
    </button>
  );
}
