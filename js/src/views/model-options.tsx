// The list of models: by provider, where the models of a provider without a key are folded into one line.
import type { RefObject } from "preact";
import { capabilities } from "../lib/capabilities";
import { commandKey } from "../lib/keyboard";
import type { Group } from "../lib/model-groups";
import { dayText, isRetired, since, successorOf } from "../lib/models";
import { modelOf } from "../lib/parameters";
import { priceText } from "../lib/price";
import { t } from "../messages/picker";
import type { ModelState } from "../protocol.gen";
import { MAX_MODELS } from "../slices/config";
import { useActions, useMinute, useStore } from "./context";
import { Icon } from "./icon";

/** What the keys go to in the list: a model, or the line that folds the models of a provider. */
export interface Entry {
  key: string;
  group: Group;
  model: ModelState | null;
}

/** Whether the models of a group are folded away; null where they cannot be. */
export type Folded = (group: Group) => boolean | null;

/** Return the entries of the list in their order. */
export function entriesOf(groups: readonly Group[], folded: Folded): Entry[] {
  return groups.flatMap((group) => {
    const fold = folded(group);
    const line = fold === null ? [] : [{ key: group.name, group, model: null }];
    const models = group.models.map((model) => ({ key: `${group.name} ${model.name}`, group, model }));
    return fold ? line : [...line, ...models];
  });
}

interface ListProps {
  list: RefObject<HTMLDivElement | null>;
  id: string;
  entries: readonly Entry[];
  folded: Folded;
  /** How many entries are drawn. */
  drawn: number;
  current: string;
  /** The index of the entry that the keys are at. */
  active: number;
  onNearEnd(): void;
  onFold(group: Group): void;
  onChoose(model: ModelState, also: boolean): void;
}

export function ModelList(props: ListProps) {
  const { list, id, entries, folded, drawn, current, active, onNearEnd, onFold, onChoose } = props;
  const starred = useStore((state) => state.config.starredModels);
  const also = useStore((state) => state.config.alsoModels);
  const shown = entries.slice(0, drawn).map((entry, index) => ({ ...entry, index }));
  const groups = new Set(shown.map(({ group }) => group));
  return (
    <div
      ref={list}
      id={id}
      class="ip-options"
      role="listbox"
      aria-label={t.model.list}
      aria-multiselectable="true"
      tabIndex={-1}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        if (scrollTop + 2 * clientHeight > scrollHeight) onNearEnd();
      }}
    >
      {[...groups].map((group) => (
        // biome-ignore lint/a11y/useSemanticElements: a listbox has no other groups
        <div key={group.name} role="group" aria-label={groupLabel(group)}>
          {folded(group) === null && <Head group={group} />}
          {shown.map(({ key, group: its, model, index }) =>
            its !== group ? null : model ? (
              <Option
                key={key}
                id={`${id}-${index}`}
                model={model}
                chosen={model.name === current}
                active={index === active}
                starred={starred.includes(model.name)}
                asked={model.name !== current && also.includes(model.name)}
                full={also.length >= MAX_MODELS - 1}
                onChoose={onChoose}
              />
            ) : (
              <Fold
                key={key}
                id={`${id}-${index}`}
                group={group}
                folded={folded(group) === true}
                active={index === active}
                onFold={() => onFold(group)}
              />
            ),
          )}
        </div>
      ))}
    </div>
  );
}

function groupLabel({ title, provider }: Group): string {
  return provider?.key === "missing" ? t.keys.missingFor(title) : title;
}

/** The title of a group, and how its provider stands. */
function Head({ group: { title, provider } }: { group: Group }) {
  return (
    <p class="ip-option-group" aria-hidden="true">
      <strong>{title}</strong>
      {provider && <Standing provider={provider} />}
    </p>
  );
}

function Standing({ provider }: { provider: NonNullable<Group["provider"]> }) {
  const now = useMinute();
  const { key, keyHelp, keySource, discoveredAt, discoveryError } = provider;
  const missing = key === "missing";
  return (
    <>
      {discoveredAt !== null && <span>{t.model.listed(since(discoveredAt, now))}</span>}
      {discoveryError && (
        <span data-failed data-tip={discoveryError} data-testid="list-failed">
          {t.model.unanswered}
        </span>
      )}
      {key !== "not_needed" && (
        <span data-key={key} data-tip={missing ? keyHelp : keySource}>
          {missing ? t.keys.missing : t.keys.set}
        </span>
      )}
    </>
  );
}

