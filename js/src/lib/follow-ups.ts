// What can be done with a finished image, and which models do it. Pure.
import type { BatchState, Config, GenerationState, ModelState, ProviderState } from "../protocol.gen";
import { isRetired } from "./models";
import { problemOf } from "./references";

export type Ability = ModelState["does"][number];

/** The order in which follow-ups are offered. */
const ABILITIES: readonly Ability[] = ["upscale", "remove_background", "vary", "outpaint", "inpaint"];

/** Something that can be done, and the models that do it, the best first. */
export interface Offer {
  ability: Ability;
  models: readonly [ModelState, ...ModelState[]];
}

/** The models, the providers, and what the user starred and used. */
interface Studio {
  models: readonly ModelState[];
  providers: readonly ProviderState[];
  config: Pick<Config, "starredModels" | "recentModels">;
}

/** The most models that are offered for one thing. */
const MOST = 6;

/** Return what models that can be used now do with an image. The kernel chooses alike: `_studio/follow_ups.py`. */
export function followUps(
  { models, providers, config }: Studio,
  batch: BatchState,
  { mediaType, width, height }: GenerationState,
  now: number,
): Offer[] {
  const own = batch.model.split(":", 1)[0];
  // A local server that never answered may not run.
  const there = new Set(
    providers
      .filter(
        ({ name, key, discoveredAt }) =>
          key !== "missing" && (key === "set" || discoveredAt !== null || name === DEMO || name === own),
      )
      .map(({ name }) => name),
  );
  const known = [...config.starredModels, ...config.recentModels];
  const rank = ({ name, provider }: ModelState): number =>
    Number(name !== batch.model) * 8 +
    Number(provider !== own) * 4 +
    Number(provider === DEMO) * 2 +
    Number(!known.includes(name));
  const area = (width ?? 0) * (height ?? 0);
  const usable = models
    .filter((model) => there.has(model.provider) && !isRetired(model, now))
    .filter((model) => problemOf({ mediaType, bytes: null }, 0, model) === null)
    .filter(
      ({ references }) => references && references.minCount < 2 && area <= (references.maxPixels ?? area),
    )
    .sort((one, other) => rank(one) - rank(other));
  return ABILITIES.flatMap((ability) => {
    const [best, ...others] = usable.filter(({ does }) => does.includes(ability)).slice(0, MOST);
    return best ? [{ ability, models: [best, ...others] as const }] : [];
  });
}

const DEMO = "demo";
