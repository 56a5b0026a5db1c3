// The studio of the server in the panels of JupyterLab: one page for all panels, loaded when the first one is seen.
import type { HostedStudio } from "../lib/jupyterlab";
import type { labTexts, Problem } from "../messages/lab";

/** The name of this build, written here by the build: a browser keeps a script by its address. */
declare const BUILD: string;

/** What the script of the server's page exports. */
interface PageScript {
  default(base: string): HostedStudio;
}

const byBrowser = (address: string): Promise<PageScript> => import(address);

const STYLE = {
  boxSizing: "border-box",
  height: "100%",
  padding: "24px 20px",
  overflow: "auto",
  color: "var(--jp-ui-font-color1)",
  font: "var(--jp-ui-font-size1) / 1.5 var(--jp-ui-font-family)",
} as const;

/** A panel that shows the studio, or why there is none. */
interface Panel {
  el: HTMLElement;
  signal: AbortSignal;
  openTab: (() => void) | undefined;
}

/** The one studio of the server in this window. */
export class LabStudio {
  readonly #base: string;
  readonly #texts: ReturnType<typeof labTexts>;
  readonly #importScript: (address: string) => Promise<PageScript>;
  /** The panels that wait for the studio. */
  #waiting: Panel[] = [];
  #studio: HostedStudio | undefined;
  #loading = false;
  #failed = 0;
  #topicId: string | undefined;

  /** @param base the address below which the Jupyter Server has the page */
  constructor(base: string, texts: ReturnType<typeof labTexts>, importScript = byBrowser) {
    this.#base = base;
    this.#texts = texts;
    this.#importScript = importScript;
  }

  /**
   * Show the studio in an element until the signal.
   *
   * @param openTab shows the studio in a tab; absent in the tab itself
   */
  show(el: HTMLElement, signal: AbortSignal, openTab?: () => void): void {
    this.#waiting.push({ el, signal, openTab });
    if (this.#studio) this.#draw(this.#studio);
    else void this.#load();
  }

  /** Show a topic, at once or when the studio is there. */
  showTopic(topicId: string): void {
    if (this.#studio) this.#studio.openTopic(topicId);
    else this.#topicId = topicId;
  }

  async #load(): Promise<void> {
    this.#tell(this.#texts.opening);
    if (this.#loading) return;
    this.#loading = true;
    try {
      // Some browsers remember an address that failed, and never ask for it again.
      const again = this.#failed > 0 ? `-${this.#failed}` : "";
      const { default: open } = await this.#importScript(`${this.#script}?${BUILD}${again}`);
      const studio = open(new URL(this.#base).pathname);
      this.#studio = studio;
      if (this.#topicId !== undefined) studio.openTopic(this.#topicId);
      this.#draw(studio);
    } catch {
      this.#failed += 1;
      const [text, next] = this.#texts.problems[await problemOf(this.#script)];
      this.#tell(text, next);
    } finally {
      this.#loading = false;
    }
  }

  get #script(): string {
    return `${this.#base}image-playground/static/page.js`;
  }

  #draw(studio: HostedStudio): void {
    for (const { el, signal, openTab } of this.#take()) {
      el.replaceChildren();
      studio.showIn(el, signal, openTab);
    }
  }

  #take(): Panel[] {
    const waiting = this.#waiting.filter(({ signal }) => !signal.aborted);
    this.#waiting = [];
    return waiting;
  }

  /** Say in all panels that wait why they do; with a next step, also offer to try again. */
  #tell(text: string, next?: string): void {
    for (const { el } of this.#waiting) {
      const box = document.createElement("div");
      box.role = "status";
      Object.assign(box.style, STYLE);
      const said = document.createElement("p");
      said.textContent = text;
      box.append(said);
      if (next) {
        said.style.fontWeight = "600";
        const step = document.createElement("p");
        step.textContent = next;
        box.append(step, this.#retry());
      }
      el.replaceChildren(box);
    }
  }

  #retry(): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "jp-mod-styled jp-mod-accept";
    button.textContent = this.#texts.again;
    button.addEventListener("click", () => void this.#load());
    return button;
  }
}

/** Return why the script of the page did not load. */
async function problemOf(script: string): Promise<Problem> {
  try {
    const { type, status } = await fetch(script, { cache: "no-store", redirect: "manual" });
    if (status === 404) return "missing";
    // A server without a login, or the proxy of a hub, leads elsewhere or refuses.
    return type === "opaqueredirect" || status === 401 || status === 403 ? "login" : "failed";
  } catch {
    return "offline";
  }
}
