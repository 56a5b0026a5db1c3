// What the list of models can be narrowed to.
import { useMemo } from "preact/hooks";
import { type Trait, traitCounts } from "../lib/model-groups";
import { t } from "../messages/picker";
import { useStore } from "./context";

interface ModelTraitsProps {
  words: string;
  chosen: readonly Trait[];
  onChange(chosen: readonly Trait[]): void;
}

export function ModelTraits({ words, chosen, onChange }: ModelTraitsProps) {
  const models = useStore((state) => state.models);
  const providers = useStore((state) => state.providers);
  const counts = useMemo(
    () => traitCounts(models, providers, words, chosen),
    [models, providers, words, chosen],
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a frame and a legend that cannot be laid out
    <div class="ip-traits" role="group" aria-label={t.model.narrow}>
      {counts.map(({ trait, count }) => {
        const on = chosen.includes(trait);
        return (
          <button
            key={trait}
            type="button"
            class="ip-trait"
            aria-pressed={on}
            disabled={count === 0 && !on}
            data-testid={`trait-${trait}`}
            onClick={() => onChange(on ? chosen.filter((other) => other !== trait) : [...chosen, trait])}
          >
            {t.model.traits[trait]} <span class="ip-trait-count">{count}</span>
          </button>
        );
      })}
    </div>
  );
}
