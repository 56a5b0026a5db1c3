// A dialog over all of the notebook.
import { useLayoutEffect, useRef } from "preact/hooks";

/** For a dialog that is open for as long as it is drawn; at once, so that the next key is already its own. */
export function useModal(): { readonly current: HTMLDialogElement | null } {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return dialog;
}
