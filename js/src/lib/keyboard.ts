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
