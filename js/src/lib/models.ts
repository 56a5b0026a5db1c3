// The models as a list to choose from. Pure.
import { language, t } from "../messages";
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

/** One thing that a model can do: its icon and its word. */
export interface Capability {
  icon: "images" | "mask" | "preview" | "progress" | "cancelled" | "seed" | "several";
  text: string;
  /** The number beside the icon, where the word does not fit. */
  count: number | null;
}

/** Return what a model can do. */
export function capabilities(model: ModelState): Capability[] {
  const { references, nativeN, cancel } = model;
  const all: Capability[] = [];
  const add = (icon: Capability["icon"], text: string, count: number | null = null): void => {
    all.push({ icon, text, count });
  };
  if (references) {
    const { maxCount } = references;
    add("images", t.model.references(maxCount), maxCount);
  }
  if (model.mask) add("mask", t.model.mask);
  if (nativeN > 1) add("several", t.model.several(nativeN), nativeN);
  if (model.seed === "exact") add("seed", t.model.exactSeed);
  if (model.previews) add("preview", t.model.previews);
  if (model.progress) add("progress", t.model.progress);
  if (cancel === "full") add("cancelled", t.model.cancel);
  if (cancel === "queued") add("cancelled", t.model.cancelQueued);
  return all;
}

/** Return the name of the model that follows a retired one, or null. */
export function successorOf({ provider, successor }: ModelState): string | null {
  return successor && `${provider}:${successor}`;
}

const MINUTE = 60_000;

/**
 * Return the notice beside a model. The page has words of its own for the demo; other notices are shown as they
 * are.
 */
export function noticeOf({ provider, notice }: ModelState): string {
  return (notice && provider === "demo" && t.model.demo) || notice;
}

/** Return a date of the kernel's as the page writes it. */
export function dayText(date: string): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeZone: "UTC" }).format(
    Date.parse(date),
  );
}

/** Return how long ago something was, in words: "5 minutes ago". */
export function since(then: number, now: number): string {
  const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  const minutes = Math.max(Math.floor((now - then) / MINUTE), 0);
  if (minutes < 1) return words.format(0, "second");
  if (minutes < 60) return words.format(-minutes, "minute");
  if (minutes < 24 * 60) return words.format(-Math.floor(minutes / 60), "hour");
  return words.format(-Math.floor(minutes / 24 / 60), "day");
}
