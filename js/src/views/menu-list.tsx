// The list of actions that a button opens.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { onLeave, place } from "../lib/place";
import { t } from "../messages/edit";
import { Icon } from "./icon";
import type { MenuItem } from "./menu";

interface MenuListProps {
  label: string;
  items: readonly MenuItem[];
  start: "first" | "last";
  anchor: HTMLElement;
  /** `refocus`: the user left by a choice or by key, and the focus goes back. */
  onClose(refocus: boolean): void;
}

export function MenuList({ label, items, start, anchor, onClose }: MenuListProps) {
  const list = useRef<HTMLDivElement>(null);
  // The entries that were opened, each with the number of its list's entry: the last one is shown.
  const [path, setPath] = useState<readonly { entry: MenuItem; items: readonly MenuItem[] }[]>([]);
  const open = path.at(-1);
  const back: MenuItem = {
    icon: "earlier",
    text: open?.entry.text ?? "",
    testid: "menu-back",
    more: () => [],
  };
  const shown = open ? [back, ...open.items] : items;
  const moved = useRef(false);
  const enter = (entry: MenuItem): void => {
    moved.current = true;
    setPath((before) =>
      entry === back ? before.slice(0, -1) : [...before, { entry, items: entry.more?.() ?? [] }],
    );
  };
  const leave = (): void => {
    moved.current = true;
    setPath((before) => before.slice(0, -1));
  };
  const entries = (): HTMLElement[] => [
    ...(list.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? []),
  ];
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    element.showPopover?.();
    place(element, anchor, "end");
    focusOn(entries().at(start === "first" ? 0 : -1));
  }, []);
  useLayoutEffect(() => {
    if (!moved.current || !list.current) return;
    place(list.current, anchor, "end");
    // The first entry of a list that was opened is the way back.
    focusOn(entries().at(open ? 1 : 0));
  }, [path]);
  useEffect(() => (list.current ? onLeave(list.current, anchor, () => onClose(false)) : undefined), []);

  const onKeyDown = (event: KeyboardEvent): void => {
    const all = entries();
    const at = all.indexOf(event.target as HTMLElement);
    const next = keyTarget(event, at, all);
    const entry = shown[at];
    if (next) focusOn(next);
    else if (event.key === "ArrowRight" && entry?.more && entry !== back) enter(entry);
    else if (open && (event.key === "ArrowLeft" || event.key === "Escape")) leave();
    else if (event.key === "Escape" || event.key === "Tab") onClose(true);
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
          onClose(false);
      }}
    >
      {shown.map((entry, place) => {
        const { icon, text, testid, danger, disabled, apart, detail, more, onChoose } = entry;
        return (
          <button
            key={`${place} ${text}`}
            type="button"
            class="ip-menu-item"
            role="menuitem"
            tabIndex={-1}
            aria-disabled={disabled}
            aria-haspopup={more && entry !== back ? "menu" : undefined}
            aria-label={entry === back ? `${t.follow.back}: ${text}` : undefined}
            data-back={entry === back}
            data-tone={danger ? "danger" : undefined}
            data-apart={apart}
            data-testid={testid}
            onPointerMove={(event) => event.currentTarget.focus({ preventScroll: true })}
            onClick={() => {
              if (disabled) return;
              if (more) {
                enter(entry);
                return;
              }
              onClose(true);
              onChoose?.();
            }}
          >
            {icon ? <Icon name={icon} /> : <span class="ip-menu-gap" />}
            <span>{text}</span>
            {detail && <small class="ip-menu-detail">{detail}</small>}
            {more && entry !== back && <Icon name="right" size={14} />}
          </button>
        );
      })}
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
