// The models as a list to choose from: by provider, narrowed by words and by what they can do. Pure.
import { t } from "../messages/picker";
import type { Config, ModelState, ProviderState } from "../protocol.gen";
import { isRetired } from "./models";

/** Some models under a title: those of one provider, the starred ones, the recent ones. */
export interface Group {
  /** The provider's name. The groups of starred and recent models have names that no provider has. */
  name: string;
  title: string;
  /** The provider, if all models belong to one provider that is known. */
  provider: ProviderState | null;
  models: ModelState[];
}

/** What the list can be narrowed to. */
export type Trait = "images" | "mask" | "seed" | "local" | "price" | "key";

/** The traits in the order in which they are shown, with their tests. */
const TRAITS: Readonly<Record<Trait, (model: ModelState, provider: ProviderState | null) => boolean>> = {
  images: ({ references }) => references !== null,
  mask: ({ mask }) => mask,
  seed: ({ seed }) => seed === "exact",
  local: (_, provider) => provider !== null && isLocal(provider),
  price: ({ price }) => price !== null,
  key: (_, provider) => provider?.key === "set",
};

/** A server that the user added and that runs on this machine or in its own network. */
const NEAR =
  /^(localhost|[^.]+|.+\.(local|lan|internal)|127\..+|10\..+|192\.168\..+|172\.(1[6-9]|2\d|3[01])\..+|\[(::1|f[cd].+)\])$/;

/** Return whether a provider runs on a machine of the user's. */
function isLocal({ key, server }: ProviderState): boolean {
  return server === null ? key === "not_needed" : URL.canParse(server) && NEAR.test(new URL(server).hostname);
}

/** What the list is narrowed to, and by what it is ordered. */
interface Narrowed extends Partial<Pick<Config, "starredModels" | "recentModels">> {
  query?: string;
  traits?: readonly Trait[];
  /** The time, in milliseconds: retired models come last. */
  now: number;
}

/**
 * Return the models that have all traits and whose words contain all words of the query, by provider, in their order;
 * retired ones come last. Without a query, starred and recently used models come first.
 */
export function grouped(
  models: readonly ModelState[],
  providers: readonly ProviderState[],
  { query = "", traits = [], starredModels = [], recentModels = [], now }: Narrowed,
): Group[] {
  const known = new Map(providers.map((provider) => [provider.name, provider]));
  const found = models.filter(matching(known, query, traits));
  const groups = new Map<string, Group>();
  for (const model of found) {
    const provider = known.get(model.provider) ?? null;
    const title = provider?.title ?? model.provider;
    const group = groups.get(model.provider) ?? { name: model.provider, title, provider, models: [] };
    group.models.push(model);
    groups.set(model.provider, group);
  }
  const all = [...groups.values()].map((group) => ({
    ...group,
    models: [false, true].flatMap((last) => group.models.filter((model) => isRetired(model, now) === last)),
  }));
  if (query.trim() !== "") return all;
  const byName = new Map(found.map((model) => [model.name, model]));
  const pick = (names: readonly string[]): ModelState[] => names.flatMap((name) => byName.get(name) ?? []);
  const starred = pick(starredModels);
  const recent = pick(recentModels.filter((name) => !starredModels.includes(name)));
  const first: Group[] = [
    { name: "*starred", title: t.model.starred, provider: null, models: starred },
    { name: "*recent", title: t.model.recent, provider: null, models: recent },
  ];
  return [...first.filter((group) => group.models.length > 0), ...all];
}

/** Return each trait with how many models would be left if the list were narrowed to it too. */
export function traitCounts(
  models: readonly ModelState[],
  providers: readonly ProviderState[],
  query: string,
  traits: readonly Trait[],
): { trait: Trait; count: number }[] {
  const known = new Map(providers.map((provider) => [provider.name, provider]));
  return (Object.keys(TRAITS) as Trait[]).map((trait) => ({
    trait,
    count: models.filter(matching(known, query, [...traits, trait])).length,
  }));
}

function matching(
  known: ReadonlyMap<string, ProviderState>,
  query: string,
  traits: readonly Trait[],
): (model: ModelState) => boolean {
  const wanted = query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return (model) => {
    const provider = known.get(model.provider) ?? null;
    const title = provider?.title ?? model.provider;
    const words = `${title} ${model.name} ${model.title} ${model.description}`.toLowerCase();
    return (
      wanted.every((word) => words.includes(word)) && traits.every((trait) => TRAITS[trait](model, provider))
    );
  };
}
