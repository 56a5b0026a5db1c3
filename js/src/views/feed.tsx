// The feed of a topic: its batches, newest first, and older ones on the way down.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { BatchCard } from "./batch-card";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import type { LightboxTarget } from "./lightbox";

interface TopicFeedProps {
  topicId: string;
  onOpen(target: LightboxTarget): void;
}

export function TopicFeed({ topicId, onOpen }: TopicFeedProps) {
  const feed = useStore((state) => state.feeds[topicId]);
  const actions = useActions();
  const live = useStore((state) => state.live);
  const made = useStore((state) => state.madeBatchId);
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (made) list.current?.scrollTo({ top: 0 });
  }, [made]);
  const missing = !feed?.loaded;
  useEffect(() => {
    if (missing && live) void actions.loadFeed(topicId);
  }, [missing, live, topicId, actions]);
  const batches = useStore((state) => state.batches);
  const ids = feed?.ids ?? [];
  return (
    <div ref={list} class="ip-feed">
      {ids.length === 0 && feed?.loaded && (
        <p class="ip-feed-empty">This topic is empty. What you generate now comes here.</p>
      )}
      <ul class="ip-batches" aria-label="Batches">
        {ids.map((id) => batches[id] && <BatchCard key={id} batch={batches[id]} onOpen={onOpen} />)}
      </ul>
      {feed?.before && <More key={feed.before} topicId={topicId} />}
    </div>
  );
}

/** The end of what is loaded: coming near it loads the next page. */
function More({ topicId }: { topicId: string }) {
  const mark = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  const live = useStore((state) => state.live);
  const actions = useActions();
  useEffect(() => {
    if (!mark.current) return undefined;
    const observer = new IntersectionObserver(([entry]) => setNear(entry?.isIntersecting ?? false), {
      rootMargin: "600px",
    });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (near && live) void actions.loadMore(topicId);
  }, [near, live, topicId, actions]);
  return (
    <div ref={mark} class="ip-more" role="status">
      <Icon name="spinner" /> Loading older pictures…
    </div>
  );
}
