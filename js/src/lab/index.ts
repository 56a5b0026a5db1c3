// The extension of JupyterLab and Notebook 7, as both load it: a container of Module Federation, by hand.
//
// What an application asks of a container is two functions: `init` gets the packages that the application shares, and
// `get` hands over a module. A builder would add a hundred megabytes to the build for these few lines.
import type { Packages, Plugin, Take } from "./api";
import { createPlugin } from "./plugin";

/** Each version of a shared package. */
type Shared = Record<string, Record<string, { get(): Promise<() => unknown>; loaded?: unknown }>>;

interface Container {
  init(shared: Shared): void;
  get(module: string): Promise<() => { __esModule: true; default: Plugin }>;
}

declare global {
  interface Window {
    _JUPYTERLAB?: Record<string, Container>;
  }
}

let shared: Shared = {};

/** Take the version that runs: a second one would have tokens of its own, which nothing answers. */
const take: Take = async <Name extends keyof Packages>(name: Name) => {
  const versions = Object.values(shared[name] ?? {});
  const found = versions.find(({ loaded }) => loaded) ?? versions[0];
  return (found ? (await found.get())() : {}) as Packages[Name];
};

window._JUPYTERLAB ??= {};
window._JUPYTERLAB["imgplay-widget"] = {
  init: (packages) => {
    shared = packages;
  },
  get: async (module) => {
    if (module !== "./extension") throw new Error(`imgplay-widget has no module ${module}.`);
    const plugin = await createPlugin(take);
    return () => ({ __esModule: true, default: plugin });
  },
};
