// What the page copies to the clipboard, and says of it.
import { causeText } from "../lib/answer";
import { copyLater, copyText } from "../lib/clipboard";
import { t } from "../messages";
import type { State } from "../store";

/** Copy a text, which may still be on its way. */
export async function copyWords(
  text: string | Promise<string>,
  done: string,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  const copying = typeof text === "string" ? copyText(text) : copyLater(text);
  await copied(copying, done, Promise.resolve(text), actions);
}

/** Tell whether a thing was copied, and why not. */
export async function copied(
  copying: Promise<boolean>,
  done: string,
  source: Promise<unknown>,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  if (await copying) actions.addNotice("info", done);
  // Either the thing itself could not be had, or the browser refused it.
  else
    await source.then(
      () => actions.addNotice("warning", `${t.batch.notCopied} ${t.batch.notCopiedNext}`),
      (cause: unknown) => tell(actions, cause),
    );
}

/** Tell what went wrong. */
export function tell(actions: Pick<State, "addNotice">, cause: unknown): void {
  actions.addNotice("error", causeText(cause));
}
