// The models as a list to choose from. Pure.
import { t } from "../messages/picker";
import type { Config, ModelState, ProviderState } from "../protocol.gen";

/** Some models under a title: those of one provider, the starred ones, the recent ones. */
export interface Group {
  /** The provider's name. The groups of starred and recent models have names that no provider has. */
  name: string;
  title: string;
  /** The provider, if all models belong to one provider that is known. */
  provider: ProviderState | null;
  models: ModelState[];
}

/**
 * Return the models whose words contain all words of the query, by provider, in their order. Without a query,
 * starred and recently used models come first.
 */
export function grouped(
  models: readonly ModelState[],
  providers: readonly ProviderState[],
  query = "",
  { starredModels = [], recentModels = [] }: Partial<Config> = {},
): Group[] {
  const wanted = query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const known = new Map(providers.map((provider) => [provider.name, provider]));
  const groups = new Map<string, Group>();
  for (const model of models) {
    const provider = known.get(model.provider) ?? null;
    const title = provider?.title ?? model.provider;
    if (wanted.length > 0) {
      const words = `${title} ${model.name} ${model.title} ${model.description}`.toLowerCase();
      if (!wanted.every((word) => words.includes(word))) continue;
    }
    const group = groups.get(model.provider) ?? { name: model.provider, title, provider, models: [] };
    group.models.push(model);
    groups.set(model.provider, group);
  }
  const all = [...groups.values()];
  if (wanted.length > 0) return all;
  const byName = new Map(models.map((model) => [model.name, model]));
  const pick = (names: readonly string[]): ModelState[] => names.flatMap((name) => byName.get(name) ?? []);
  const starred = pick(starredModels);
  const recent = pick(recentModels.filter((name) => !starredModels.includes(name)));
  const first: Group[] = [
    { name: "*starred", title: t.model.starred, provider: null, models: starred },
    { name: "*recent", title: t.model.recent, provider: null, models: recent },
  ];
  return [...first.filter((group) => group.models.length > 0), ...all];
}
