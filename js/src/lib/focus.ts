// Moving the focus. In a tall frame the browser would also scroll the host, away from the place where the user is.
import { isTall } from "./room";

/** Focus an element, and scroll it into view: in the page, and around the page only where the host's window is ours. */
export function focusOn(element: HTMLElement | null | undefined): void {
  const tall = isTall();
  element?.focus({ preventScroll: tall });
  if (element && tall) reveal(element);
}

/** Scroll an element into view within the page, and nothing around the page. */
export function reveal(element: Element): void {
  const own = element.getBoundingClientRect();
  let moved = 0;
  // What lies in the top layer does not move with the elements around it.
  for (let at = element; !at.matches(".imgplay, dialog, [popover]") && at.parentElement; ) {
    at = at.parentElement;
    if (!/auto|scroll/.test(getComputedStyle(at).overflowY)) continue;
    const { top, bottom } = at.getBoundingClientRect();
    const over = own.top - moved - top;
    const under = own.bottom - moved - bottom;
    const before = at.scrollTop;
    at.scrollTop += over < 0 ? over : Math.max(Math.min(over, under), 0);
    moved += at.scrollTop - before;
  }
}
