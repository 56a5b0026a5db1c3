// A dialog over all of the notebook.
import { useLayoutEffect, useRef } from "preact/hooks";

/** Whether a dialog was just closed for another one, which then appears at once and does not fade in. */
let handingOver = false;

/** Open a dialog for as long as it is drawn, and at once, so that the next key already goes to the dialog. */
export function useModal(): { readonly current: HTMLDialogElement | null } {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    dialog.current?.showModal();
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
