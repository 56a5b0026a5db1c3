// The notebook has single-letter shortcuts and listens above us: what is typed here must stay here.

const KEYS = ["keydown", "keyup", "keypress"] as const;
const CLIPBOARD = ["copy", "cut", "paste"] as const;

export function keepKeyboard(root: HTMLElement, signal: AbortSignal): void {
  for (const type of KEYS) {
    root.addEventListener(
      type,
      (event) => {
        if (!isSave(event)) event.stopPropagation();
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

function isSave(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
}

/** Whether a key belongs to an input method that is composing a character. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
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

/** What Enter and Space do to a button, for an element that is none: Firefox drags nothing by a real one. */
export function pressByKey(event: KeyboardEvent): void {
  const { target, currentTarget, key, shiftKey, ctrlKey, metaKey } = event;
  if (!target || target !== currentTarget || (key !== "Enter" && key !== " ")) return;
  event.preventDefault();
  const held = { shiftKey, ctrlKey, metaKey };
  target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ...held }));
}

/** Whether a single letter or sign was pressed as a shortcut: not in a text, a dialog or a menu, and alone. */
export function isShortcut(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event))
    return false;
  return !(event.target as HTMLElement).closest("dialog, [popover]:not(.imgplay)");
}
