// The models that a click asks beside the chosen one: a chip for each, with what that model does not take.
import { useRef } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { objections } from "../lib/objections";
import { modelOf } from "../lib/parameters";
import { wholePrompt } from "../lib/presets";
import { askedNames } from "../lib/several";
import { t } from "../messages/picker";
import { useActions, useMinute, useStore } from "./context";
import { Icon } from "./icon";
import { tipped } from "./parts";

/** `onEmpty`: the last chip was removed, and the focus goes elsewhere. */
export function AlsoModels({ onEmpty }: { onEmpty(): void }) {
  const config = useStore((state) => state.config);
  const models = useStore((state) => state.models);
  const providers = useStore((state) => state.providers);
  const prompt = useStore(wholePrompt);
  const references = useStore((state) => state.references);
  const masked = useStore((state) => state.mask !== null);
  const usable = useStore((state) => state.usable);
  const now = useMinute();
  const actions = useActions();
  const list = useRef<HTMLUListElement>(null);
  const [, ...names] = askedNames(config);
  if (names.length === 0) return null;
  const remove = (name: string, place: number): void => {
    actions.toggleAlso(name);
    const chips = list.current?.querySelectorAll<HTMLElement>("li");
    const next = chips?.[place + 1] ?? chips?.[place - 1];
    if (next) focusOn(next.querySelector<HTMLElement>("[data-remove]"));
    else onEmpty();
  };
  return (
    <div class="ip-also" data-testid="also-models">
      <span class="ip-label" aria-hidden="true">
        {t.model.also}
      </span>
      <ul ref={list} aria-label={t.model.alsoLabel}>
        {names.map((name, place) => {
          const model = modelOf(models, name);
          const title = model?.title ?? name;
          const words = model
            ? objections(model, providers, now, { prompt, references, masked })
            : [t.model.gone];
          return (
            <li key={name} data-model={name} data-words={words.length > 0} data-testid="also-model">
              <span class="ip-also-chip">
                <button
                  type="button"
                  class="ip-also-title"
                  {...tipped(t.model.show(title))}
                  disabled={!usable || !model}
                  onClick={() => {
                    actions.chooseModel(name);
                    onEmpty();
                  }}
                >
                  {title}
                </button>
                <button
                  type="button"
                  class="ip-field-button"
                  aria-label={t.model.askNot(title)}
                  data-tip={t.model.askNot(title)}
                  disabled={!usable}
                  data-remove
                  data-testid="remove-also"
                  onClick={() => remove(name, place)}
                >
                  <Icon name="close" size={12} />
                </button>
              </span>
              {words.map((word) => (
                <span key={word} class="ip-help">
                  {word}
                </span>
              ))}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
