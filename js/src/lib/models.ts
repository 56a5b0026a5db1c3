// The models as a list to choose from. Pure.
import type { ModelState, ProviderState } from "../protocol.gen";

/** The models of one provider. */
export interface Group {
  name: string;
  title: string;
  key: ProviderState["key"];
  models: ModelState[];
}

/** The models whose words hold all of the query's, by provider, in their order. */
export function grouped(
  models: readonly ModelState[],
  providers: readonly ProviderState[],
  query = "",
): Group[] {
  const wanted = query.toLowerCase().split(/\s+/);
  const groups = new Map<string, Group>();
  for (const model of models) {
    const { title = model.provider, key = "not_needed" } =
      providers.find(({ name }) => name === model.provider) ?? {};
    const words = `${title} ${model.name} ${model.title} ${model.description}`.toLowerCase();
    if (!wanted.every((word) => words.includes(word))) continue;
    const group = groups.get(model.provider) ?? { name: model.provider, title, key, models: [] };
    group.models.push(model);
    groups.set(model.provider, group);
  }
  return [...groups.values()];
}
