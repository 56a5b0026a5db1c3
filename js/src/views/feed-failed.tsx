// The place of images that could not be loaded. The code that asked for them announces the failure.
import { errorText } from "../lib/answer";
import { t } from "../messages";
import type { ErrorState } from "../protocol.gen";
import { Icon } from "./icon";

export function FeedFailed({ error, onRetry }: { error: ErrorState; onRetry(): void }) {
  return (
    <div class="ip-more ip-more-failed" data-testid="feed-failed">
      <Icon name="alert" size={20} />
      <p>{t.feed.failed(errorText(error))}</p>
      <button type="button" class="ip-button" data-testid="feed-retry" onClick={onRetry}>
        <Icon name="retry" /> {t.common.retry}
      </button>
    </div>
  );
}
