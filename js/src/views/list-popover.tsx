// A list beside the button that opened it, until the user leaves it: by Escape, a press elsewhere or the focus.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { onLeave, place } from "../lib/place";

interface ListPopoverProps {
  anchor: HTMLElement;
  label: string;
  class: string;
  testid: string;
  align?: "start" | "end";
  /** How many entries the list shows: with them the height changes, and perhaps the place. */
  length: number;
  /** `refocus`: the user left by key, and the focus goes back. */
  onClose(refocus: boolean): void;
  children: ComponentChildren;
}

export function ListPopover(props: ListPopoverProps) {
  const { anchor, label, testid, align, length, onClose, children } = props;
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    list.current?.showPopover?.();
    focusOn(list.current);
  }, []);
  useLayoutEffect(() => {
    if (list.current) place(list.current, anchor, align);
  }, [length, anchor]);
  useEffect(() => (list.current ? onLeave(list.current, anchor, () => onClose(false)) : undefined), [anchor]);
  return (
    <div
      ref={list}
      class={props.class}
      role="dialog"
      tabIndex={-1}
      aria-label={label}
      popover="manual"
      data-testid={testid}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose(true);
      }}
      onFocusOut={({ relatedTarget }) => {
        if (!(relatedTarget instanceof Node) || relatedTarget === anchor) return;
        if (!list.current?.contains(relatedTarget)) onClose(false);
      }}
    >
      {children}
    </div>
  );
}
