// The way of a picture from its tile to the large view: moved and scaled only, so that nothing is laid out anew.

/** How long the way takes, in milliseconds. Whatever the user does meanwhile counts at once. */
const FLIGHT = 200;

/**
 * Let an element begin where another one is, and go to its own place.
 * @param element what is moved; it holds `picture`
 * @param picture the picture in it, as it is in the end
 * @param from the box of the tile
 */
export function fly(element: Element, picture: Element, from: DOMRect): void {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const to = picture.getBoundingClientRect();
  if (to.width === 0 || from.width === 0) return;
  const own = element.getBoundingClientRect();
  // The tile may show only the middle of the picture.
  const scale = Math.max(from.width / to.width, from.height / to.height);
  const x = from.left + from.width / 2 - (to.left + to.width / 2);
  const y = from.top + from.height / 2 - (to.top + to.height / 2);
  const origin = `${to.left + to.width / 2 - own.left}px ${to.top + to.height / 2 - own.top}px`;
  element.animate?.(
    [
      { transformOrigin: origin, transform: `translate(${x}px, ${y}px) scale(${scale})`, opacity: 0.4 },
      { transformOrigin: origin, transform: "none", opacity: 1 },
    ],
    { duration: FLIGHT, easing: getComputedStyle(element).getPropertyValue("--ip-ease") || "ease-out" },
  );
}
