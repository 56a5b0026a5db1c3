// Follows the theme of the host, also while it changes. A theme that code has set comes first.

export type Theme = "dark" | "light";

/** The look of the page, as code or the user has set it. */
export interface Look {
  theme: "auto" | Theme;
  /** Pixels; null is the automatic height, and "fill" is the height of what holds the studio. */
  height: number | "fill" | null;
}

/**
 * Return the theme of the host: JupyterLab and its kin, VS Code, then those that mark the page or follow the
 * system.
 */
export function hostTheme(html: HTMLElement, body: HTMLElement, prefersDark: boolean): Theme {
  const jupyter = body.getAttribute("data-jp-theme-light");
  if (jupyter !== null) return jupyter === "true" ? "light" : "dark";
  const code = body.getAttribute("data-vscode-theme-kind");
  if (code !== null) return code.includes("light") ? "light" : "dark";
  // marimo names it in a class, Colab in an attribute.
  for (const element of [html, body]) {
    for (const theme of ["dark", "light"] as const) {
      const named = [element.getAttribute("theme"), element.getAttribute("data-theme")].includes(theme);
      if (named || element.classList.contains(theme)) return theme;
    }
  }
  return prefersDark ? "dark" : "light";
}

const ATTRIBUTES = ["data-jp-theme-light", "data-vscode-theme-kind", "data-theme", "theme", "class"];

/** Keep `data-theme` of the root right until the signal. Call the returned function when the look was set. */
export function followTheme(root: HTMLElement, wanted: () => Look["theme"], signal: AbortSignal): () => void {
  const { body, documentElement } = document;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    const theme = wanted();
    const shown = theme === "auto" ? hostTheme(documentElement, body, dark.matches) : theme;
    if (root.dataset.theme !== shown) root.dataset.theme = shown;
  };
  const observer = new MutationObserver(apply);
  for (const element of [documentElement, body]) {
    observer.observe(element, { attributes: true, attributeFilter: ATTRIBUTES });
  }
  dark.addEventListener("change", apply, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
  apply();
  return apply;
}
