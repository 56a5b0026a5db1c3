// The list of the batches that run and wait, in all topics.
import { useState } from "preact/hooks";
import { spentText } from "../lib/cost";
import { elapsed } from "../lib/words";
import { t } from "../messages/tools";
import type { BatchState } from "../protocol.gen";
import { isRunning, type Progress } from "../slices/batches";
import { stoppable, waits } from "../slices/queue";
import { useActions, useNow, useStore } from "./context";
import { ListPopover } from "./list-popover";
import { canNotify, chooseNotify, notifies } from "./notify";
import { IconButton, tipped } from "./parts";

interface QueueListProps {
  queue: readonly BatchState[];
  anchor: HTMLElement;
  /** `refocus`: the user left the list by key or by one of its buttons, and the focus goes back. */
  onClose(refocus: boolean): void;
}

export function QueueList({ queue, anchor, onClose }: QueueListProps) {
  const now = useNow(true);
  const spent = spentText(useStore((state) => state.spending));
  const actions = useActions();
  const [offered] = useState(canNotify);
  return (
    <ListPopover
      anchor={anchor}
      label={t.queue.title}
      class="ip-menu ip-queue"
      testid="queue-list"
      length={queue.length}
      onClose={onClose}
    >
      <header class="ip-queue-head">
        <h3>{t.queue.title}</h3>
        {queue.filter(stoppable).length > 1 && (
          <button
            type="button"
            class="ip-button"
            data-tone="danger"
            data-testid="queue-cancel-all"
            onClick={() => void actions.cancelAll()}
          >
            {t.queue.cancelAll}
          </button>
        )}
      </header>
      {queue.length === 0 && <p class="ip-help">{t.queue.empty}</p>}
      <ul>
        {queue.map((batch) => (
          <Waiting key={batch.id} batch={batch} now={now} onGo={() => onClose(true)} />
        ))}
      </ul>
      {spent && (
        <p class="ip-queue-spent" data-testid="queue-spent">
          {spent}
        </p>
      )}
      {offered && <NotifyChoice />}
    </ListPopover>
  );
}

/** The choice to be notified. The browser asks the user only after a click on it. */
function NotifyChoice() {
  const [on, setOn] = useState(notifies);
  const [blocked, setBlocked] = useState(false);
  const choose = async (input: HTMLInputElement): Promise<void> => {
    const chosen = await chooseNotify(!on);
    setBlocked(!on && !chosen);
    setOn(chosen);
    input.checked = chosen;
  };
  return (
    <label class="ip-queue-notify">
      <input
        type="checkbox"
        class="ip-switch"
        role="switch"
        checked={on}
        aria-checked={on}
        data-testid="notify"
        onChange={(event) => void choose(event.currentTarget)}
      />
      <span>
        {t.queue.notify}
        <small>{blocked ? t.queue.notifyBlocked : t.queue.notifyHelp}</small>
      </span>
    </label>
  );
}

function Waiting({ batch, now, onGo }: { batch: BatchState; now: number; onGo(): void }) {
  const progress = useStore((state) => state.progress);
  const topic = useStore((state) => state.topics.find(({ id }) => id === batch.topicId)?.title);
  const actions = useActions();
  const { id, prompt, topicId, modelTitle, generations } = batch;
  const done = generations.filter((generation) => !isRunning(generation)).length;
  const positions = generations.flatMap((generation) => progress[generation.id]?.queuePosition ?? []);
  const state = waits(batch)
    ? positions.length > 0
      ? t.queue.position(Math.min(...positions))
      : t.queue.waits
    : elapsed(now - startOf(batch));
  const facts = [
    state,
    generations.length > 1 && !waits(batch) ? t.queue.images(done, generations.length) : "",
    topic || t.topics.untitled,
    modelTitle,
  ];
  const share = shareOf(batch, progress);
  return (
    <li class="ip-queue-row" data-testid="queue-row">
      <button
        type="button"
        class="ip-queue-open"
        {...tipped(t.queue.go)}
        onClick={() => {
          void actions.selectTopic(topicId);
          onGo();
        }}
      >
        <span class="ip-queue-prompt">{prompt}</span>
        <span class="ip-queue-facts">{facts.filter(Boolean).join(" · ")}</span>
        <span class="ip-queue-bar" data-unknown={share === null && !waits(batch)}>
          <span style={{ width: `${(share ?? 0) * 100}%` }} />
        </span>
      </button>
      <IconButton
        icon="stop"
        label={stoppable(batch) ? t.queue.cancel : t.queue.unstoppable}
        tone="danger"
        testid="queue-cancel"
        disabled={!stoppable(batch)}
        onClick={() => void actions.cancel([id])}
      />
    </li>
  );
}

function startOf({ generations, createdAt }: BatchState): number {
  const starts = generations.flatMap(({ startedAt }) => startedAt ?? []);
  return starts.length > 0 ? Math.min(...starts) : createdAt;
}

/** Return the share of a batch that is done, from 0 to 1; null if it is unknown. */
function shareOf({ generations }: BatchState, progress: Readonly<Record<string, Progress>>): number | null {
  const shares = generations.map((generation) =>
    isRunning(generation) ? (progress[generation.id]?.progress ?? null) : 1,
  );
  if (shares.every((share) => share === null)) return null;
  return shares.reduce((sum: number, share) => sum + (share ?? 0), 0) / generations.length;
}
