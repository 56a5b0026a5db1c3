import { render } from "preact";
import { ignoreHeldKeys, keepFocus, keepKeyboard } from "../lib/keyboard";
import { followTheme } from "../lib/theme";
import { hostLanguage, language } from "../messages";
import { App } from "./app";
import { Boundary } from "./boundary";
import { type Page, PageContext, useStore } from "./context";
import { Tip } from "./tip";

/** The style sheet, written here by the build; the page of dev/ links its own. */
declare const STYLES: string;

/** Milliseconds that the first drawing waits for the words of the host's language. */
const WORDS_WITHIN = 400;

/** Show a page in an element until the signal or the returned function ends it. */
export function mount(el: HTMLElement, page: Page, signal: AbortSignal): () => void {
  const ended = new AbortController();
  const root = document.createElement("div");
  root.className = "imgplay";
  root.dataset.testid = "imgplay";
  keepKeyboard(root, ended.signal);
  ignoreHeldKeys(root, ended.signal);
  keepFocus(root, ended.signal);
  const { store } = page;
  const applyTheme = followTheme(root, () => store.getState().look.theme, ended.signal);
  ended.signal.addEventListener("abort", store.subscribe(applyTheme));
  // A click on an element that takes no focus must not focus the notebook, where letters are commands.
  root.tabIndex = -1;
  // The sheet is beside the root: a sheet of the document would not apply inside a shadow root.
  const style = document.createElement("style");
  const dress = (): void => {
    style.textContent = (typeof STYLES === "string" ? STYLES : "") + page.parts.styles;
  };
  dress();
  ended.signal.addEventListener("abort", page.parts.watch(dress));
  const asked = room();
  el.append(style, asked, root);
  const draw = (): void => {
    if (ended.signal.aborted || root.firstChild) return;
    render(
      <PageContext.Provider value={page}>
        <Boundary name="studio">
          <Spoken root={root} />
        </Boundary>
      </PageContext.Provider>,
      root,
    );
  };
  if (hostLanguage() === language()) draw();
  else {
    // Wait a moment for the words of the host's language: otherwise everything would be drawn twice.
    void page.learnt.then(draw);
    setTimeout(draw, WORDS_WITHIN);
  }
  const end = (): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    render(null, root);
    for (const element of [root, asked, style]) element.remove();
  };
  signal.addEventListener("abort", end, { once: true });
  return end;
}

/**
 * Return an element without height that tells a host how much room a studio wants.
 *
 * A container for queries has no width of its own, so a host that asks its content for a width (a flex item, a float, a
 * table cell) would show nothing. The element has four parts: one of them is the least width, and all of them side by
 * side are the wanted width.
 */
function room(): HTMLElement {
  const element = document.createElement("div");
  element.className = "imgplay-room";
  element.append(...Array.from({ length: 4 }, () => document.createElement("i")));
  return element;
}

/** The page in the language that is shown. Another language draws everything anew. */
function Spoken({ root }: { root: HTMLElement }) {
  const shown = useStore((state) => state.language);
  root.lang = shown;
  return (
    <>
      <App key={shown} root={root} />
      <Tip root={root} />
    </>
  );
}
