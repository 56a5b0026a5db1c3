// Where a batch shall go: another topic, or a new one.
import { useEffect, useRef } from "preact/hooks";
import { t } from "../messages";
import type { BatchState } from "../protocol.gen";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { IconButton } from "./parts";

export function MoveDialog({ batch, onClose }: { batch: BatchState; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const topics = useStore((state) => state.topics);
  const actions = useActions();
  useEffect(() => dialog.current?.showModal(), []);
  const move = (topicId: string | null): void => {
    dialog.current?.close();
    void actions.moveBatches([batch.id], topicId);
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
      <ul class="ip-move-list">
        <li>
          <button type="button" class="ip-menu-item" data-testid="move-new" onClick={() => move(null)}>
            <Icon name="new" />
            <span>{t.batch.newTopic}</span>
          </button>
        </li>
        {topics
          .filter((topic) => topic.id !== batch.topicId)
          .map((topic) => (
            <li key={topic.id}>
              <button type="button" class="ip-menu-item" onClick={() => move(topic.id)}>
                <Icon name="images" />
                <span>{topic.title || t.topics.untitled}</span>
              </button>
            </li>
          ))}
      </ul>
    </dialog>
  );
}
