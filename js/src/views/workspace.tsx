// The centre: the composer, and the feed of the topic or the "new topic" screen.
import { shownFeed } from "../slices/batches";
import { isGalleryOffered } from "../store";
import { Composer } from "./composer";
import { useStore } from "./context";
import { TopicFeed } from "./feed";
import { FilterBar } from "./filter-bar";
import type { LightboxTarget } from "./lightbox";
import { NewTopic } from "./new-topic";
import { PartHere, usePart } from "./part";
import { Selection } from "./selection";

interface WorkspaceProps {
  /** The image that was just shown large: the feed scrolls there. */
  left: LightboxTarget | null;
  onOpen(target: LightboxTarget): void;
}

export function Workspace({ left, onOpen }: WorkspaceProps) {
  const feedKey = useStore(shownFeed);
  const gallery = useStore((state) => state.config.panels.gallery && isGalleryOffered(state));
  return (
    <>
      <Composer />
      <FilterBar />
      {gallery ? (
        <PartHere name="gallery" class="ip-nothing">
          {({ GalleryView }) => <GalleryView left={left} onOpen={onOpen} />}
        </PartHere>
      ) : feedKey === null ? (
        <NewTopic />
      ) : (
        <TopicFeed key={feedKey} feedKey={feedKey} left={left} onOpen={onOpen} />
      )}
      <Selection />
      <Later />
    </>
  );
}

/** What the workspace listens for besides. Its code is in a part that loads later. */
function Later() {
  const { module } = usePart("tools");
  return module ? <module.WorkspaceParts /> : null;
}
