// What the config panel holds: the models, the chosen one, its parameters, and the widths of the panels.
import { causeText, errorState } from "../lib/answer";
import { fitting, modelOf, type Value, type Values } from "../lib/parameters";
import { NO_WORDS } from "../lib/presets";
import { t } from "../messages";
import type { Config, ErrorState, ModelState, Panels } from "../protocol.gen";
import type { Slice } from "./state";

/** How long the panel must rest before it is saved, in milliseconds. */
export const CONFIGURE_DELAY = 400;

export interface ConfigSlice {
  /** The models to choose from: those that are offered, and unlisted ones that were used here. */
  models: ModelState[];
  /** The models that are offered. */
  catalog: ModelState[];
  config: Config;
  maxCount: number;

  /** Choose another model, with the values of the present one that it takes too. A model that is asked already
   * changes places with the present one and keeps its own values. */
  chooseModel(name: string): void;
  /** Ask another model beside the chosen one, or stop asking it. */
  toggleAlso(name: string): void;
  /** Ask the kernel for a model that is not listed. Return the error if it does not exist. */
  learnModel(name: string): Promise<ErrorState | null>;
  /** Star a model, or remove its star. */
  toggleStar(name: string): void;
  /** Note models as the ones used last. */
  rememberModel(...names: string[]): void;
  setCount(count: number): void;
  setParameter(name: string, value: Value): void;
  setParameters(values: Values): void;
  /** Reset parameters to their defaults: the named ones, else all of the chosen model. */
  resetParameters(names?: readonly string[]): void;
  setPanels(panels: Partial<Panels>): void;
  /** Take in all models that are offered. Known unlisted models stay. */
  receiveCatalog(models: ModelState[]): void;
  /** Take in a config from the kernel, unless the user is changing the config right now. */
  receiveConfig(config: Config): void;
  /** Change the config. It is saved when no change came for a while. Without a kernel only the panels change. */
  changeConfig(patch: Partial<Config>): void;
  /** Save the changes that were made before the kernel answered, when no change came for a while. */
  scheduleConfig(): void;
  /** Save at once what waits to be saved, also what was changed before the kernel answered. */
  saveConfig(): void;
}

/** A config before the kernel has sent one. */
export const EMPTY_CONFIG: Config = {
  model: "",
  alsoModels: [],
  count: 1,
  params: {},
  ratioLocked: false,
  meantSizes: {},
  starredModels: [],
  recentModels: [],
  panels: {
    left: 280,
    right: 220,
    leftOpen: true,
    rightOpen: true,
    advancedOpen: false,
    tileSize: 0,
    gallery: false,
  },
  words: NO_WORDS,
};

export const createConfigSlice: Slice<ConfigSlice> = (set, get, send) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let saving = 0;
  /** What was changed before the kernel answered: the page may have shown an old config until then. */
  let early: Partial<Config> = {};

  const isEarly = (): boolean => Object.keys(early).length > 0;
  const save = (): void => {
    if (timer === undefined && !isEarly()) return;
    clearTimeout(timer);
    timer = undefined;
    saving += 1;
    send({ method: "configure", config: get().config })
      .catch((cause: unknown) => get().addNotice("error", causeText(cause)))
      .finally(() => {
        saving -= 1;
      });
  };

  const change = (patch: Partial<Config>): void => get().changeConfig(patch);

  const setParameters = (values: Values): void => {
    const { config } = get();
    const params = { ...config.params, [config.model]: { ...config.params[config.model], ...values } };
    change({ params });
  };

  return {
    models: [],
    catalog: [],
    config: EMPTY_CONFIG,
    maxCount: 4,

    chooseModel: (name) => {
      const { models, config } = get();
      const model = modelOf(models, name);
      if (!model || name === config.model) return;
      const also = config.alsoModels.includes(name);
      const kept = also ? {} : fitting(config.params[config.model], model);
      const values = { ...config.params[name], ...kept };
      set({ awaitedServer: null });
      change({
        model: name,
        alsoModels: config.alsoModels.map((other) => (other === name ? config.model : other)),
        params: { ...config.params, [name]: values },
        recentModels: withFirst([name], config.recentModels),
      });
    },
    toggleAlso: (name) => {
      const { models, config } = get();
      const model = modelOf(models, name);
      const others = config.alsoModels.filter((other) => other !== name && other !== config.model);
      if (config.alsoModels.includes(name)) change({ alsoModels: others });
      else if (!model || name === config.model) return;
      else if (others.length === MAX_MODELS - 1) {
        get().addNotice("warning", t.model.tooMany(MAX_MODELS));
      } else {
        // A model keeps the values that it was last asked with. A new one begins as if it were chosen.
        const values = config.params[name] ?? fitting(config.params[config.model], model);
        change({ alsoModels: [...others, name], params: { ...config.params, [name]: values } });
      }
    },
    learnModel: async (name) => {
      if (modelOf(get().models, name)) return null;
      try {
        const { result } = await send({ method: "model", name });
        if (result.type === "model") {
          const { model } = result;
          set(({ models }) => ({ models: joined(models, [model]) }));
        }
        return null;
      } catch (cause) {
        return errorState(cause);
      }
    },
    toggleStar: (name) => {
      const { starredModels } = get().config;
      const others = starredModels.filter((other) => other !== name);
      const starred = others.length === starredModels.length;
      if (starred && others.length === MAX_STARRED) {
        get().addNotice("warning", t.model.tooManyStarred(MAX_STARRED));
      } else change({ starredModels: starred ? [...others, name] : others });
    },
    rememberModel: (...names) => {
      const { recentModels } = get().config;
      if (names.some((name, place) => recentModels[place] !== name))
        change({ recentModels: withFirst(names, recentModels) });
    },
    setCount: (count) => change({ count: Math.min(Math.max(Math.round(count), 1), get().maxCount) }),
    setParameter: (name, value) => setParameters({ [name]: value }),
    setParameters,
    resetParameters: (names) => {
      const { config } = get();
      const params = { ...config.params };
      const own = Object.entries(params[config.model] ?? {});
      delete params[config.model];
      const kept = own.filter(([name]) => names && !names.includes(name));
      if (kept.length > 0) params[config.model] = Object.fromEntries(kept);
      change({ params });
    },
    setPanels: (panels) => change({ panels: { ...get().config.panels, ...panels } }),
    receiveCatalog: (models) => {
      set((state) => ({ catalog: models, models: joined(models, state.models) }));
      get().chooseOfServer();
    },
    receiveConfig: (config) => {
      if (timer === undefined && saving === 0) set({ config: { ...EMPTY_CONFIG, ...config, ...early } });
    },
    changeConfig: (patch) => {
      if (!get().usable && !patch.panels) return;
      set((state) => ({ config: { ...state.config, ...patch } }));
      early = { ...early, ...patch };
      if (get().live) get().scheduleConfig();
    },
    scheduleConfig: () => {
      if (!isEarly()) return;
      early = {};
      clearTimeout(timer);
      timer = setTimeout(save, CONFIGURE_DELAY);
    },
    saveConfig: save,
  };
};

const MAX_STARRED = 64;
const MAX_RECENT = 8;
/** The most models that a click asks. */
export const MAX_MODELS = 4;

function withFirst(first: readonly string[], names: readonly string[]): string[] {
  return [...first, ...names.filter((other) => !first.includes(other))].slice(0, MAX_RECENT);
}

/** Return the models of both lists, each once. A model of the first list wins. */
export function joined(models: readonly ModelState[], more: readonly ModelState[]): ModelState[] {
  const names = new Set(models.map(({ name }) => name));
  return [...models, ...more.filter(({ name }) => !names.has(name))];
}
