// The notebook has single-letter shortcuts and listens above the widget: keys typed here must not reach it.

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
  // The notebook copies and pastes cells on these events.
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

/** The letters that, with Ctrl or ⌘ and perhaps Shift, do something in a host that concerns no cell. */
const HOST_LETTERS = { plain: "sb", shift: "scpdflh" } as const;

/** Return whether a key is for the notebook as a whole: saving, the palette of commands, the host's own panels. */
function isOfTheHost({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  if (key === "F1") return true;
  const letters = shiftKey ? HOST_LETTERS.shift : HOST_LETTERS.plain;
  return (ctrlKey || metaKey) && !altKey && key.length === 1 && letters.includes(key.toLowerCase());
}

/** Return the name of the command key of the user's system. */
export function commandKey(): string {
  return /mac|iphone|ipad/i.test(navigator.platform) ? "⌘" : "Ctrl";
}

/** Return whether a key belongs to an input method that is composing a character. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Return whether a key asks to take back what was done last. */
export function isUndoKey({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return key.toLowerCase() === "z" && (ctrlKey || metaKey) && !altKey;
}

/** Return whether a key goes into a text or moves a control: a letter must not be a shortcut then. */
export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  if (isComposing(event) || !(target instanceof HTMLElement)) return true;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "button", "range"].includes(target.type);
  return (
    target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
  );
}

/** The keys that act at once, and again with each repetition. */
const DOES = /^(Enter|Delete|Backspace|[a-z?])$/i;

/** Let a held key send, delete or switch only once. Moving, sizing and writing repeat. */
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

/** Let Enter and Space press an element that is not a button: Firefox cannot drag a real button. */
export function pressByKey(event: KeyboardEvent): void {
  const { target, currentTarget, key, shiftKey, ctrlKey, metaKey } = event;
  if (!target || target !== currentTarget || (key !== "Enter" && key !== " ")) return;
  event.preventDefault();
  if (event.repeat) return;
  const held = { shiftKey, ctrlKey, metaKey };
  target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ...held }));
}

/**
 * Return whether a single letter or sign was pressed as a shortcut: not in a text, a dialog or a menu, and alone.
 */
export function isShortcut(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event))
    return false;
  return !(event.target as HTMLElement).closest("dialog, [popover]:not(.imgplay)");
}

/** Return the element that has the focus, also if the host shows the widget in a shadow tree. */
export function focusedElement(): Element | null {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at;
}

/** What is above the page. The widget itself is a popover if it fills the window. */
const LAYER = "dialog, [popover]:not(.imgplay)";

/**
 * Keep the focus in the widget when the focused element is removed or disabled: the notebook would get the focus.
 */
export function keepFocus(root: HTMLElement, signal: AbortSignal): void {
  // The element that had the focus last, then its ancestors; empty if the user went elsewhere.
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
    // Only after drawing: code that removes an element may move the focus itself.
    if (path[0] && !isThere(path[0])) setTimeout(keep);
  });
  const attributeFilter = ["disabled", "inert", "open", "data-drawer", "data-left", "data-right"];
  observer.observe(root, { subtree: true, childList: true, attributeFilter });
  signal.addEventListener("abort", () => observer.disconnect());
}

/** Return the element that gets the focus when something inside this element disappears; null if there is none. */
function heirIn(element: HTMLElement): HTMLElement | null {
  // While a dialog is open, only elements in it can have the focus. A popover closes when the focus leaves it.
  if (element.matches(LAYER)) return element.querySelector<HTMLElement>("button:not(:disabled)") ?? element;
  if (element.matches("form")) return element.querySelector<HTMLElement>("[type=submit]:not(:disabled)");
  return element.matches("[tabindex]") ? element : null;
}

/** Return whether an element can have the focus. */
function isThere(element: HTMLElement): boolean {
  if (!element.isConnected || element.matches(":disabled") || element.closest("[inert]")) return false;
  return element.checkVisibility?.({ visibilityProperty: true }) !== false;
}