interface FoldProps {
  id: string;
  group: Group;
  folded: boolean;
  active: boolean;
  onFold(): void;
}

/** The line of a provider without a key: its models can wait until they are asked for. */
function Fold({ id, group, folded, active, onFold }: FoldProps) {
  const { title, provider, models } = group;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the search field's, which keeps the focus
    <div
      id={id}
      class="ip-option-group ip-option-fold"
      role="option"
      tabIndex={-1}
      aria-selected={false}
      data-active={active}
      data-folded={folded}
      data-provider={group.name}
      data-testid="model-fold"
      onMouseDown={(event) => event.preventDefault()}
      onClick={onFold}
    >
      <Icon name="down" size={14} />
      <strong>{title}</strong>
      {provider && <Standing provider={provider} />}
      <span>
        {t.model.count(models.length)}
        <span class="ip-hidden">{folded ? t.model.folded : t.model.unfolded}</span>
      </span>
    </div>
  );
}

interface OptionProps {
  id: string;
  model: ModelState;
  chosen: boolean;
  active: boolean;
  starred: boolean;
  /** The model is asked beside the chosen one. */
  asked: boolean;
  /** No more models can be asked. */
  full: boolean;
  onChoose(model: ModelState, also: boolean): void;
}

function Option({ id, model, chosen, active, starred, asked, full, onChoose }: OptionProps) {
  const actions = useActions();
  const { name, title, description } = model;
  const tip =
    full && !asked
      ? t.model.tooMany(MAX_MODELS)
      : `${asked ? t.model.askNot(title) : t.model.ask(title)} (${commandKey()}+↵)`;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the search field's, which keeps the focus
    <div
      id={id}
      class="ip-option"
      role="option"
      tabIndex={-1}
      aria-selected={chosen || asked}
      data-active={active}
      data-testid="model-option"
      data-model={name}
      // The focus stays in the search field.
      onMouseDown={(event) => event.preventDefault()}
      onClick={(event) => onChoose(model, event.ctrlKey || event.metaKey)}
    >
      <strong>
        {title}
        {asked && <span class="ip-hidden">, {t.model.asked}</span>}
      </strong>
      <span class="ip-option-price">{priceText(model.price)}</span>
      {/* For the keyboard, the star is beside the name of the chosen model: an option cannot hold buttons. */}
      <span
        class="ip-option-star"
        aria-hidden="true"
        data-on={starred}
        data-tip={starred ? t.model.unstar(title) : t.model.star(title)}
        onClick={(event) => {
          event.stopPropagation();
          actions.toggleStar(name);
        }}
      >
        <Icon name="star" size={14} />
      </span>
      {/* By keyboard, Ctrl+Enter does the same. */}
      <span
        class="ip-option-also"
        aria-hidden="true"
        data-on={asked}
        data-full={full && !asked}
        data-tip={chosen ? undefined : tip}
        data-testid="option-also"
        onClick={(event) => {
          event.stopPropagation();
          onChoose(model, true);
        }}
      >
        {!chosen && <Icon name={asked ? "check" : "new"} size={14} />}
      </span>
      {description && <p>{description}</p>}
      <span class="ip-option-able">
        <Retirement model={model} />
        {capabilities(model).map((word) => (
          <span key={word}>{word}</span>
        ))}
      </span>
    </div>
  );
}

/** That a model is retired or will be, and which model follows it. */
function Retirement({ model }: { model: ModelState }) {
  const now = useMinute();
  const models = useStore((state) => state.models);
  const name = successorOf(model);
  if (model.retiredOn === null) return null;
  const words = isRetired(model, now) ? t.model.isRetired : t.model.willRetire(dayText(model.retiredOn));
  const successor = name === null ? null : (modelOf(models, name)?.title ?? model.successor);
  return (
    <span data-retired>
      {words}
      {successor && ` · ${t.model.followedBy(successor)}`}
    </span>
  );
}
