// The place of a batch whose content was dropped to save memory: it asks for the batch again.
import { useEffect } from "preact/hooks";
import { t } from "../messages/tools";
import { useActions, useStore } from "./context";
import { FeedFailed } from "./feed-failed";

export function DroppedBatch({ feedKey, id }: { feedKey: string; id: string }) {
  const live = useStore((state) => state.live);
  const loading = useStore((state) => state.feeds[feedKey]?.loading ?? false);
  const failed = useStore((state) => state.feeds[feedKey]?.failed ?? null);
  const actions = useActions();
  useEffect(() => {
    if (live && !loading && !failed) void actions.loadFrom(feedKey, id);
  }, [live, loading, failed, feedKey, id, actions]);
  if (failed)
    return (
      <div class="ip-dropped">
        <FeedFailed error={failed} onRetry={() => actions.retryFeed(feedKey)} />
      </div>
    );
  return <div class="ip-dropped ip-skeleton" role="status" aria-label={t.feed.dropped} />;
}
