// Choosing a model among many: a list with a search field, above everything, grouped by provider.
import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { reveal } from "../lib/focus";
import { commandKey, isComposing } from "../lib/keyboard";
import { type Group, grouped } from "../lib/model-groups";
import { capabilities, since } from "../lib/models";
import { place } from "../lib/place";
import { priceText } from "../lib/price";
import { t } from "../messages/picker";
import type { ModelState } from "../protocol.gen";
import { MAX_MODELS } from "../slices/config";
import { useActions, useMinute, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { OtherModel } from "./other-model";
import { useId } from "./parts";

interface PickerProps {
  anchor: HTMLElement;
  /** The name of the chosen model. */
  current: string;
  /** The user wants to add a server. */
  onServer(): void;
  /** `refocus`: the focus was in the picker and goes back to where it came from. */
  onClose(refocus: boolean): void;
}

/** How many models a page key moves over. */
const PAGE = 8;
/** How many entries are drawn beyond the needed ones. */
const AHEAD = 40;

export function ModelPicker({ anchor, current, onServer, onClose }: PickerProps) {
  const id = useId();
  const alsoModels = useStore((state) => state.config.alsoModels);
  const actions = useActions();
  const { store } = usePage();
  const [query, setQuery] = useState("");
  const [other, setOther] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const picker = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const { groups, entries } = useEntries(query);
  // A list with starred or recent models begins with them; otherwise the list shows the chosen model in its
  // place.
  const first = entries.findIndex(({ model }) => model.name === current);
  const [active, setActive] = useState<string | null>(null);
  const found = entries.findIndex(({ key }) => key === active);
  const at = found >= 0 ? found : query ? 0 : Math.max(first, 0);
  const [limit, setLimit] = useState(0);
  const drawn = Math.max(limit, at + AHEAD);
  const shown = entries[at];

  usePlace(picker, anchor, other, onClose);
  useLayoutEffect(() => {
    if (!other) input.current?.focus({ preventScroll: true });
  }, [other]);
  useLayoutEffect(() => {
    const option = list.current?.querySelector('[data-active="true"]');
    if (option) reveal(option);
  }, [shown?.key]);

  /** Choose a model, or with `also` ask it beside the chosen one; then the list stays open for more. */
  const choose = (model: ModelState | undefined, also: boolean): void => {
    if (!model) return;
    if (!also) {
      actions.chooseModel(model.name);
      onClose(true);
    } else if (model.name !== current) {
      actions.toggleAlso(model.name);
      const asked = store.getState().config.alsoModels.includes(model.name);
      if (asked !== alsoModels.includes(model.name))
        actions.announce(asked ? t.model.nowAsked(model.title) : t.model.notAsked(model.title));
    }
  };
  const go = (to: number): void =>
    setActive(entries[Math.min(Math.max(to, 0), entries.length - 1)]?.key ?? null);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) return;
    const { key, currentTarget } = event;
    const empty = (currentTarget as HTMLInputElement).value === "";
    if (key === "ArrowDown") go(at + 1);
    else if (key === "ArrowUp") go(at - 1);
    else if (key === "PageDown") go(at + PAGE);
    else if (key === "PageUp") go(at - PAGE);
    // In a text these keys go to its ends.
    else if (key === "Home" && (empty || event.ctrlKey)) go(0);
    else if (key === "End" && (empty || event.ctrlKey)) go(entries.length - 1);
    else if (key === "Enter") choose(shown?.model, event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={picker}
      class="ip-picker"
      popover="manual"
      role="dialog"
      aria-label={t.model.list}
      data-testid="model-picker"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        if (other) setOther(false);
        else onClose(true);
      }}
      onFocusOut={({ relatedTarget }) => {
        if (!(relatedTarget instanceof Node) || relatedTarget === anchor) return;
        if (!picker.current?.contains(relatedTarget)) onClose(false);
      }}
    >
      {other ? (
        <OtherModel text={query} onBack={() => setOther(false)} onUsed={() => onClose(true)} />
      ) : (
        <>
          <Search
            field={input}
            listId={id}
            activeId={shown && `${id}-${at}`}
            words={query}
            onWords={(words) => {
              setQuery(words);
              setActive(null);
              setLimit(0);
              list.current?.scrollTo?.(0, 0);
            }}
            onKeyDown={onKeyDown}
          />
          <List
            list={list}
            id={id}
            groups={groups}
            drawn={drawn}
            current={current}
            active={at}
            onNearEnd={() => drawn < entries.length && setLimit(drawn + 2 * AHEAD)}
            onChoose={choose}
          />
          {entries.length === 0 && <p class="ip-help ip-options-none">{t.model.none}</p>}
          <Foot onOther={() => setOther(true)} onServer={onServer} />
        </>
      )}
    </div>
  );
}

/** Return the models that match the words, by group and as one list. */
function useEntries(query: string): { groups: Group[]; entries: { key: string; model: ModelState }[] } {
  const models = useStore((state) => state.models);
  const providers = useStore((state) => state.providers);
  const starredModels = useStore((state) => state.config.starredModels);
  const recentModels = useStore((state) => state.config.recentModels);
  const groups = useMemo(
    () => grouped(models, providers, query, { starredModels, recentModels }),
    [models, providers, query, starredModels, recentModels],
  );
  const entries = useMemo(
    () =>
      groups.flatMap((group) => group.models.map((model) => ({ key: `${group.name} ${model.name}`, model }))),
    [groups],
  );
  return { groups, entries };
}

