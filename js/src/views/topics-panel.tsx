// The right panel: the topics, newest use first.
import { useRef, useState } from "preact/hooks";
import { ago } from "../lib/words";
import { coverKey } from "../media";
import type { TopicState } from "../protocol.gen";
import { runsIn } from "../slices/batches";
import { useActions, useBlobUrl, useMinute, useOnScreen, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { IconButton } from "./parts";

export function TopicsPanel({ onChosen }: { onChosen(): void }) {
  const topics = useStore((state) => state.topics);
  const activeId = useStore((state) => state.activeTopicId);
  const shown = useStore((state) => state.shown);
  const now = useMinute();
  const actions = useActions();
  const choose = (id: string | null): void => {
    void actions.selectTopic(id);
    onChosen();
  };
  return (
    <div class="ip-panel-body">
      <button
        type="button"
        class="ip-button ip-new-topic"
        data-testid="new-topic"
        aria-current={activeId === null && shown ? "true" : undefined}
        onClick={() => choose(null)}
      >
        <Icon name="new" /> New topic
      </button>
      <ul class="ip-topics" aria-label="Topics">
        {topics.map((topic) => (
          <Topic key={topic.id} topic={topic} active={topic.id === activeId} now={now} choose={choose} />
        ))}
      </ul>
      {shown && topics.length === 0 && <p class="ip-help">Your topics will be listed here.</p>}
    </div>
  );
}

interface TopicProps {
  topic: TopicState;
  active: boolean;
  now: number;
  choose(id: string): void;
}

function Topic({ topic, active, now, choose }: TopicProps) {
  const element = useRef<HTMLLIElement>(null);
  const onScreen = useOnScreen(element);
  const { media } = usePage();
  const actions = useActions();
  const cover = useBlobUrl(media.covers, coverKey(topic), onScreen, media.wantedCovers);
  const running = useStore((state) => runsIn(state, topic.id));
  const [asking, setAsking] = useState(false);
  return (
    <li
      ref={element}
      class="ip-topic"
      data-testid="topic"
      data-topic-id={topic.id}
      aria-current={active ? "true" : undefined}
      onMouseLeave={() => setAsking(false)}
    >
      <button type="button" class="ip-topic-open" onClick={() => choose(topic.id)} title={topic.title}>
        <span class="ip-cover">
          {cover ? <img src={cover} alt="" decoding="async" draggable={false} /> : <Icon name="images" />}
          {running && <span class="ip-dot" title="Something is running" />}
        </span>
        <span class="ip-topic-words">
          <span class="ip-topic-title">{topic.title || "Untitled"}</span>
          <span class="ip-topic-time">{running ? "running" : ago(topic.updatedAt, now)}</span>
        </span>
      </button>
      {asking ? (
        <span class="ip-topic-confirm">
          <span>Delete all?</span>
          <IconButton
            icon="check"
            label="Delete the topic and every image in it"
            tone="danger"
            testid="confirm-delete-topic"
            onClick={() => void actions.deleteTopic(topic.id)}
          />
          <IconButton icon="close" label="Keep the topic" onClick={() => setAsking(false)} />
        </span>
      ) : (
        <span class="ip-topic-delete">
          <IconButton
            icon="delete"
            label="Delete this topic"
            tone="danger"
            testid="delete-topic"
            onClick={() => setAsking(true)}
          />
        </span>
      )}
    </li>
  );
}
