// What the extension adds to JupyterLab and to Notebook 7.
import { labTexts } from "../messages/lab";
import type { Application, Plugin, Router, Take, Token } from "./api";
import { COLOURED, PLAIN } from "./icons";
import { Panels } from "./panels";
import { LabStudio } from "./studio";

const OPEN = "imgplay:open";
const OPEN_IN_BROWSER = "imgplay:open-in-browser";
/** Below the other entries of the menu. */
const MENU_RANK = 100;
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
    { ITranslator },
  ] = await Promise.all([
    take("@jupyterlab/application"),
    take("@jupyterlab/apputils"),
    take("@jupyterlab/launcher"),
    take("@jupyterlab/mainmenu"),
    take("@jupyterlab/translation"),
  ]);
  return {
    labShell: ILabShell,
    restorer: ILayoutRestorer,
    router: IRouter,
    palette: ICommandPalette,
    launcher: ILauncher,
    mainMenu: IMainMenu,
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
      const { labShell, launcher, mainMenu, palette, translator } = found;
      const texts = labTexts(translator?.languageCode ?? document.documentElement.lang);
      const plain = new LabIcon({ name: "imgplay:plain", svgstr: PLAIN });
      const base = PageConfig.getBaseUrl();
      app.commands.addCommand(OPEN_IN_BROWSER, {
        label: labShell ? texts.inBrowser : texts.name,
        caption: texts.inBrowserCaption,
        icon: plain,
        execute: () => void window.open(`${base}image-playground`, "_blank", "noopener"),
      });
      palette?.addItem({ command: OPEN_IN_BROWSER, category: texts.name });
      if (!labShell) {
        mainMenu?.viewMenu.addGroup([{ command: OPEN_IN_BROWSER }], MENU_RANK);
        return;
      }
      const panels = new Panels(app, { MainAreaWidget, WidgetTracker, Widget }, new LabStudio(base, texts), {
        label: texts.name,
        caption: texts.caption,
        icon: plain,
      });
      app.commands.addCommand(OPEN, {
        label: texts.name,
        caption: texts.caption,
        icon: new LabIcon({ name: "imgplay:coloured", svgstr: COLOURED }),
        execute: ({ topic }) => panels.open(typeof topic === "string" ? topic : undefined),
      });
      palette?.addItem({ command: OPEN, category: texts.name });
      // JupyterLab knows its own categories by their names in the language that it shows.
      const category = translator?.load("jupyterlab").__("Other") ?? "Other";
      launcher?.add({ command: OPEN, category, rank: LAUNCHER_RANK });
      panels.addSidebar();
      if (found.restorer) panels.restore(found.restorer, OPEN);
      void openTopic(app, found.router);
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
