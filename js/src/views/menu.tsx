// A button that opens a list of actions above everything else, also in a dialog and in the full window.
import { useRef, useState } from "preact/hooks";
import { focusOn } from "../lib/focus";
import type { PartModules } from "../parts";
import { Icon, type IconName } from "./icon";
import { PartPopover } from "./part";

export interface MenuItem {
  icon?: IconName;
  text: string;
  testid?: string;
  danger?: boolean;
  disabled?: boolean;
  /** A line is drawn above the item: another group begins. */
  apart?: boolean;
  /** What stands at its end: the model and the price. */
  detail?: string;
  /** Return the entries of the list that takes the place of this one. */
  more?(): readonly MenuItem[];
  onChoose?(): void;
}

interface MenuProps {
  icon: IconName;
  /** The name of the button, and of the list. */
  label: string;
  /** The tip of the button, if it is more than the name. */
  tip?: string | undefined;
  /** Shown beside the icon. */
  text?: string;
  /** Return the actions, from the part that draws the list. */
  items(tools: PartModules["tools"]): readonly MenuItem[];
  testid?: string;
  disabled?: boolean;
  /** The chosen action is running. */
  busy?: boolean;
}

export function Menu({ icon, label, tip, text, items, testid, disabled, busy }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState<"first" | "last" | null>(null);
  const leave = (refocus: boolean): void => {
    setOpen(null);
    if (refocus) focusOn(button.current);
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
        data-tip={tip ?? label}
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
        <PartPopover
          name="tools"
          anchor={button.current}
          label={label}
          class="ip-menu"
          align="end"
          onClose={leave}
        >
          {(tools) =>
            button.current && (
              <tools.MenuList
                label={label}
                items={items(tools)}
                start={open}
                anchor={button.current}
                onClose={leave}
              />
            )
          }
        </PartPopover>
      )}
    </>
  );
}
