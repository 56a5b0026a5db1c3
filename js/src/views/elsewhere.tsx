// The topic of a batch that a search through all topics found, as a button that goes there.
import { t } from "../messages/tools";
import { isFiltering } from "../slices/filter";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";

export function Elsewhere({ topicId }: { topicId: string }) {
  const title = useStore((state) =>
    state.filter.everywhere && isFiltering(state) && topicId !== state.activeTopicId
      ? state.topics.find(({ id }) => id === topicId)?.title
      : undefined,
  );
  const actions = useActions();
  if (title === undefined) return null;
  return (
    <button
      type="button"
      class="ip-elsewhere"
      data-tip={t.batch.toTopic(title || t.topics.untitled)}
      data-testid="batch-topic"
      onClick={() => void actions.selectTopic(topicId)}
    >
      <Icon name="images" size={12} />
      <span>{title || t.topics.untitled}</span>
    </button>
  );
}
