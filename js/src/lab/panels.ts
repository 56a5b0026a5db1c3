// The panels of JupyterLab that show a studio: the one in the left sidebar, and the tabs of the main area.
import type { Application, LabIcon, LayoutRestorer, MainAreaWidget, Widget, WidgetTracker } from "./api";
import type { LabStudio } from "./studio";

/** The place in the left sidebar: after JupyterLab's own icons. */
const SIDEBAR_RANK = 600;

/** What the title of a panel shows. */
interface Title {
  label: string;
  caption: string;
  icon: LabIcon;
}

/** The classes of JupyterLab that the panels are made of. */
export interface Classes {
  MainAreaWidget: typeof MainAreaWidget;
  WidgetTracker: typeof WidgetTracker;
  Widget: typeof Widget;
}

/** Draws into the element of a panel until the signal. */
type Show = (el: HTMLElement, signal: AbortSignal) => void;

export class Panels {
  readonly #app: Application;
  readonly #classes: Classes;
  readonly #studio: LabStudio;
  readonly #title: Title;
  readonly #tracker: WidgetTracker;
  readonly #content: new (
    show: Show,
  ) => Widget;
  #side: Widget | undefined;
  /** The tab of the server's studio; there is one at most. */
  #tab: MainAreaWidget | undefined;
  #tabs = 0;

  constructor(app: Application, classes: Classes, studio: LabStudio, title: Title) {
    this.#app = app;
    this.#classes = classes;
    this.#studio = studio;
    this.#title = title;
    this.#tracker = new classes.WidgetTracker({ namespace: "imgplay" });
    this.#content = contentClass(classes.Widget);
  }

  /** Put the icon of the studio into the left sidebar. The studio loads when the user opens the panel. */
  addSidebar(): void {
    const side = new this.#content((el, signal) => this.#studio.show(el, signal, () => this.open()));
    side.id = "imgplay-sidebar";
    side.title.caption = this.#title.label;
    side.title.icon = this.#title.icon;
    this.#app.shell.add(side, "left", { rank: SIDEBAR_RANK });
    this.#side = side;
  }

  /** Let JupyterLab open again what was open, after it was loaded again. */
  restore(restorer: LayoutRestorer, command: string): void {
    if (this.#side) restorer.add(this.#side, this.#side.id);
    void restorer.restore(this.#tracker, { command, name: () => "studio" });
  }

  /** Open the tab of the studio, or go to it, and show a topic in it. */
  open(topicId?: string): void {
    if (topicId !== undefined) this.#studio.showTopic(topicId);
    if (!this.#tab || this.#tab.isDisposed) {
      this.#tab = this.#add("imgplay-studio", this.#title.label, (el, signal) =>
        this.#studio.show(el, signal),
      );
      void this.#tracker.add(this.#tab);
    }
    this.#app.shell.activateById(this.#tab.id);
  }

  /** Open a tab that another studio of this window draws into, until the signal. */
  openTab(label: string, show: Show, until: AbortSignal): void {
    if (until.aborted) return;
    this.#tabs += 1;
    const tab = this.#add(`imgplay-view-${this.#tabs}`, label, show);
    until.addEventListener("abort", () => tab.dispose(), { once: true });
    this.#app.shell.activateById(tab.id);
  }

  #add(id: string, label: string, show: Show): MainAreaWidget {
    const tab = new this.#classes.MainAreaWidget({ content: new this.#content(show) });
    tab.id = id;
    tab.toolbar.hide();
    Object.assign(tab.title, { label, caption: this.#title.caption, icon: this.#title.icon, closable: true });
    this.#app.shell.add(tab, "main");
    return tab;
  }
}

/** Return the class of a panel's content, which is drawn when the user sees the panel for the first time. */
function contentClass(Base: typeof Widget): new (show: Show) => Widget {
  return class Content extends Base {
    readonly #show: Show;
    readonly #ended = new AbortController();
    #drawn = false;

    constructor(show: Show) {
      super();
      this.#show = show;
      // A studio asks for no width of its own, and scrolls inside.
      Object.assign(this.node.style, { minWidth: "320px", overflow: "hidden" });
    }

    override dispose(): void {
      this.#ended.abort();
      super.dispose();
    }

    protected override onAfterAttach(): void {
      this.#draw();
    }

    protected override onAfterShow(): void {
      this.#draw();
    }

    /** Give the studio the keys, which JupyterLab gave to the panel around it. */
    protected override onActivateRequest(): void {
      const studio = this.node.querySelector<HTMLElement>(".imgplay");
      if (!studio?.contains(document.activeElement)) studio?.focus({ preventScroll: true });
    }

    #draw(): void {
      if (this.#drawn || !this.isVisible) return;
      this.#drawn = true;
      this.#show(this.node, this.#ended.signal);
    }
  };
}
