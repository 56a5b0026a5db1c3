// Where the focus goes when images go.
import { focusOn } from "../lib/focus";
import { focusedElement } from "../lib/keyboard";

/** Before images are deleted that have the focus: it goes to the next image, the one before, or to the feed. */
export function leaveTiles(ids: readonly string[]): void {
  const from = focusedElement();
  const feed = from?.closest<HTMLElement>("[data-testid=feed]");
  if (!from || !feed) return;
  const rest = [...feed.querySelectorAll<HTMLElement>("[data-select][tabindex]")].filter(
    (image) => !ids.includes(image.closest<HTMLElement>("[data-generation-id]")?.dataset.generationId ?? ""),
  );
  const next = rest.find((image) => from.compareDocumentPosition(image) & Node.DOCUMENT_POSITION_FOLLOWING);
  if (next) focusOn(next);
  else (rest.at(-1) ?? feed).focus({ preventScroll: true });
}
