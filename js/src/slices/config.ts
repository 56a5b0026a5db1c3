// What the config panel holds: models, the chosen one, its parameters, and the widths of the panels.
import { type Answer, errorState } from "../lib/answer";
import { type Limits, type Size, withEdge, withRatio } from "../lib/dimensions";
import { fitting, formOf, modelOf, shownValue, type Value, type Values } from "../lib/parameters";
import type { Config, ErrorState, ModelState, Panels, ProviderState } from "../protocol.gen";
import type { Slice, State } from "./state";

/** How long the panel must rest before it is saved, in milliseconds. */
export const CONFIGURE_DELAY = 400;

/** What the kernel said to a key or a test, and whether that is as it should be. */
export interface Said {
  good: boolean;
  message: string;
}

export interface ConfigSlice {
  /** The models to choose from: those that are offered, and free-text ones that were used here. */
  models: ModelState[];
  /** Those that are offered. */
  catalog: ModelState[];
  providers: ProviderState[];
  config: Config;
  maxCount: number;

  /** Shows another model, with those values of the present one that it takes too. */
  chooseModel(name: string): void;
  /** Asks the kernel for a model that is not listed. Gives the error where there is none. */
  learnModel(name: string): Promise<ErrorState | null>;
  /** Hands a provider's key to the kernel, which keeps it; the page does not. */
  giveKey(provider: string, key: string): Promise<Said>;
  /** Tests the connection to a provider. */
  checkProvider(provider: string): Promise<Said>;
  setCount(count: number): void;
  setParameter(name: string, value: Value): void;
  setParameters(values: Values): void;
  resetParameters(): void;
  setEdge(edge: "width" | "height", value: number): void;
  setRatio(ratio: number): void;
  setRatioLocked(locked: boolean): void;
  setPanels(panels: Partial<Panels>): void;
  /** Takes in all models that are offered; free-text ones that are known stay. */
  receiveCatalog(models: ModelState[]): void;
  /** Takes over a config from the kernel, unless the user is just changing it here. */
  receiveConfig(config: Config): void;
  /** Saves now what waits to be saved. */
  saveConfig(): void;
}

const EMPTY: Config = {
  model: "",
  count: 1,
  params: {},
  ratioLocked: false,
  favouriteModels: [],
  recentModels: [],
  panels: { left: 280, right: 220, leftOpen: true, rightOpen: true, advancedOpen: false },
};

export const createConfigSlice: Slice<ConfigSlice> = (set, get, send) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let saving = 0;

  const save = (): void => {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    saving += 1;
    send({ method: "configure", config: get().config })
      .catch((cause: unknown) => {
        const { message, nextStep } = errorState(cause);
        get().addNotice("error", `${message} ${nextStep}`);
      })
      .finally(() => {
        saving -= 1;
      });
  };

  const change = (patch: Partial<Config>): void => {
    // Before the kernel's own answer, what is shown may be old, and would be saved over what is there.
    if (!get().live) return;
    set((state) => ({ config: { ...state.config, ...patch } }));
    if (timer !== undefined) clearTimeout(timer);
    timer = setTimeout(save, CONFIGURE_DELAY);
  };

  const setParameters = (values: Values): void => {
    const { config } = get();
    const params = { ...config.params, [config.model]: { ...config.params[config.model], ...values } };
    change({ params });
  };

  return {
    models: [],
    catalog: [],
    providers: [],
    config: EMPTY,
    maxCount: 4,

    chooseModel: (name) => {
      const { models, config } = get();
      const model = modelOf(models, name);
      if (!model || name === config.model) return;
      const kept = fitting(config.params[config.model], model);
      const values = { ...config.params[name], ...kept };
      change({ model: name, params: { ...config.params, [name]: values } });
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
    giveKey: (provider, key) => hear(send({ method: "set_key", provider, key, remember: true })),
    checkProvider: (provider) => hear(send({ method: "check_provider", provider })),
    setCount: (count) => change({ count: Math.min(Math.max(Math.round(count), 1), get().maxCount) }),
    setParameter: (name, value) => setParameters({ [name]: value }),
    setParameters,
    resetParameters: () => {
      const { config } = get();
      const params = { ...config.params };
      delete params[config.model];
      change({ params });
    },
    setEdge: (edge, value) => {
      const size = sizeOf(get());
      if (!size) return;
      const { limits, current } = size;
      setSize(limits, withEdge(edge, value, current, limits, get().config.ratioLocked));
    },
    setRatio: (ratio) => {
      const size = sizeOf(get());
      if (size) setSize(size.limits, withRatio(ratio, size.current, size.limits));
    },
    setRatioLocked: (locked) => change({ ratioLocked: locked }),
    setPanels: (panels) => change({ panels: { ...get().config.panels, ...panels } }),
    receiveCatalog: (models) => set((state) => ({ catalog: models, models: joined(models, state.models) })),
    receiveConfig: (config) => {
      if (timer === undefined && saving === 0) set({ config });
    },
    saveConfig: save,
  };

  function setSize(limits: Limits, size: Size): void {
    setParameters({ [limits.width.name]: size.width, [limits.height.name]: size.height });
  }
};

/** Both lists, each model once; one of the first list wins. */
export function joined(models: readonly ModelState[], more: readonly ModelState[]): ModelState[] {
  const names = new Set(models.map(({ name }) => name));
  return [...models, ...more.filter(({ name }) => !names.has(name))];
}

const BAD = new Set(["missing_key", "bad_key", "no_network", "other"]);

async function hear(answer: Promise<Answer>): Promise<Said> {
  try {
    const { result } = await answer;
    if (result.type === "provider_checked")
      return { good: !BAD.has(result.outcome), message: result.message };
    return { good: true, message: result.type === "key_taken" ? result.message : "" };
  } catch (cause) {
    const { message, nextStep } = errorState(cause);
    return { good: false, message: `${message} ${nextStep}` };
  }
}

const UNSET_EDGE = 1024;

/** The size that is shown, and its limits; null where the model has no free width and height. */
export function sizeOf(state: Pick<State, "models" | "config">): { current: Size; limits: Limits } | null {
  const model = modelOf(state.models, state.config.model);
  const { width, height } = formOf(model);
  if (!model || !width || !height) return null;
  const values = state.config.params[model.name];
  const edge = (parameter: Limits["width"]): number => {
    const value = shownValue(parameter, values);
    return typeof value === "number" && value > 0 ? value : UNSET_EDGE;
  };
  return {
    current: { width: edge(width), height: edge(height) },
    limits: { width, height, rule: model.sizeRule },
  };
}
