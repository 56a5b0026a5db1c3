import { render } from "preact";
import { ignoreHeldKeys, keepFocus, keepKeyboard } from "../lib/keyboard";
import { followTheme } from "../lib/theme";
import { language } from "../messages";
import { App } from "./app";
import { Boundary } from "./boundary";
import { type Page, PageContext } from "./context";

/** The style sheet, written here by the build; the page of dev/ links its own. */
declare const STYLES: string;

/** Shows a page in an element until the signal or the returned function ends it. */
export function mount(el: HTMLElement, page: Page, signal: AbortSignal): () => void {
  const ended = new AbortController();
  const root = document.createElement("div");
  root.className = "imgplay";
  root.dataset.testid = "imgplay";
  root.lang = language;
  keepKeyboard(root, ended.signal);
  ignoreHeldKeys(root, ended.signal);
  keepFocus(root, ended.signal);
  const { store } = page;
  const applyTheme = followTheme(root, () => store.getState().look.theme, ended.signal);
  ended.signal.addEventListener("abort", store.subscribe(applyTheme));
  // A click on what takes no focus must not give it to the notebook, where letters are commands.
  root.tabIndex = -1;
  // Beside the root, wherever that is: a sheet of the document would not reach into a shadow root.
  const style = document.createElement("style");
  style.textContent = typeof STYLES === "string" ? STYLES : "";
  el.append(style, root);
  render(
    <PageContext.Provider value={page}>
      <Boundary name="studio">
        <App root={root} />
      </Boundary>
    </PageContext.Provider>,
    root,
  );
  const end = (): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    render(null, root);
    root.remove();
    style.remove();
  };
  signal.addEventListener("abort", end, { once: true });
  return end;
}
