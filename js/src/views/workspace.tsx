// The centre: the composer, and the feed of the topic or the "new topic" screen.
import { Composer } from "./composer";
import { useStore } from "./context";
import { TopicFeed } from "./feed";
import type { LightboxTarget } from "./lightbox";
import { NewTopic } from "./new-topic";
import { ReferenceDrop } from "./references-drop";

export function Workspace({ onOpen }: { onOpen(target: LightboxTarget): void }) {
  const topicId = useStore((state) => state.activeTopicId);
  return (
    <>
      <Composer />
      {topicId === null ? <NewTopic /> : <TopicFeed key={topicId} topicId={topicId} onOpen={onOpen} />}
      <ReferenceDrop />
    </>
  );
}
