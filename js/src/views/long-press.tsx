// A finger that rests on an image selects it; the next taps then select, too.
import { useLayoutEffect, useRef } from "preact/hooks";
import { usePage } from "./context";

/** Milliseconds after which a touch is no tap. A browser opens its own menu later. */
const LONG = 400;
/** A finger that moves farther than this, in pixels, scrolls. */
const STILL = 10;

/** Listen for long presses on the images of the workspace that it stands in. */
export function LongPress() {
  const mark = useRef<HTMLElement>(null);
  const { store } = usePage();
  useLayoutEffect(() => {
    const root = mark.current?.parentElement;
    if (!root) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let start: PointerEvent | undefined;
    let held = false;
    const leave = (): void => clearTimeout(timer);
    const press = (event: PointerEvent): void => {
      leave();
      held = false;
      start = event.pointerType === "touch" ? event : undefined;
      const image = event.target instanceof Element ? event.target.closest("[data-select]") : null;
      const id = image?.closest<HTMLElement>("[data-generation-id]")?.dataset.generationId;
      if (!id || !start || !store.getState().usable) return;
      timer = setTimeout(() => {
        held = true;
        store.getState().select(id, "one");
      }, LONG);
    };
    const move = ({ clientX, clientY }: PointerEvent): void => {
      if (start && Math.hypot(clientX - start.clientX, clientY - start.clientY) > STILL) leave();
    };
    // What a browser makes of the same press: a click at its end, its menu, and a drag.
    const prevent = (event: Event): void => {
      if (event.type === "dragstart" ? !start : !held) return;
      event.preventDefault();
      event.stopPropagation();
    };
    const ended = new AbortController();
    const options = { capture: true, signal: ended.signal };
    root.addEventListener("pointerdown", press, options);
    root.addEventListener("pointermove", move, options);
    for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, leave, options);
    for (const own of ["click", "contextmenu", "dragstart"]) root.addEventListener(own, prevent, options);
    return () => {
      leave();
      ended.abort();
    };
  }, [store]);
  return <i ref={mark} hidden />;
}
