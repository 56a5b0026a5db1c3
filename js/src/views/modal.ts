// A dialog over all of the notebook; in a tall frame, over the studio.
import { useLayoutEffect, useRef } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { isTall, settleRoom } from "../lib/room";

/** Whether a dialog was just closed for another one, which then appears at once and does not fade in. */
let handingOver = false;

/** Open a dialog for as long as it is drawn, and at once, so that the next key already goes to the dialog. */
export function useModal(): { readonly current: HTMLDialogElement | null } {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (dialog.current) open(dialog.current);
    if (handingOver) for (const each of dialog.current?.getAnimations?.() ?? []) each.finish();
    handingOver = false;
  }, []);
  return dialog;
}

/**
 * Close a dialog for the one that is drawn in its place: the focus goes back now, so that the other one can return
 * it later.
 */
export function handOver(dialog: HTMLDialogElement): void {
  dialog.close();
  handingOver = true;
}

/** What gets the focus in a dialog that opens, as in a browser: what asks for the focus, or else the first. */
const FIRST = ["[autofocus]", ":is(button, input, textarea, select, [tabindex]):not(:disabled, [inert] *)"];

function open(dialog: HTMLDialogElement): void {
  if (!isTall()) {
    dialog.showModal();
    return;
  }
  settleRoom(dialog);
  // The browser would scroll to the element that gets the focus. An inert dialog has none.
  dialog.inert = true;
  dialog.showModal();
  dialog.inert = false;
  const [asks, first] = FIRST.map((selector) => dialog.querySelector<HTMLElement>(selector));
  focusOn(asks ?? first ?? dialog);
}
