// What the extension uses of JupyterLab, Notebook and Lumino, and no more. Both applications share these packages with
// each extension, so their own types, some hundred megabytes of packages, are not needed for it.
import type { Notebooks } from "./notebook";

/** The place where an application offers a service, such as the launcher, to its extensions. */
export type Token<Service> = { readonly name: string } & { readonly _service?: Service };

export interface Signal<Told = void> {
  connect(slot: (sender: unknown, told: Told) => void): void;
}

export interface LabIcon {
  readonly name: string;
}

export declare class Widget {
  constructor();
  id: string;
  readonly node: HTMLElement;
  readonly title: { label: string; caption: string; icon: LabIcon; closable: boolean };
  readonly isAttached: boolean;
  readonly isDisposed: boolean;
  readonly isVisible: boolean;
  readonly disposed: Signal;
  dispose(): void;
  hide(): void;
  protected onActivateRequest(message: unknown): void;
  protected onAfterAttach(message: unknown): void;
  protected onAfterShow(message: unknown): void;
}

/** A widget of the main area: its content below a toolbar. */
export declare class MainAreaWidget extends Widget {
  constructor(options: { content: Widget });
  readonly toolbar: Widget;
}

/** Remembers widgets, so that the application opens them again after it was loaded again. */
export declare class WidgetTracker {
  constructor(options: { namespace: string });
  add(widget: Widget): Promise<void>;
}

export interface Command {
  label: string;
  caption: string;
  icon: LabIcon;
  execute(args: Readonly<Record<string, unknown>>): void;
}

export interface Application {
  readonly commands: {
    addCommand(id: string, command: Command): void;
    execute(id: string, args?: Record<string, unknown>): Promise<unknown>;
  };
  readonly restored: Promise<void>;
  readonly shell: {
    add(widget: Widget, area: string, options?: { rank: number }): void;
    activateById(id: string): void;
  };
}

export interface CommandPalette {
  addItem(item: { command: string; category: string }): void;
}
export interface Launcher {
  add(item: { command: string; category: string; rank: number }): void;
}
export interface LayoutRestorer {
  add(widget: Widget, name: string): void;
  restore(tracker: WidgetTracker, options: { command: string; name: () => string }): Promise<unknown>;
}
export interface MainMenu {
  readonly viewMenu: { addGroup(items: { command: string }[], rank: number): void };
}
export interface Router {
  navigate(path: string, options: { skipRouting: boolean }): void;
}
export interface Translator {
  /** The language, such as `en` or `zh_CN`. */
  readonly languageCode: string;
  load(domain: string): { __(text: string): string };
}

/** The packages that the extension takes from the application. Notebook lacks some of them. */
export interface Packages {
  "@jupyterlab/application": {
    ILabShell?: Token<unknown>;
    ILayoutRestorer?: Token<LayoutRestorer>;
    IRouter?: Token<Router>;
  };
  "@jupyterlab/apputils": {
    ICommandPalette: Token<CommandPalette>;
    MainAreaWidget: typeof MainAreaWidget;
    WidgetTracker: typeof WidgetTracker;
  };
  "@jupyterlab/coreutils": { PageConfig: { getBaseUrl(): string } };
  "@jupyterlab/launcher": { ILauncher?: Token<Launcher> };
  "@jupyterlab/mainmenu": { IMainMenu?: Token<MainMenu> };
  "@jupyterlab/notebook": { INotebookTracker?: Token<Notebooks> };
  "@jupyterlab/translation": { ITranslator?: Token<Translator> };
  "@jupyterlab/ui-components": { LabIcon: new (icon: { name: string; svgstr: string }) => LabIcon };
  "@lumino/widgets": { Widget: typeof Widget };
}

/** Return a package of the application; an empty one where the application does not have it. */
export type Take = <Name extends keyof Packages>(name: Name) => Promise<Packages[Name]>;

/** An extension as the application starts it, with the service of each token, or null where there is none. */
export interface Plugin {
  id: string;
  description: string;
  autoStart: true;
  optional: Token<unknown>[];
  activate(app: Application, ...services: unknown[]): void;
}
