// Choosing a model among many: a list with a search field, over the panel, grouped by provider.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Group, grouped } from "../lib/models";
import { priceText } from "../lib/price";
import type { ModelState } from "../protocol.gen";
import { useActions, useStore } from "./context";
import { useId } from "./parts";

export function ModelPicker({ id, model }: { id: string; model: ModelState | undefined }) {
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const title = model?.title ?? "Choose a model";
  return (
    <>
      <button
        ref={trigger}
        id={id}
        type="button"
        class="ip-input ip-select"
        aria-label={`Model: ${title}`}
        aria-haspopup="listbox"
        aria-expanded={open}
        data-testid="model-select"
        data-model={model?.name}
        onClick={() => setOpen(!open)}
      >
        {title}
      </button>
      {open && (
        <Picker
          current={model?.name ?? ""}
          onClose={(refocus) => {
            setOpen(false);
            if (refocus) trigger.current?.focus();
          }}
        />
      )}
    </>
  );
}

interface PickerProps {
  current: string;
  /** `refocus`: the focus was in here and goes back to where it came from. */
  onClose(refocus: boolean): void;
}

/** How many models a page key goes. */
const PAGE = 8;

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE };

function Picker({ current, onClose }: PickerProps) {
  const id = useId();
  const models = useStore((state) => state.models);
  const providers = useStore((state) => state.providers);
  const actions = useActions();
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(current);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const picker = useRef<HTMLDivElement>(null);
  const groups = grouped(models, providers, query);
  const names = groups.flatMap((group) => group.models.map(({ name }) => name));
  const at = Math.max(names.indexOf(active), 0);
  const shown = names[at];

  useEffect(() => {
    input.current?.focus({ preventScroll: true });
    const onPointerDown = (event: Event): void => {
      // Inside a shadow root the target that the document sees is the host.
      if (!event.composedPath().includes(picker.current as EventTarget)) onClose(false);
    };
    document.addEventListener("pointerdown", onPointerDown, true);
    return () => document.removeEventListener("pointerdown", onPointerDown, true);
  }, []);
  useLayoutEffect(() => {
    list.current?.querySelector('[data-active="true"]')?.scrollIntoView({ block: "nearest" });
  }, [shown]);

  const choose = (name: string | undefined): void => {
    if (name === undefined) return;
    actions.chooseModel(name);
    onClose(true);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step !== undefined) setActive(names[Math.min(Math.max(at + step, 0), names.length - 1)] ?? "");
    else if (event.key === "Enter") choose(shown);
    else if (event.key === "Escape" || event.key === "Tab") onClose(true);
    else return;
    event.preventDefault();
  };
  return (
    <div ref={picker} class="ip-picker">
      <input
        ref={input}
        class="ip-input"
        type="text"
        role="combobox"
        aria-label="Search the models"
        aria-expanded="true"
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={shown && `${id}-${shown}`}
        placeholder="Search the models"
        autocomplete="off"
        spellcheck={false}
        data-testid="model-search"
        value={query}
        onInput={(event) => setQuery(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div ref={list} id={id} class="ip-options" role="listbox" aria-label="Models">
        {groups.map((group) => (
          <Options
            key={group.name}
            id={id}
            group={group}
            current={current}
            active={shown}
            onChoose={choose}
          />
        ))}
        {names.length === 0 && (
          <p class="ip-help">No listed model is called so. “Other model” takes any id.</p>
        )}
      </div>
    </div>
  );
}

interface OptionsProps {
  id: string;
  group: Group;
  current: string;
  active: string | undefined;
  onChoose(name: string): void;
}

function Options({ id, group, current, active, onChoose }: OptionsProps) {
  const { title, key, models } = group;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a listbox has no other groups
    <div role="group" aria-label={key === "missing" ? `${title}, key missing` : title}>
      <p class="ip-option-group" aria-hidden="true">
        {title}
        {key !== "not_needed" && <span data-key={key}>{key === "set" ? "key set" : "key missing"}</span>}
      </p>
      {models.map(({ name, title, description, price }) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the search field's, which keeps the focus
        <div
          key={name}
          id={`${id}-${name}`}
          class="ip-option"
          role="option"
          tabIndex={-1}
          aria-selected={name === current}
          data-active={name === active}
          data-testid="model-option"
          data-model={name}
          // The focus stays in the search field.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onChoose(name)}
        >
          <strong>{title}</strong>
          <span>{priceText(price)}</span>
          <p>{description}</p>
        </div>
      ))}
    </div>
  );
}
