// What the config panel holds: models, the chosen one, its parameters, and the widths of the panels.

import { type Answer, causeText, errorState } from "../lib/answer";
import {
  hasRatio,
  type Limits,
  meantRatio,
  ratioText,
  swapped,
  withEdge,
  withRatio,
} from "../lib/dimensions";
import type { Size } from "../lib/geometry";
import {
  choiceText,
  fitting,
  formOf,
  modelOf,
  nearestChoice,
  shownValue,
  type Value,
  type Values,
} from "../lib/parameters";
import { t } from "../messages";
import type { Config, ErrorState, ModelState, Panels, ProviderState } from "../protocol.gen";
import { firstSent } from "./references";
import type { Slice, State } from "./state";

/** How long the panel must rest before it is saved, in milliseconds. */
export const CONFIGURE_DELAY = 400;

/** What came of a key, a test or a new server: the words of the kernel, and whether they are good news. */
export interface Report {
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
  /** The references whose ratio was taken or declined: it is not offered again. */
  answeredRatios: readonly string[];

  /** Shows another model, with those values of the present one that it takes too. One that is asked beside it
   * changes places with it and keeps its own values. */
  chooseModel(name: string): void;
  /** Asks another model beside the chosen one, or no longer. */
  toggleAlso(name: string): void;
  /** Asks the kernel for a model that is not listed. Gives the error where there is none. */
  learnModel(name: string): Promise<ErrorState | null>;
  /** Hands a provider's key to the kernel, which keeps it; the page does not. */
  giveKey(provider: string, key: string): Promise<Report>;
  /** Tests the connection to a provider. */
  checkProvider(provider: string): Promise<Report>;
  /** Adds a server that speaks OpenAI's protocol, and chooses its first model as soon as one is known. */
  addServer(name: string, url: string, key: string): Promise<Report>;
  /** Takes such a server away, until it is put back by the notice that says so. */
  removeServer(name: string): Promise<void>;
  /** Stars a model, or takes its star. */
  toggleFavourite(name: string): void;
  /** Puts models in front of those that were used last. */
  rememberModel(...names: string[]): void;
  setCount(count: number): void;
  setParameter(name: string, value: Value): void;
  setParameters(values: Values): void;
  /** Puts parameters back to their defaults: the named ones, else all of the chosen model. */
  resetParameters(names?: readonly string[]): void;
  setEdge(edge: "width" | "height", value: number): void;
  setRatio(ratio: number): void;
  swapEdges(): void;
  /** Chooses one of the sizes that stand instead of width and height; null leaves it to the provider. */
  setNamedSize(value: Value): void;
  setRatioLocked(locked: boolean): void;
  /** Takes the ratio of the first reference, which is offered. */
  takeOfferedRatio(): void;
  dismissOfferedRatio(): void;
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
  alsoModels: [],
  count: 1,
  params: {},
  ratioLocked: false,
  meantSizes: {},
  favouriteModels: [],
  recentModels: [],
  panels: { left: 280, right: 220, leftOpen: true, rightOpen: true, advancedOpen: false },
};

