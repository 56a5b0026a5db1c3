import { focusOn } from "./focus";

/** Copy a text. Return false if the browser does not allow it: a frame without the permission, an old host. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** Copy in the older way, which some frames still allow while a click is handled. */
function copySelected(text: string): boolean {
  const area = document.createElement("textarea");
  const before = document.activeElement;
  area.value = text;
  area.style.position = "fixed";
  // An open dialog makes everything outside it inert: only inside it is a selection possible.
  (before?.parentElement ?? document.body).append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    if (before instanceof HTMLElement) focusOn(before);
  }
}

/** Copy a text that is still on its way: a browser must be asked within the click. Return false if it refuses. */
export async function copyLater(text: Promise<string>): Promise<boolean> {
  const blob = text.then((words) => new Blob([words], { type: "text/plain" }));
  return (await write({ "text/plain": blob })) || text.then(copyText, () => false);
}

/** Copy data that is still on its way. Return false if the browser does not allow it. */
export async function write(item: Record<string, Promise<Blob>>): Promise<boolean> {
  try {
    await navigator.clipboard.write([new ClipboardItem(item)]);
    return true;
  } catch {
    for (const blob of Object.values(item)) blob.catch(() => undefined);
    return false;
  }
}
