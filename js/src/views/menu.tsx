// A button that opens a list of actions above everything else, also in a dialog and in the full window.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { onLeave, place } from "../lib/place";
import { Icon, type IconName } from "./icon";

export interface MenuItem {
  icon?: IconName;
  text: string;
  testid?: string;
  danger?: boolean;
  disabled?: boolean;
  /** A line is drawn above the item: another group begins. */
  apart?: boolean;
  onChoose(): void;
}

interface MenuProps {
  icon: IconName;
  /** The name of the button, and of the list. */
  label: string;
  /** The tip of the button, if it is more than the name. */
  tip?: string | undefined;
  /** Shown beside the icon. */
  text?: string;
  items: readonly MenuItem[];
  testid?: string;
  disabled?: boolean;
  /** The chosen action is running. */
  busy?: boolean;
}

export function Menu({ icon, label, tip, text, items, testid, disabled, busy }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState<"first" | "last" | null>(null);
  const close = (): void => {
    setOpen(null);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={text ? "ip-button" : "ip-button ip-button-icon"}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open !== null}
        aria-busy={busy}
        title={tip ?? label}
        disabled={disabled}
        data-testid={testid}
        onClick={(event) => {
          event.stopPropagation();
          setOpen(open ? null : "first");
        }}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          event.stopPropagation();
          setOpen(event.key === "ArrowDown" ? "first" : "last");
        }}
      >
        <Icon name={icon} />
        {text}
      </button>
      {open && button.current && (
        <MenuList
          label={label}
          items={items}
          start={open}
          anchor={button.current}
          onClose={close}
          onLeave={() => setOpen(null)}
        />
      )}
    </>
  );
}

interface MenuListProps {
  label: string;
  items: readonly MenuItem[];
  start: "first" | "last";
  anchor: HTMLElement;
  /** The user left by a choice or by key: the focus goes back. */
  onClose(): void;
  /** The user pressed elsewhere: the focus goes there. */
  onLeave(): void;
}

function MenuList({ label, items, start, anchor, onClose, onLeave: leave }: MenuListProps) {
  const list = useRef<HTMLDivElement>(null);
  const entries = (): HTMLElement[] => [
    ...(list.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? []),
  ];
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    element.showPopover?.();
    place(element, anchor, "end");
    entries()
      .at(start === "first" ? 0 : -1)
      ?.focus();
  }, []);
  useEffect(() => (list.current ? onLeave(list.current, anchor, leave) : undefined), []);

  const onKeyDown = (event: KeyboardEvent): void => {
    const all = entries();
    const at = all.indexOf(event.target as HTMLElement);
    const next = keyTarget(event, at, all);
    if (next) next.focus();
    else if (event.key === "Escape" || event.key === "Tab") onClose();
    else return;
    // Tab then goes on from the button.
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={list}
      class="ip-menu"
      role="menu"
      tabIndex={-1}
      aria-label={label}
      popover="manual"
      data-testid="menu"
      onKeyDown={onKeyDown}
      onClick={(event) => event.stopPropagation()}
      onFocusOut={(event) => {
        const { relatedTarget } = event;
        if (
          relatedTarget instanceof Node &&
          !list.current?.contains(relatedTarget) &&
          relatedTarget !== anchor
        )
          leave();
      }}
    >
      {items.map(({ icon, text, testid, danger, disabled, apart, onChoose }) => (
        <button
          key={text}
          type="button"
          class="ip-menu-item"
          role="menuitem"
          tabIndex={-1}
          aria-disabled={disabled}
          data-tone={danger ? "danger" : undefined}
          data-apart={apart}
          data-testid={testid}
          onPointerMove={(event) => event.currentTarget.focus({ preventScroll: true })}
          onClick={() => {
            if (disabled) return;
            onClose();
            onChoose();
          }}
        >
          {icon ? <Icon name={icon} /> : <span class="ip-menu-gap" />}
          <span>{text}</span>
        </button>
      ))}
    </div>
  );
}

/** Return the entry that a key leads to: by arrow, to an end, or by the first letter. */
function keyTarget(event: KeyboardEvent, at: number, all: readonly HTMLElement[]): HTMLElement | undefined {
  if (event.key === "ArrowDown") return all[(at + 1) % all.length];
  if (event.key === "ArrowUp") return all.at(at < 1 ? -1 : at - 1);
  if (event.key === "Home") return all[0];
  if (event.key === "End") return all.at(-1);
  if (event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey) return undefined;
  const letter = event.key.toLowerCase();
  const round = [...all.slice(at + 1), ...all.slice(0, at + 1)];
  return round.find((entry) => entry.textContent?.trim().toLowerCase().startsWith(letter));
}
