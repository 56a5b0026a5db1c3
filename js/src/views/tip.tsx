// The words of a button that shows only an icon: beside it while the pointer or the focus by key is on it. A `title`
// would not show on focus. In the top layer, so that neither a panel nor a dialog cuts the words off. The words stay as
// long as the pointer is on them too, and Escape takes them away (WCAG 2.2, 1.4.13).
import { useEffect, useRef } from "preact/hooks";
import { place } from "../lib/place";

/** What shows the words, moves them and hides them. */
const EVENTS = ["pointerover", "pointerleave", "focusin", "focusout", "pointerdown", "keydown", "scroll"];

/** An element that is longer than this, in pixels, has its words where the pointer is, or in its middle. */
const LONG = 400;

/** Put the words beside an element, and near the pointer, if the pointer shows them. */
function put(tip: HTMLElement, at: Element, event?: Event): void {
  place(tip, at);
  const { left, top, right, width, height } = at.getBoundingClientRect();
  const { clientX = left + width / 2, clientY = top + height / 2 } =
    event instanceof PointerEvent ? event : {};
  const { style, offsetWidth } = tip;
  if (height > LONG) Object.assign(style, { left: `${right + 4}px`, top: `${clientY}px` });
  else if (width > LONG) style.left = `${Math.max(clientX - offsetWidth / 2, left)}px`;
}

/** @param root the element of the page; what has words in it has them in `data-tip` */
export function Tip({ root }: { root: HTMLElement }) {
  const tip = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const ended = new AbortController();
    let shown: Element | null = null;
    /** What the words were taken away from by Escape, until the pointer or the focus goes elsewhere. */
    let quiet: Element | null = null;
    const hide = (): void => {
      tip.current?.hidePopover?.();
      shown = null;
    };
    const follow = (event: Event): void => {
      const { type, target } = event;
      const { current } = tip;
      if (!current || !(target instanceof Element) || (current.contains(target) && type !== "pointerdown"))
        return;
      // The focus may have scrolled its element into view.
      if (type === "scroll") {
        if (shown) put(current, shown);
        return;
      }
      // A key that presses the button is like a click on it.
      if (event instanceof KeyboardEvent && event.key !== "Enter" && event.key !== " ") return;
      const over = type === "pointerover";
      // A pointer that passes by leaves the words of what has the focus.
      const at =
        target.closest<HTMLElement>("[data-tip]") ??
        (over ? root.querySelector<HTMLElement>("[data-tip]:focus-visible") : null);
      // Elements within the page are left too.
      if ((over && at === (shown ?? quiet)) || (type === "pointerleave" && target !== root)) return;
      const shows = over
        ? (event as PointerEvent).pointerType !== "touch"
        : type === "focusin" && target.matches(":focus-visible");
      hide();
      quiet = null;
      shown = shows ? at : null;
      if (!shown) return;
      (current.firstChild as Element).textContent = at?.dataset.tip ?? "";
      current.showPopover?.();
      put(current, shown, event);
    };
    for (const type of EVENTS) root.addEventListener(type, follow, { capture: true, signal: ended.signal });
    // Wherever the focus is: the pointer may rest on a button while the notebook has the keys.
    document.addEventListener(
      "keydown",
      ({ key }) => {
        if (key !== "Escape" || !shown) return;
        quiet = shown;
        hide();
      },
      { capture: true, signal: ended.signal },
    );
    return () => ended.abort();
  }, [root]);
  // The button has the same words as its name, so that they are not read twice.
  return (
    <div ref={tip} class="ip-tip" popover="manual" aria-hidden="true" data-testid="tip">
      <span />
    </div>
  );
}
