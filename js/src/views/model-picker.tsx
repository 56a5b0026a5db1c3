// Choosing a model among many: a list with a search field, above everything, grouped by provider.
import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { reveal } from "../lib/focus";
import { isComposing } from "../lib/keyboard";
import { type Group, grouped, type Trait } from "../lib/model-groups";
import { place } from "../lib/place";
import { t } from "../messages/picker";
import type { ModelState } from "../protocol.gen";
import type { Store } from "../store";
import { useActions, useMinute, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { type Entry, entriesOf, type Folded, ModelList } from "./model-options";
import { ModelTraits } from "./model-traits";
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

/** How the list was left. It opens so again, as long as the page is there. */
interface Left {
  traits: readonly Trait[];
  /** The names of the providers without a key whose models are shown. */
  unfolded: ReadonlySet<string>;
}
const lefts = new WeakMap<Store, Left>();

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
  const { entries, folded, traits, setTraits, toggleFold } = useEntries(query, current);
  // A list with starred or recent models begins with them; otherwise the list shows the chosen model in its
  // place.
  const first = entries.findIndex(({ model }) => model?.name === current);
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

  /** Fold the models of a provider away, or show them; the keys stay at its line. */
  const fold = (group: Group): void => {
    setActive(group.name);
    toggleFold(group.name);
  };
  /** Choose a model, or with `also` ask it beside the chosen one; then the list stays open for more. */
  const choose = (model: ModelState, also: boolean): void => {
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
    else if (key !== "Enter") return;
    else if (shown?.model) choose(shown.model, event.ctrlKey || event.metaKey);
    else if (shown) fold(shown.group);
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
          <ModelTraits words={query} chosen={traits} onChange={setTraits} />
          <ModelList
            list={list}
            id={id}
            entries={entries}
            folded={folded}
            drawn={drawn}
            current={current}
            active={at}
            onNearEnd={() => drawn < entries.length && setLimit(drawn + 2 * AHEAD)}
            onFold={fold}
            onChoose={choose}
          />
          {entries.length === 0 && <Nothing narrowed={traits.length > 0} onWiden={() => setTraits([])} />}
          <Foot onOther={() => setOther(true)} onServer={onServer} />
        </>
      )}
    </div>
  );
}

/** The entries that match the words and the traits, and what folds them and narrows them. */
function useEntries(query: string, current: string) {
  const models = useStore((state) => state.models);
  const providers = useStore((state) => state.providers);
  const starredModels = useStore((state) => state.config.starredModels);
  const recentModels = useStore((state) => state.config.recentModels);
  const { store } = usePage();
  const now = useMinute();
  const [{ traits, unfolded }, setLeft] = useState<Left>(() => {
    const left = lefts.get(store);
    const own = models.find(({ name }) => name === current)?.provider ?? "";
    return { traits: left?.traits ?? [], unfolded: new Set([...(left?.unfolded ?? []), own]) };
  });
  const leave = (left: Left): void => {
    lefts.set(store, left);
    setLeft(left);
  };
  const groups = useMemo(
    () => grouped(models, providers, { query, traits, starredModels, recentModels, now }),
    [models, providers, query, traits, starredModels, recentModels, now],
  );
  // A search looks into all groups, and shows what it finds.
  const folded: Folded = ({ name, provider }) =>
    provider?.key === "missing" && query.trim() === "" ? !unfolded.has(name) : null;
  const entries: Entry[] = useMemo(() => entriesOf(groups, folded), [groups, unfolded]);
  return {
    entries,
    folded,
    traits,
    setTraits: (next: readonly Trait[]) => leave({ traits: next, unfolded }),
    toggleFold: (name: string) => {
      const next = new Set(unfolded);
      if (!next.delete(name)) next.add(name);
      leave({ traits, unfolded: next });
    },
  };
}

/** What stands in the place of the list when no model is left. */
function Nothing({ narrowed, onWiden }: { narrowed: boolean; onWiden(): void }) {
  return (
    <div class="ip-options-none">
      <p class="ip-help" role="status">
        {t.model.none}
      </p>
      {narrowed && (
        <button type="button" class="ip-button" data-testid="traits-clear" onClick={onWiden}>
          {t.model.widen}
        </button>
      )}
    </div>
  );
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
