// The notices: what was done and can be taken back, or what went wrong.
import { useEffect } from "preact/hooks";
import { t } from "../messages";
import type { Notice } from "../slices/notices";
import { type Actions, useActions, useStore } from "./context";
import { IconButton } from "./parts";

/** Run the action of a notice. */
export function takeBack({ id, action }: Notice, actions: Actions): void {
  actions.dismissNotice(id);
  action?.run();
}

export function Notices() {
  const notices = useStore((state) => state.notices);
  const actions = useActions();
  useEffect(() => () => actions.holdNotices(false), [actions]);
  const hold = (): void => actions.holdNotices(true);
  const release = (): void => actions.holdNotices(false);
  return (
    <div
      class="ip-notices"
      onPointerEnter={hold}
      onPointerLeave={release}
      onFocusIn={hold}
      onFocusOut={release}
    >
      {notices.map((notice) => (
        <p key={notice.id} class="ip-notice" data-level={notice.level}>
          <span>{notice.message}</span>
          {notice.action && (
            <button
              type="button"
              class="ip-button"
              data-testid="notice-action"
              onClick={() => takeBack(notice, actions)}
            >
              {notice.action.label}
            </button>
          )}
          <IconButton
            icon="close"
            label={t.notice.dismiss}
            onClick={() => actions.dismissNotice(notice.id)}
          />
        </p>
      ))}
    </div>
  );
}
