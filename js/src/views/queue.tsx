// The chip in the composer with the number of batches that run and wait. It opens their list.
import { useRef, useState } from "preact/hooks";
import { isLost } from "../lib/connection";
import { focusOn } from "../lib/focus";
import { t } from "../messages";
import type { BatchState } from "../protocol.gen";
import { waits } from "../slices/queue";
import { useStore } from "./context";
import { PartPopover } from "./part";
import { tipped } from "./parts";

const NOTHING: readonly BatchState[] = [];

export function QueueChip() {
  const queue = useStore((state) => (isLost(state) ? NOTHING : state.queue));
  const [open, setOpen] = useState(false);
  const chip = useRef<HTMLButtonElement>(null);
  const waiting = queue.filter(waits).length;
  const running = queue.length - waiting;
  if (queue.length === 0 && !open) return null;
  const words = [running > 0 && t.queue.running(running), waiting > 0 && t.queue.waiting(waiting)]
    .filter(Boolean)
    .join(" · ");
  const leave = (refocus: boolean): void => {
    setOpen(false);
    if (!refocus) return;
    // When nothing runs any more, the chip and its list disappear.
    if (queue.length > 0) focusOn(chip.current);
    else focusOn(chip.current?.form?.querySelector("textarea"));
  };
  return (
    <>
      <button
        ref={chip}
        type="button"
        class="ip-queue-chip"
        {...tipped(t.queue.show)}
        aria-label={words || t.queue.empty}
        aria-haspopup="dialog"
        aria-expanded={open}
        data-testid="queue"
        onClick={() => setOpen(!open)}
      >
        <span class="ip-queue-dot" data-still={running === 0} />
        <span class="ip-queue-words" data-count={queue.length}>
          {words || t.queue.empty}
        </span>
      </button>
      {open && chip.current && (
        <PartPopover
          name="tools"
          anchor={chip.current}
          label={t.queue.title}
          class="ip-menu ip-queue"
          onClose={leave}
        >
          {({ QueueList }) =>
            chip.current && <QueueList queue={queue} anchor={chip.current} onClose={leave} />
          }
        </PartPopover>
      )}
    </>
  );
}