/** Keep the picker beside its anchor, and close it when something else is pressed. */
function usePlace(
  picker: RefObject<HTMLDivElement | null>,
  anchor: HTMLElement,
  other: boolean,
  onClose: PickerProps["onClose"],
): void {
  useLayoutEffect(() => {
    const element = picker.current;
    if (!element) return undefined;
    element.showPopover?.();
    const put = (): void => place(element, anchor);
    put();
    const ended = new AbortController();
    const options = { capture: true, passive: true, signal: ended.signal };
    document.addEventListener(
      "pointerdown",
      (event) => {
        const path = event.composedPath();
        if (!path.includes(element) && !path.includes(anchor)) onClose(false);
      },
      options,
    );
    // A keyboard on the screen resizes the window, and the list stays open.
    addEventListener("resize", put, options);
    document.addEventListener(
      "scroll",
      ({ target }) => {
        if (target instanceof Node && !element.contains(target) && target.contains(anchor)) put();
      },
      options,
    );
    return () => ended.abort();
  }, []);
  // The form is less high than the list, so that the place may change.
  useLayoutEffect(() => {
    if (picker.current) place(picker.current, anchor);
  }, [other]);
}

interface SearchProps {
  field: RefObject<HTMLInputElement | null>;
  listId: string;
  /** The id of the entry that Enter chooses. */
  activeId: string | undefined;
  words: string;
  onWords(words: string): void;
  onKeyDown(event: KeyboardEvent): void;
}

function Search({ field, listId, activeId, words, onWords, onKeyDown }: SearchProps) {
  return (
    <div class="ip-search">
      <Icon name="search" />
      <input
        ref={field}
        class="ip-input"
        type="text"
        role="combobox"
        aria-label={t.model.search}
        aria-expanded="true"
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={activeId}
        placeholder={t.model.search}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        data-testid="model-search"
        value={words}
        onInput={(event) => onWords(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

interface ListProps {
  list: RefObject<HTMLDivElement | null>;
  id: string;
  groups: readonly Group[];
  /** How many entries are drawn. */
  drawn: number;
  current: string;
  /** The index of the entry that the keys are at. */
  active: number;
  onNearEnd(): void;
  onChoose(model: ModelState, also: boolean): void;
}

function List({ list, id, groups, drawn, current, active, onNearEnd, onChoose }: ListProps) {
  const starredModels = useStore((state) => state.config.starredModels);
  const alsoModels = useStore((state) => state.config.alsoModels);
  let index = 0;
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
      {groups.map((group) => {
        const from = index;
        index += group.models.length;
        if (from >= drawn) return null;
        return (
          <Options
            key={group.name}
            id={id}
            group={group}
            from={from}
            until={drawn}
            current={current}
            active={active}
            starred={starredModels}
            also={alsoModels}
            onChoose={onChoose}
          />
        );
      })}
    </div>
  );
}

function Foot({ onOther, onServer }: { onOther(): void; onServer(): void }) {
  return (
    <div class="ip-picker-foot">
      <button type="button" class="ip-button" data-testid="other-model" onClick={onOther}>
        <Icon name="rename" />
        {t.model.other}
      </button>
      <button type="button" class="ip-button" data-testid="add-server" onClick={onServer}>
        <Icon name="server" />
        {t.server.add}
      </button>
    </div>
  );
}

interface OptionsProps {
  id: string;
  group: Group;
  /** The index of the group's first model in the whole list, and of the first model that is not drawn. */
  from: number;
  until: number;
  current: string;
  active: number;
  starred: readonly string[];
  /** The names of the models that are asked beside the chosen one. */
  also: readonly string[];
  onChoose(model: ModelState, also: boolean): void;
}

function Options({ id, group, from, until, current, active, starred, also, onChoose }: OptionsProps) {
  const now = useMinute();
  const { title, provider, models } = group;
  const missing = provider?.key === "missing";
  return (
    // biome-ignore lint/a11y/useSemanticElements: a listbox has no other groups
    <div role="group" aria-label={missing ? t.keys.missingFor(title) : title}>
      <p class="ip-option-group" aria-hidden="true">
        <strong>{title}</strong>
        {provider?.discoveredAt != null && <span>{t.model.listed(since(provider.discoveredAt, now))}</span>}
        {provider && provider.key !== "not_needed" && (
          <span data-key={provider.key} title={missing ? provider.keyHelp : provider.keySource}>
            {missing ? t.keys.missing : t.keys.set}
          </span>
        )}
      </p>
      {models.slice(0, until - from).map((model, index) => (
        <Option
          key={model.name}
          id={`${id}-${from + index}`}
          model={model}
          chosen={model.name === current}
          active={from + index === active}
          starred={starred.includes(model.name)}
          asked={model.name !== current && also.includes(model.name)}
          full={also.length >= MAX_MODELS - 1}
          onChoose={onChoose}
        />
      ))}
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
  const price = priceText(model.price);
  const able = capabilities(model);
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
      <span>{price}</span>
      {/* For the keyboard, the star is beside the name of the chosen model: an option cannot hold buttons. */}
      <span
        class="ip-option-star"
        aria-hidden="true"
        data-on={starred}
        title={starred ? t.model.unstar(title) : t.model.star(title)}
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
        title={chosen ? undefined : tip}
        data-testid="option-also"
        onClick={(event) => {
          event.stopPropagation();
          onChoose(model, true);
        }}
      >
        {!chosen && <Icon name={asked ? "check" : "new"} size={14} />}
      </span>
      <p>{description}</p>
      <span class="ip-hidden">{able.map(({ text }) => text).join(", ")}</span>
      <span class="ip-option-able" aria-hidden="true">
        {able.map(({ icon, count, text }) => (
          <span key={icon} title={text}>
            <Icon name={icon} size={13} />
            {count}
          </span>
        ))}
      </span>
    </div>
  );
}
