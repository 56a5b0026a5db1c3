// The dialog that moves a batch to another topic, or to a new one.
import { useState } from "preact/hooks";
import { AT_A_GLANCE } from "../lib/topics";
import { t } from "../messages/tools";
import type { BatchState } from "../protocol.gen";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { useModal } from "./modal";
import { IconButton } from "./parts";
import { noMatch, RestOfTopics, TopicSearch, useTopics } from "./topic-search";

interface MoveDialogProps {
  batch: BatchState;
  /** The batches that move with it, itself among them. Without them it moves alone. */
  ids?: readonly string[];
  onClose(): void;
}

export function MoveDialog({ batch, ids = [batch.id], onClose }: MoveDialogProps) {
  const dialog = useModal();
  const many = useStore((state) => state.topics.length > AT_A_GLANCE + 1);
  const actions = useActions();
  const [words, setWords] = useState("");
  const search = useTopics(many ? words : "");
  const found = search.topics.filter((topic) => topic.id !== batch.topicId);
  const move = (topicId: string | null): void => {
    dialog.current?.close();
    void actions.moveBatches(ids, topicId);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same by keyboard
    <dialog
      ref={dialog}
      class="ip-move"
      aria-label={t.batch.moveTitle}
      data-testid="move-dialog"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) dialog.current?.close();
      }}
    >
      <header class="ip-move-head">
        <h3>{t.batch.moveTitle}</h3>
        <IconButton icon="close" label={t.common.close} onClick={() => dialog.current?.close()} />
      </header>
      {many && (
        <TopicSearch
          words={words}
          testid="move-search"
          autoFocus
          onWords={setWords}
          onEnter={() => words.trim() && found[0] && move(found[0].id)}
        />
      )}
      <ul class="ip-move-list">
        <li>
          <button type="button" class="ip-menu-item" data-testid="move-new" onClick={() => move(null)}>
            <Icon name="new" />
            <span>{t.batch.newTopic}</span>
          </button>
        </li>
        {found.map((topic) => (
          <li key={topic.id}>
            <button type="button" class="ip-menu-item" onClick={() => move(topic.id)}>
              <Icon name="images" />
              <span>{topic.title || t.topics.untitled}</span>
            </button>
          </li>
        ))}
        {search.rest !== "none" && <RestOfTopics shown={search} within=".ip-move-list" />}
      </ul>
      {found.length === 0 && words.trim() && search.rest !== "searching" && (
        <p class="ip-topics-none">{noMatch(search, words)}</p>
      )}
    </dialog>
  );
}
