// What can be done with a finished image, as the entries of a menu.
import { costOf, estimateText, grown } from "../lib/cost";
import { type Ability, followUps, type Offer } from "../lib/follow-ups";
import type { Values } from "../lib/parameters";
import { t } from "../messages/edit";
import type { BatchState, GenerationState, ModelState } from "../protocol.gen";
import { followUp } from "../slices/follow-up";
import type { Page } from "./context";
import { beginPainting } from "./edit-image";
import type { IconName } from "./icon";
import type { MenuItem } from "./menu";

const ICONS: Readonly<Record<Ability, IconName>> = {
  upscale: "upscale",
  remove_background: "cutOut",
  vary: "vary",
  outpaint: "extend",
  inpaint: "mask",
};

/** The share of an edge by which an image is extended. */
const QUARTER = 0.25;

const SIDES = ["left", "right", "top", "bottom"] as const;

const EXTENDED: readonly (readonly (typeof SIDES)[number][])[] = [
  SIDES,
  ["left", "right"],
  ["top", "bottom"],
  ["left"],
  ["right"],
  ["top"],
  ["bottom"],
];

/**
 * Return what models that can be used now do with an image; nothing where none does anything.
 * @param at an element of the studio whose prompt gets the focus
 * @param onBegun is called when something was begun, so that a dialog over the page can close
 */
export function followUpItems(
  page: Page,
  batch: BatchState,
  generation: GenerationState,
  at: Element | null,
  onBegun?: () => void,
): MenuItem[] {
  const offers = followUps(page.store.getState(), batch, generation, Date.now());
  const item = (offer: Offer, model: ModelState, text: string): MenuItem => {
    const { ability } = offer;
    const begin = (params?: Values): void => {
      void followUp(page, generation.id, { action: ability, model: model.name, ...(params && { params }) });
      onBegun?.();
    };
    const common = { icon: ICONS[ability], text, testid: `follow-${ability}` };
    if (ability === "outpaint") return { ...common, detail: model.title, more: () => sides(model, begin) };
    const paint = (): void => {
      onBegun?.();
      beginPainting(page, batch, generation, model, at);
    };
    return {
      ...common,
      detail: detailOf(model, generation),
      onChoose: ability === "inpaint" ? paint : () => begin(),
    };
  };
  const sides = (model: ModelState, begin: (params: Values) => void): MenuItem[] =>
    EXTENDED.map((some, place) => {
      const values = added(model, generation, some);
      return {
        text: t.follow.sides[place] ?? "",
        testid: `extend-${some.length === SIDES.length ? "all" : some.join("-")}`,
        detail: detailOf(model, generation, values),
        onChoose: () => begin(values),
      };
    });
  const best = offers.map((offer) => item(offer, offer.models[0], t.batch.actions[offer.ability] ?? ""));
  const others = offers.flatMap((offer) =>
    offer.models.slice(1).map((model, place) => ({
      ...item(offer, model, `${t.batch.actions[offer.ability]}: ${model.title}`),
      detail: costText(model, generation),
      apart: place === 0,
    })),
  );
  if (others.length === 0) return best;
  return [...best, { text: t.follow.others, testid: "follow-others", apart: true, more: () => others }];
}

/** Return how many pixels are added to some sides. */
function added(
  { parameters }: ModelState,
  { width, height }: GenerationState,
  some: readonly (typeof SIDES)[number][],
): Values {
  return Object.fromEntries(
    SIDES.map((side) => {
      const edge = (side === "left" || side === "right" ? width : height) ?? 1024;
      const most = parameters.find(({ name }) => name === side)?.maximum ?? edge;
      return [side, some.includes(side) ? Math.min(Math.round(edge * QUARTER), most) : 0];
    }),
  );
}

/** Return the price and the model. A long title is cut at its end, where the room is small, and the price is not. */
function detailOf(model: ModelState, generation: GenerationState, values?: Values): string {
  return [costText(model, generation, values), model.title].filter((part) => part !== "").join(" · ");
}

/** Return what it is expected to cost: an amount, or the price of a unit where the size is not known. */
function costText(model: ModelState, { width, height }: GenerationState, values: Values = {}): string {
  const own = width && height ? { width, height } : undefined;
  const part = {
    model,
    values,
    size: grown(model, values, own),
    references: own ? [own] : [],
  };
  return costOf(part, 1)?.most === 0 ? "" : estimateText([part], 1);
}
