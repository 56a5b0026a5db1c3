// The size of the images: width and height, their ratio, and the ratio that the first reference offers.
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
import { choiceText, formOf, modelOf, nearestChoice, shownValue, type Value } from "../lib/parameters";
import type { Config } from "../protocol.gen";
import { firstSent } from "./references";
import type { Slice, State } from "./state";

export interface SizesSlice {
  /** The references whose ratio was taken or declined. It is not offered again. */
  answeredRatios: readonly string[];

  setEdge(edge: "width" | "height", value: number): void;
  setRatio(ratio: number): void;
  swapEdges(): void;
  /** Choose a size by name instead of width and height; null leaves the size to the provider. */
  setNamedSize(value: Value): void;
  setRatioLocked(locked: boolean): void;
  /** Take the offered ratio of the first reference. */
  takeOfferedRatio(): void;
  dismissOfferedRatio(): void;
}

export const createSizesSlice: Slice<SizesSlice> = (set, get) => {
  /** Remember which ratio and area were asked for when the size was set; null if only the size was. */
  function mean({ width, height }: Size, asked: { ratio: number; area: number } | null): void {
    const { model, meantSizes } = get().config;
    const { [model]: _, ...others } = meantSizes;
    const { ratio, area } = asked ?? {};
    get().changeConfig({
      meantSizes: ratio && area ? { ...others, [model]: { width, height, ratio, area } } : others,
    });
  }

  function setSize(size: Size, asked: { ratio: number; area: number } | null): void {
    const model = modelOf(get().models, get().config.model);
    const { width, height, named, custom } = formOf(model);
    if (!model || !width || !height) return;
    get().setParameters({
      [width.name]: size.width,
      [height.name]: size.height,
      ...(named && { [named.name]: custom }),
    });
    mean(size, asked);
  }

  return {
    answeredRatios: [],

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
      get().setParameters({ [named.name]: value, [width.name]: null, [height.name]: null });
    },
    setRatioLocked: (ratioLocked) => {
      get().changeConfig({ ratioLocked });
      const size = sizeOf(get());
      // The present ratio is locked, even if limits change the size later.
      if (ratioLocked && size && !size.automatic && size.named === null)
        mean(size.current, meantOf(get().config, size.current));
    },
    takeOfferedRatio: () => {
      const offer = offerOf(get());
      if (!offer) return;
      if (offer.parameter) get().setParameters({ [offer.parameter]: offer.choice });
      else get().setRatio(offer.ratio);
      get().dismissOfferedRatio();
    },
    dismissOfferedRatio: () => {
      const digest = firstSent(get())?.digest;
      if (digest !== undefined) set({ answeredRatios: [...get().answeredRatios, digest] });
    },
  };
};

/** Return the ratio and area that a size was meant to have: those that were `asked` for, else its own. */
export function meantOf(
  { model, meantSizes }: Config,
  { width, height }: Size,
): { ratio: number; area: number; asked: boolean } {
  const meant = meantSizes[model];
  if (meant?.width === width && meant.height === height) return { ...meant, asked: true };
  return { ratio: meantRatio({ width, height }), area: width * height, asked: false };
}

/**
 * Return how the chosen model would take the ratio of the first reference that is sent; null if the size has that
 * ratio already, or there is no reference, or the user was asked before.
 */
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

const UNSET_EDGE = 1024;

/** The size that is shown, and its limits. */
export interface Sizing {
  current: Size;
  limits: Limits;
  /** No size is sent, and the provider chooses: `current` is the size that a choice would begin with. */
  automatic: boolean;
  /** The chosen size by name, or null. */
  named: string | number | null;
}

/** Return the size of the chosen model; null where it has no free width and height. */
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
