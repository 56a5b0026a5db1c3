// Follows the theme of the host, also while it changes.

export type Theme = "dark" | "light";

const ATTRIBUTES = ["data-jp-theme-light", "data-vscode-theme-kind"];

export function hostTheme(body: HTMLElement, prefersDark: boolean): Theme {
  const jupyter = body.getAttribute("data-jp-theme-light");
  if (jupyter !== null) return jupyter === "true" ? "light" : "dark";
  const code = body.getAttribute("data-vscode-theme-kind");
  if (code !== null) return code.includes("light") ? "light" : "dark";
  return prefersDark ? "dark" : "light";
}

export function followTheme(root: HTMLElement, signal: AbortSignal): void {
  const { body } = document;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    root.dataset.theme = hostTheme(body, dark.matches);
  };
  const observer = new MutationObserver(apply);
  observer.observe(body, { attributes: true, attributeFilter: ATTRIBUTES });
  dark.addEventListener("change", apply, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
  apply();
}
