import { render } from "preact";
import { keepKeyboard } from "../lib/keyboard";
import { followTheme } from "../lib/theme";
import { language } from "../messages";
import { App } from "./app";
import { type Page, PageContext } from "./context";

/** Shows a page in an element until the signal or the returned function ends it. */
export function mount(el: HTMLElement, page: Page, signal: AbortSignal): () => void {
  const ended = new AbortController();
  const root = document.createElement("div");
  root.className = "imgplay";
  root.dataset.testid = "imgplay";
  root.lang = language;
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  keepKeyboard(root, ended.signal);
  followTheme(root, ended.signal);
  el.append(root);
  render(
    <PageContext.Provider value={page}>
      <App />
    </PageContext.Provider>,
    root,
  );
  const end = (): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    render(null, root);
    root.remove();
  };
  signal.addEventListener("abort", end, { once: true });
  return end;
}
