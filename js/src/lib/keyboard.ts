// The notebook has single-letter shortcuts and listens above us: what is typed here must stay here.

const KEYS = ["keydown", "keyup", "keypress"] as const;
const CLIPBOARD = ["copy", "cut", "paste"] as const;

export function keepKeyboard(root: HTMLElement, signal: AbortSignal): void {
  for (const type of KEYS) {
    root.addEventListener(
      type,
      (event) => {
        if (!isOfTheHost(event)) event.stopPropagation();
      },
      { signal },
    );
  }
  // The notebook copies and pastes cells on these.
  for (const type of CLIPBOARD) root.addEventListener(type, (event) => event.stopPropagation(), { signal });
  // The notebook's own menu would hide "Save image as" and the spelling suggestions.
  root.addEventListener(
    "contextmenu",
    (event) => {
      if (event.target instanceof Element && event.target.closest("img, input, textarea"))
        event.stopPropagation();
    },
    { signal },
  );
}

/** The letters that with Ctrl or ⌘, and with Shift too, do something in a host that no cell has a part in. */
const HOST_LETTERS = { plain: "sb", shift: "scpdflh" } as const;

/** Saving, the palette of commands, the host's own panels: what is done to the notebook as a whole. */
function isOfTheHost({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  if (key === "F1") return true;
  const letters = shiftKey ? HOST_LETTERS.shift : HOST_LETTERS.plain;
  return (ctrlKey || metaKey) && !altKey && key.length === 1 && letters.includes(key.toLowerCase());
}

/** The key that goes with a letter for a command: of the user's system. */
export function commandKey(): string {
  return /mac|iphone|ipad/i.test(navigator.platform) ? "⌘" : "Ctrl";
}

/** Whether a key belongs to an input method that is composing a character. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Whether a key asks to take back what was done last. */
export function isUndoKey({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return key.toLowerCase() === "z" && (ctrlKey || metaKey) && !altKey;
}

/** Whether a key goes into a text or moves a control of its own, so that a letter must be no shortcut. */
export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  if (isComposing(event) || !(target instanceof HTMLElement)) return true;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "button", "range"].includes(target.type);
  return (
    target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
  );
}

/** Keys that do something at once, and each time. */
const DOES = /^(Enter|Delete|Backspace|[a-z?])$/i;

/** Lets a held key do once what sends, deletes or switches; moving, sizing and writing go on. */
export function ignoreHeldKeys(root: HTMLElement, signal: AbortSignal): void {
  root.addEventListener(
    "keydown",
    (event) => {
      const { key, repeat, shiftKey, ctrlKey, metaKey, altKey } = event;
      if (!repeat || !DOES.test(key) || isComposing(event)) return;
      const writes = key === "Enter" ? shiftKey : ctrlKey || metaKey || altKey;
      if (writes || (key !== "Enter" && isTyping(event))) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true, signal },
  );
}

/** What Enter and Space do to a button, for an element that is none: Firefox drags nothing by a real one. */
export function pressByKey(event: KeyboardEvent): void {
  const { target, currentTarget, key, shiftKey, ctrlKey, metaKey } = event;
  if (!target || target !== currentTarget || (key !== "Enter" && key !== " ")) return;
  event.preventDefault();
  if (event.repeat) return;
  const held = { shiftKey, ctrlKey, metaKey };
  target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ...held }));
}

/** Whether a single letter or sign was pressed as a shortcut: not in a text, a dialog or a menu, and alone. */
export function isShortcut(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event))
    return false;
  return !(event.target as HTMLElement).closest("dialog, [popover]:not(.imgplay)");
}

/** What has the focus, also where the host shows the widget in a shadow tree. */
export function focusedElement(): Element | null {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at;
}

/** What stands above the page; the widget itself is a popover where it fills the window. */
const LAYER = "dialog, [popover]:not(.imgplay)";

/** Keeps the focus in the widget when what has it goes away or is disabled: it would fall to the notebook. */
export function keepFocus(root: HTMLElement, signal: AbortSignal): void {
  // What had the focus last, then all that is around it; empty where the user went elsewhere.
  let path: HTMLElement[] = [];
  const forget = (event: Event): void => {
    if (!event.composedPath().includes(root)) path = [];
  };
  root.addEventListener(
    "focusin",
    (event) => {
      const around = event.composedPath();
      path = around.slice(0, around.indexOf(root) + 1) as HTMLElement[];
    },
    { signal },
  );
  document.addEventListener("pointerdown", forget, { capture: true, signal });
  document.addEventListener("focusin", forget, { capture: true, signal });
  const keep = (): void => {
    const [last, ...around] = path;
    const now = focusedElement();
    if (!last || isThere(last) || (now !== last && root.contains(now))) return;
    for (const each of around) {
      const heir = isThere(each) ? heirIn(each) : null;
      if (!heir) continue;
      heir.focus({ preventScroll: true });
      return;
    }
  };
  const observer = new MutationObserver(() => {
    // Not before all is drawn: who takes something away may give the focus on.
    if (path[0] && !isThere(path[0])) setTimeout(keep);
  });
  const attributeFilter = ["disabled", "inert", "open", "data-drawer", "data-left", "data-right"];
  observer.observe(root, { subtree: true, childList: true, attributeFilter });
  signal.addEventListener("abort", () => observer.disconnect());
}

/** Who gets the focus of what goes away in an element; null where that is nobody in it. */
function heirIn(element: HTMLElement): HTMLElement | null {
  // Nothing but what is in a dialog can have the focus while it is open, and a popover closes when it goes.
  if (element.matches(LAYER)) return element.querySelector<HTMLElement>("button:not(:disabled)") ?? element;
  if (element.matches("form")) return element.querySelector<HTMLElement>("[type=submit]:not(:disabled)");
  return element.matches("[tabindex]") ? element : null;
}

/** Whether an element can have the focus. */
function isThere(element: HTMLElement): boolean {
  if (!element.isConnected || element.matches(":disabled") || element.closest("[inert]")) return false;
  return element.checkVisibility?.({ visibilityProperty: true }) !== false;
}