export const createConfigSlice: Slice<ConfigSlice> = (set, get, send) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let saving = 0;
  /** A server whose first model is to be chosen when it is known. */
  let awaited: string | null = null;

  const save = (): void => {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    saving += 1;
    send({ method: "configure", config: get().config })
      .catch((cause: unknown) => get().addNotice("error", causeText(cause)))
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
    answeredRatios: [],

    chooseModel: (name) => {
      const { models, config } = get();
      const model = modelOf(models, name);
      if (!model || name === config.model) return;
      const also = config.alsoModels.includes(name);
      const kept = also ? {} : fitting(config.params[config.model], model);
      const values = { ...config.params[name], ...kept };
      awaited = null;
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
        // What it was last asked with stands; one that is new here begins as it would if it were chosen.
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
    giveKey: (provider, key) => hear(send({ method: "set_key", provider, key, remember: true })),
    checkProvider: (provider) => hear(send({ method: "check_provider", provider })),
    addServer: async (name, url, key) => {
      try {
        const { result } = await send({ method: "add_server", name, url, key, remember: key !== "" });
        if (result.type !== "server_added") return { good: true, message: "" };
        awaited = result.provider;
        chooseAwaited();
        return { good: !BAD.has(result.outcome), message: saidOf(result.outcome, result.message) };
      } catch (cause) {
        return refused(cause);
      }
    },
    removeServer: async (name) => {
      const url = get().providers.find((provider) => provider.name === name)?.server;
      const said = await hear(send({ method: "remove_server", name }));
      if (!said.good) {
        get().addNotice("error", said.message);
        return;
      }
      get().addNotice("info", t.server.removed(name), {
        label: t.notice.undo,
        run: () => {
          void get()
            .addServer(name, url ?? "", "")
            .then((again) => !again.good && get().addNotice("warning", again.message));
        },
      });
    },
    toggleFavourite: (name) => {
      const { favouriteModels } = get().config;
      const others = favouriteModels.filter((other) => other !== name);
      const starred = others.length === favouriteModels.length;
      if (starred && others.length === MAX_FAVOURITES) {
        get().addNotice("warning", t.model.tooManyFavourites(MAX_FAVOURITES));
      } else change({ favouriteModels: starred ? [...others, name] : others });
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
    setEdge: (edge, value) => {
      const size = sizeOf(get());
      if (!size) return;
      const { limits, current } = size;
      const { config } = get();
      const locked = config.ratioLocked ? meantOf(config, current).ratio : null;
      const next = withEdge(edge, value, current, limits, locked);
      setSize(next, locked === null ? null : { ratio: locked, area: next.width * next.height });
    },
    setRatio: (ratio) => {
      const size = sizeOf(get());
      if (!size) return;
      const { area } = meantOf(get().config, size.current);
      setSize(withRatio(ratio, area, size.limits) ?? size.current, { ratio, area });
    },
    swapEdges: () => {
      const size = sizeOf(get());
      if (!size) return;
      const { ratio, area, asked } = meantOf(get().config, size.current);
      setSize(swapped(size.current, size.limits), asked ? { ratio: 1 / ratio, area } : null);
    },
    setNamedSize: (value) => {
      const { width, height, named } = formOf(modelOf(get().models, get().config.model));
      if (!width || !height || !named) return;
      setParameters({ [named.name]: value, [width.name]: null, [height.name]: null });
    },
    setRatioLocked: (ratioLocked) => {
      change({ ratioLocked });
      const size = sizeOf(get());
      // What is locked is the ratio of now, wherever limits take the size later.
      if (ratioLocked && size && !size.automatic && size.named === null)
        mean(size.current, meantOf(get().config, size.current));
    },
    takeOfferedRatio: () => {
      const offer = offerOf(get());
      if (!offer) return;
      if (offer.parameter) setParameters({ [offer.parameter]: offer.choice });
      else get().setRatio(offer.ratio);
      get().dismissOfferedRatio();
    },
    dismissOfferedRatio: () => {
      const digest = firstSent(get())?.digest;
      if (digest !== undefined) set({ answeredRatios: [...get().answeredRatios, digest] });
    },
    setPanels: (panels) => change({ panels: { ...get().config.panels, ...panels } }),
    receiveCatalog: (models) => {
      set((state) => ({ catalog: models, models: joined(models, state.models) }));
      chooseAwaited();
    },
    receiveConfig: (config) => {
      if (timer === undefined && saving === 0) set({ config });
    },
    saveConfig: save,
  };

  /** Keeps what was asked of a size of the chosen model; null: nothing but the size itself. */
  function mean({ width, height }: Size, asked: { ratio: number; area: number } | null): void {
    const { model, meantSizes } = get().config;
    const { [model]: _, ...others } = meantSizes;
    const { ratio, area } = asked ?? {};
    change({ meantSizes: ratio && area ? { ...others, [model]: { width, height, ratio, area } } : others });
  }

  function setSize(size: Size, asked: { ratio: number; area: number } | null): void {
    const model = modelOf(get().models, get().config.model);
    const { width, height, named, custom } = formOf(model);
    if (!model || !width || !height) return;
    setParameters({
      [width.name]: size.width,
      [height.name]: size.height,
      ...(named && { [named.name]: custom }),
    });
    mean(size, asked);
  }

  function chooseAwaited(): void {
    const first = get().models.find(({ provider }) => provider === awaited);
    if (first) get().chooseModel(first.name);
  }
};

const MAX_FAVOURITES = 64;
const MAX_RECENT = 8;
/** The most models that a click asks. */
export const MAX_MODELS = 4;

function withFirst(first: readonly string[], names: readonly string[]): string[] {
  return [...first, ...names.filter((other) => !first.includes(other))].slice(0, MAX_RECENT);
}

/** What a size was meant to be: what was `asked` for when it became so, else what it is. */
export function meantOf(
  { model, meantSizes }: Config,
  { width, height }: Size,
): { ratio: number; area: number; asked: boolean } {
  const meant = meantSizes[model];
  if (meant?.width === width && meant.height === height) return { ...meant, asked: true };
  return { ratio: meantRatio({ width, height }), area: width * height, asked: false };
}

/** How the chosen model would take the ratio of the first reference that it gets, or null where it has that
 * already, or none, or was asked before. */
export function offerOf(state: Pick<State, "models" | "config" | "references" | "answeredRatios">): {
  text: string;
  ratio: number;
  parameter: string | null;
  choice: string | number | null;
} | null {
  const { models, config, answeredRatios } = state;
  const reference = firstSent(state);
  if (!reference || answeredRatios.includes(reference.digest)) return null;
  const ratio = reference.width / reference.height;
  const size = sizeOf(state);
  if (size) {
    const is = !size.automatic && size.named === null && hasRatio(size.current, ratio);
    return is ? null : { text: ratioText(ratio), ratio, parameter: null, choice: null };
  }
  const model = modelOf(models, config.model);
  for (const shape of formOf(model).shapes) {
    const choice = nearestChoice(shape, ratio);
    if (choice === null) continue;
    const is = shownValue(shape, config.params[config.model]) === choice;
    return is ? null : { text: choiceText(choice), ratio, parameter: shape.name, choice };
  }
  return null;
}

/** Both lists, each model once; one of the first list wins. */
export function joined(models: readonly ModelState[], more: readonly ModelState[]): ModelState[] {
  const names = new Set(models.map(({ name }) => name));
  return [...models, ...more.filter(({ name }) => !names.has(name))];
}

const BAD = new Set(["missing_key", "bad_key", "no_network", "other"]);

function saidOf(name: keyof typeof t.keys.said, message: string): string {
  const own = t.keys.said[name];
  return own ? t.errors.whole(own, "", message) : message;
}

async function hear(answer: Promise<Answer>): Promise<Report> {
  try {
    const { result } = await answer;
    if (result.type === "provider_checked")
      return { good: !BAD.has(result.outcome), message: saidOf(result.outcome, result.message) };
    return { good: true, message: result.type === "key_taken" ? saidOf(result.place, result.message) : "" };
  } catch (cause) {
    return refused(cause);
  }
}

function refused(cause: unknown): Report {
  return { good: false, message: causeText(cause) };
}

const UNSET_EDGE = 1024;

/** The size that is shown, and its limits. */
export interface Sizing {
  current: Size;
  limits: Limits;
  /** Nothing is sent, and the provider chooses: `current` is where a choice would begin. */
  automatic: boolean;
  /** The size by name that is chosen instead, or null. */
  named: string | number | null;
}

/** The size of the chosen model; null where it has no free width and height. */
export function sizeOf(state: Pick<State, "models" | "config">): Sizing | null {
  const model = modelOf(state.models, state.config.model);
  const { width, height, named, custom } = formOf(model);
  if (!model || !width || !height) return null;
  const values = state.config.params[model.name];
  const own = [shownValue(width, values), shownValue(height, values)];
  const edge = (value: Value | undefined): number =>
    typeof value === "number" && value > 0 ? value : UNSET_EDGE;
  const name = named && shownValue(named, values);
  return {
    current: { width: edge(own[0]), height: edge(own[1]) },
    limits: { width, height, rule: model.sizeRule },
    automatic: own.every((value) => value === null),
    named: name === custom || typeof name === "boolean" ? null : name,
  };
}
