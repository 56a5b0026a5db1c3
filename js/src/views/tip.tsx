// The words of a button that shows only an icon: beside it while the pointer or the focus by key is on it. A `title`
// would not show on focus. In the top layer, so that neither a panel nor a dialog cuts the words off.
import { useEffect, useRef } from "preact/hooks";
import { place } from "../lib/place";

/** What shows the words, moves them and hides them. */
const EVENTS = ["pointerover", "pointerleave", "focusin", "focusout", "pointerdown", "keydown", "scroll"];

/** @param root the element of the page; what has words in it has them in `data-tip` */
export function Tip({ root }: { root: HTMLElement }) {
  const tip = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const ended = new AbortController();
    let shown: Element | null = null;
    const follow = (event: Event): void => {
      const { type, target } = event;
      const { current } = tip;
      if (!current || !(target instanceof Element)) return;
      // The focus may have scrolled its element into view.
      if (type === "scroll") {
        if (shown) place(current, shown);
        return;
      }
      const over = type === "pointerover";
      // A pointer that passes by leaves the words of what has the focus.
      const at =
        target.closest<HTMLElement>("[data-tip]") ??
        (over ? root.querySelector<HTMLElement>("[data-tip]:focus-visible") : null);
      // Elements within the page are left too.
      if ((over && at === shown) || (type === "pointerleave" && target !== root)) return;
      const shows = over
        ? (event as PointerEvent).pointerType !== "touch"
        : type === "focusin" && target.matches(":focus-visible");
      current.hidePopover?.();
      shown = shows ? at : null;
      if (!shown) return;
      current.textContent = at?.dataset.tip ?? "";
      current.showPopover?.();
      place(current, shown);
    };
    for (const type of EVENTS) root.addEventListener(type, follow, { capture: true, signal: ended.signal });
    return () => ended.abort();
  }, [root]);
  // The button has the same words as its name, so that they are not read twice.
  return <div ref={tip} class="ip-tip" popover="manual" aria-hidden="true" data-testid="tip" />;
}
