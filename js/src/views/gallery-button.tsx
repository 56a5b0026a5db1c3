// The control and the key that show the gallery in the place of the feed.
import { useLayoutEffect, useRef } from "preact/hooks";
import { isShortcut } from "../lib/keyboard";
import { t } from "../messages/tools";
import { isGalleryOffered, type State } from "../store";
import { usePage, useStore } from "./context";
import { IconButton } from "./parts";

/** Show the gallery in the place of the feed, or the feed again. */
function switchGallery(state: State): void {
  if (isGalleryOffered(state)) state.setPanels({ gallery: !state.config.panels.gallery });
}

export function GalleryButton() {
  const { store } = usePage();
  const mark = useRef<HTMLElement>(null);
  const offered = useStore(isGalleryOffered);
  const shown = useStore(({ config }) => config.panels.gallery);
  // "g" does the same from anywhere in the widget but a text field.
  useLayoutEffect(() => {
    const root = mark.current?.closest<HTMLElement>(".imgplay");
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "g" || !isShortcut(event)) return;
      event.preventDefault();
      switchGallery(store.getState());
    };
    root?.addEventListener("keydown", onKey);
    return () => root?.removeEventListener("keydown", onKey);
  }, [store]);
  return (
    <>
      <i ref={mark} hidden />
      {offered && (
        <IconButton
          icon="images"
          label={t.frame.gallery}
          pressed={shown}
          testid="gallery-button"
          onClick={() => switchGallery(store.getState())}
        />
      )}
    </>
  );
}
