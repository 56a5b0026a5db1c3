// The recipe of an image beside it: what was asked for, what was applied, and its file.
import { useEffect, useState } from "preact/hooks";
import { errorState, errorText } from "../lib/answer";
import { copyText } from "../lib/clipboard";
import { choiceText, modelOf, titleOf } from "../lib/parameters";
import { dollars } from "../lib/price";
import { labelsOf, numberText, sizeText, took } from "../lib/words";
import { wordsOf } from "../lib/words-of";
import { language } from "../messages";
import { t } from "../messages/large";
import type { BatchState, ErrorState, GenerationState, ParameterState, RecipeState } from "../protocol.gen";
import { recipeOf } from "../slices/recipes";
import { useActions, usePage, useStore } from "./context";
import { IconButton } from "./parts";

interface InfoProps {
  batch: BatchState;
  generation: GenerationState;
}

export function Info({ batch, generation }: InfoProps) {
  const { send } = usePage();
  const actions = useActions();
  const live = useStore((state) => state.live);
  const usable = useStore((state) => state.usable);
  const [recipe, setRecipe] = useState<RecipeState | null>(null);
  const [error, setError] = useState<ErrorState | null>(null);
  useEffect(() => {
    let current = true;
    if (live) {
      recipeOf(send, generation.id).then(
        (found) => current && setRecipe(found),
        (cause: unknown) => current && setError(errorState(cause)),
      );
    }
    return () => {
      current = false;
    };
  }, [send, generation.id, live]);
  const copy = async (text: string, done: string): Promise<void> => {
    const copied = await copyText(text);
    actions.addNotice(copied ? "info" : "warning", copied ? done : t.states.notReported);
  };
  const { seed } = generation;
  return (
    <aside class="ip-lightbox-info" aria-label={t.lightbox.info} data-testid="recipe">
      <section>
        <h3>{t.lightbox.prompt}</h3>
        <p class="ip-lightbox-words">{wordsOf(batch)}</p>
        <div class="ip-lightbox-tools" inert={!usable}>
          <IconButton
            icon="copy"
            label={t.batch.copyPrompt}
            text={t.common.copy}
            onClick={() => void copy(batch.prompt, t.batch.promptCopied)}
          />
          <IconButton
            icon="settings"
            label={t.tile.settings}
            text={t.lightbox.reuse}
            testid="lightbox-reuse"
            onClick={() => actions.reuse(batch)}
          />
          {seed !== null && (
            <IconButton
              icon="seed"
              label={t.tile.seed(seed)}
              text={t.lightbox.reuseSeed}
              onClick={() => actions.reuseSeed(batch, seed)}
            />
          )}
        </div>
      </section>
      {error && <p class="ip-note ip-note-warn">{errorText(error)}</p>}
      <section>
        <h3>{t.lightbox.image}</h3>
        <Facts rows={imageFacts(batch, generation, recipe)} />
      </section>
      {labelsOf(generation).length > 0 && (
        <section data-testid="scores-and-tags">
          <h3>{t.lightbox.labels}</h3>
          <Facts rows={labelFacts(generation)} />
        </section>
      )}
      {recipe && Object.keys(recipe.requested).length > 0 && (
        <section>
          <h3>{t.lightbox.parameters}</h3>
          <Parameters recipe={recipe} model={batch.model} />
        </section>
      )}
      {recipe && (
        <section>
          <h3>{t.lightbox.origin}</h3>
          <Facts rows={originFacts(recipe)} />
          <IconButton
            icon="copy"
            label={t.lightbox.copyRecipe}
            text={t.lightbox.copyRecipe}
            testid="copy-recipe"
            onClick={() => void copy(JSON.stringify(recipe, null, 2), t.lightbox.recipeCopied)}
          />
        </section>
      )}
    </aside>
  );
}

type Fact = readonly [name: string, value: string];

function Facts({ rows }: { rows: readonly Fact[] }) {
  return (
    <dl class="ip-lightbox-facts">
      {rows
        .filter(([, value]) => value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Return the title of a parameter if its model is still offered, else its name in code. */
function nameOf(name: string, parameters: readonly ParameterState[] = []): string {
  const known = parameters.find((parameter) => parameter.name === name);
  return known ? titleOf(known) : (t.parameter.titles[name] ?? name);
}

/** Every parameter that was asked for; if the provider applied another value, both values. */
function Parameters({ recipe, model }: { recipe: RecipeState; model: string }) {
  const parameters = useStore((state) => modelOf(state.models, model)?.parameters);
  const differences = new Map(recipe.differences.map((each) => [each.parameter, each.applied]));
  return (
    <dl class="ip-lightbox-facts">
      {Object.entries(recipe.requested).map(([name, value]) => {
        const applied = differences.get(name);
        return (
          <div key={name} data-changed={applied !== undefined}>
            <dt title={name}>{nameOf(name, parameters)}</dt>
            <dd>
              {applied === undefined ? (
                choiceText(value ?? t.tile.none)
              ) : (
                <>
                  <s>{choiceText(value ?? t.tile.none)}</s> {choiceText(applied ?? t.tile.none)}
                </>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function imageFacts(batch: BatchState, generation: GenerationState, recipe: RecipeState | null): Fact[] {
  const { width, height, seed, startedAt, finishedAt } = generation;
  return [
    [t.lightbox.model, batch.modelTitle],
    [t.lightbox.size, sizeText(width, height)],
    [t.lightbox.seedName, seed === null ? "" : String(seed)],
    [t.lightbox.kind, generation.mediaType?.replace("image/", "").toUpperCase() ?? ""],
    [t.lightbox.bytes, recipe?.bytes ? bytesText(recipe.bytes) : ""],
    [t.lightbox.made, moment(batch.createdAt)],
    [t.lightbox.took, startedAt !== null && finishedAt !== null ? took(finishedAt - startedAt) : ""],
    [t.lightbox.cost, recipe?.cost ? dollars(recipe.cost) : ""],
  ];
}

function labelFacts({ scores, tags }: GenerationState): Fact[] {
  const values = Object.entries(scores).map(([name, value]): Fact => [name, numberText(value)]);
  return [...values, [t.lightbox.tags, tags.join(", ")]];
}

function originFacts(recipe: RecipeState): Fact[] {
  return [
    [t.lightbox.modelName, recipe.model],
    [t.lightbox.servedBy, recipe.servedBy ?? ""],
    [t.lightbox.requestId, recipe.requestId ?? ""],
    [t.lightbox.attempt, recipe.attempt > 1 ? String(recipe.attempt) : ""],
    [t.lightbox.references, recipe.references.length > 0 ? String(recipe.references.length) : ""],
    [t.lightbox.path, recipe.path ?? ""],
    [t.lightbox.version, recipe.version],
  ];
}

/** Return a number of bytes: "812 KB", "1.4 MB". */
function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(Math.round(bytes / 1e3), 1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Return a date and time in full, as the host's language writes them. */
function moment(milliseconds: number): string {
  return new Date(milliseconds).toLocaleString(language(), { dateStyle: "medium", timeStyle: "short" });
}
