// The field in which a topic gets another title.
import { useLayoutEffect, useRef } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { isComposing } from "../lib/keyboard";
import { t } from "../messages/tools";

export interface RenameProps {
  title: string;
  onSave(title: string): void;
  /** `refocus`: the user left the field by key, and the focus goes back to the row. */
  onLeave(refocus: boolean): void;
}

/** The field in place of a title. */
export function Rename({ title, onSave, onLeave }: RenameProps) {
  const input = useRef<HTMLInputElement>(null);
  const ended = useRef(false);
  useLayoutEffect(() => {
    focusOn(input.current);
    input.current?.select();
  }, []);
  const end = (save: boolean, refocus: boolean): void => {
    if (ended.current) return;
    ended.current = true;
    if (save) onSave(input.current?.value ?? "");
    onLeave(refocus);
  };
  return (
    <input
      ref={input}
      class="ip-input ip-topic-name"
      aria-label={t.topics.newTitle}
      defaultValue={title}
      maxLength={200}
      data-testid="topic-title"
      onBlur={() => end(true, false)}
      onKeyDown={(event) => {
        if (isComposing(event)) return;
        if (event.key === "Enter") end(true, true);
        else if (event.key === "Escape") end(false, true);
        else return;
        event.preventDefault();
      }}
    />
  );
}
