// What the extension adds to JupyterLab and to Notebook 7.
import type { DraggedImage, LabOffers } from "../lib/jupyterlab";
import { labTexts } from "../messages/lab";
import type { Application, LabIcon, Plugin, Router, Take, Token } from "./api";
import { insertPicture, takeDrops } from "./drops";
import { COLOURED, PLAIN } from "./icons";
import { insertCode, type Notebooks } from "./notebook";
import { type Classes, Panels } from "./panels";
import { LabStudio } from "./studio";

const OPEN = "imgplay:open";
const OPEN_IN_BROWSER = "imgplay:open-in-browser";
/** Near the top: in a low window, Notebook's long menu shows its end only to those who scroll. */
const MENU_RANK = 2;
/** After the cards for files: the heading of the category shows the icon of the first card. */
const LAUNCHER_RANK = 10;
/** The parameter of the address, as on the server's own page. */
const TOPIC = "topic";

/** The service of each token, null where the application has none. */
type Services<Tokens> = {
  [Name in keyof Tokens]: Tokens[Name] extends Token<infer Service> | undefined ? Service | null : never;
};

/** What JupyterLab and Notebook are asked for. */
async function tokensOf(take: Take) {
  const [
    { ILabShell, ILayoutRestorer, IRouter },
    { ICommandPalette },
    { ILauncher },
    { IMainMenu },
    { INotebookTracker },
    { ITranslator },
  ] = await Promise.all([
    take("@jupyterlab/application"),
    take("@jupyterlab/apputils"),
    take("@jupyterlab/launcher"),
    take("@jupyterlab/mainmenu"),
    take("@jupyterlab/notebook"),
    take("@jupyterlab/translation"),
  ]);
  return {
    labShell: ILabShell,
    restorer: ILayoutRestorer,
    router: IRouter,
    palette: ICommandPalette,
    launcher: ILauncher,
    mainMenu: IMainMenu,
    notebooks: INotebookTracker,
    translator: ITranslator,
  };
}

type Found = Services<Awaited<ReturnType<typeof tokensOf>>>;

/** Return the extension. Each service is optional, so that one extension suits both applications. */
export async function createPlugin(take: Take): Promise<Plugin> {
  const tokens = await tokensOf(take);
  const [{ MainAreaWidget, WidgetTracker }, { PageConfig }, { LabIcon }, { Widget }] = await Promise.all([
    take("@jupyterlab/apputils"),
    take("@jupyterlab/coreutils"),
    take("@jupyterlab/ui-components"),
    take("@lumino/widgets"),
  ]);
  const asked = Object.entries(tokens).filter(([, token]) => token !== undefined);
  return {
    id: "imgplay-widget:studio",
    description: "A studio for generating images.",
    autoStart: true,
    optional: asked.map(([, token]) => token as Token<unknown>),
    activate: (app, ...services) => {
      const found = Object.fromEntries(asked.map(([name], index) => [name, services[index]])) as Found;
      const texts = labTexts(found.translator?.languageCode ?? document.documentElement.lang);
      const host: Host = { app, found, texts, base: PageConfig.getBaseUrl(), icon };
      addBrowserTab(host);
      const panels = found.labShell ? addPanels(host, { MainAreaWidget, WidgetTracker, Widget }) : null;
      // Voilà has no notebook that could take anything.
      if (found.notebooks) window.imgplayLab = offers(found.notebooks, texts, panels);
    },
  };

  function icon(name: string, svgstr: string): LabIcon {
    return new LabIcon({ name, svgstr });
  }
}

/** The application, what it offers, and what suits it. */
interface Host {
  app: Application;
  found: Found;
  texts: ReturnType<typeof labTexts>;
  base: string;
  icon(name: string, svg: string): LabIcon;
}

/** Add the command that opens the page of the server in a tab of the browser, in Notebook as an entry of the menu. */
function addBrowserTab({ app, found: { labShell, mainMenu, palette }, texts, base, icon }: Host): void {
  app.commands.addCommand(OPEN_IN_BROWSER, {
    label: labShell ? texts.inBrowser : texts.name,
    caption: texts.inBrowserCaption,
    icon: icon("imgplay:page", PLAIN),
    execute: () => void window.open(`${base}image-playground`, "_blank", "noopener"),
  });
  palette?.addItem({ command: OPEN_IN_BROWSER, category: texts.name });
  if (!labShell) mainMenu?.viewMenu.addGroup([{ command: OPEN_IN_BROWSER }], MENU_RANK);
}

/** Add the sidebar, the tab, and the command and the launcher card that open the tab. */
function addPanels({ app, found, texts, base, icon }: Host, classes: Classes): Panels {
  const { launcher, palette, restorer, router, translator } = found;
  const { name: label, caption } = texts;
  const panels = new Panels(app, classes, new LabStudio(base, texts), {
    label,
    caption,
    icon: icon("imgplay:panel", PLAIN),
  });
  app.commands.addCommand(OPEN, {
    label,
    caption,
    icon: icon("imgplay:card", COLOURED),
    execute: ({ topic }) => panels.open(typeof topic === "string" ? topic : undefined),
  });
  palette?.addItem({ command: OPEN, category: label });
  // JupyterLab knows its own categories by their names in the language that it shows.
  const category = translator?.load("jupyterlab").__("Other") ?? "Other";
  launcher?.add({ command: OPEN, category, rank: LAUNCHER_RANK });
  panels.addSidebar();
  if (restorer) panels.restore(restorer, OPEN);
  void openTopic(app, router);
  return panels;
}

/** Return what the studios of this window can do in it. */
function offers(notebooks: Notebooks, texts: Host["texts"], panels: Panels | null): LabOffers {
  let dragged: DraggedImage | null = null;
  takeDrops(notebooks, () => dragged, texts, new AbortController().signal);
  return {
    ...(panels && { openTab: panels.openTab.bind(panels) }),
    insertCode: (code) => insertCode(notebooks, code),
    insertPicture: (image) => insertPicture(notebooks, image),
    drag: (image) => {
      dragged = image;
    },
  };
}

/** Open the topic that the address names, and take it out of the address: the next load shows what was shown last. */
async function openTopic(app: Application, router: Router | null): Promise<void> {
  const topic = new URL(location.href).searchParams.get(TOPIC);
  if (topic === null) return;
  await app.restored;
  await app.commands.execute(OPEN, { topic });
  const address = new URL(location.href);
  address.searchParams.delete(TOPIC);
  router?.navigate(address.pathname + address.search + address.hash, { skipRouting: true });
}
