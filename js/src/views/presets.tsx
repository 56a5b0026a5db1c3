// The presets: the list that the button beside the model opens, and the words that stand around the prompt.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { causeText, errorText } from "../lib/answer";
import { focusOn } from "../lib/focus";
import { isComposing } from "../lib/keyboard";
import { modelOf } from "../lib/parameters";
import { t } from "../messages/picker";
import type { PresetState, PromptWords } from "../protocol.gen";
import {
  applyPreset,
  deletePreset,
  dropWords,
  isApplied,
  readPresets,
  renamePreset,
  savePreset,
} from "../slices/presets";
import { usePage, useStore } from "./context";
import { Icon } from "./icon";
import { ListPopover } from "./list-popover";
import { IconButton } from "./parts";

/** The most characters of a name, and of the words on one side of the prompt. */
const MAX_NAME = 60;
const MAX_WORDS = 2000;

interface PresetListProps {
  anchor: HTMLElement;
  /** `refocus`: the user left the list by key or by a choice, and the focus goes back. */
  onClose(refocus: boolean): void;
}

export function PresetList({ anchor, onClose }: PresetListProps) {
  const page = usePage();
  const age = useStore((state) => state.presetsAge);
  const [presets, setPresets] = useState<PresetState[] | null>(null);
  const [problem, setProblem] = useState("");
  /** The new name of the preset that was renamed by key: the focus goes back to its row. */
  const [renamedTo, setRenamedTo] = useState<string | null>(null);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    let current = true;
    readPresets(page).then(
      (found) => {
        if (!current) return;
        setPresets(found);
        setProblem("");
      },
      (cause: unknown) => current && setProblem(causeText(cause)),
    );
    return () => {
      current = false;
    };
  }, [age]);
  const remove = async (preset: PresetState): Promise<void> => {
    focusOn(list.current?.closest<HTMLElement>("[popover]"));
    setPresets((all) => all?.filter(({ name }) => name !== preset.name) ?? null);
    if (!(await deletePreset(page, preset))) setPresets(await readPresets(page).catch(() => null));
  };
  return (
    <ListPopover
      anchor={anchor}
      label={t.preset.title}
      class="ip-menu ip-presets"
      testid="preset-list"
      length={presets?.length ?? 0}
      onClose={onClose}
    >
      <h3>{t.preset.title}</h3>
      {presets === null && !problem && (
        <p class="ip-help" role="status">
          <Icon name="spinner" size={14} /> {t.common.loading}
        </p>
      )}
      {presets?.length === 0 && <p class="ip-help">{t.preset.none}</p>}
      {problem && (
        <p class="ip-note ip-note-bad" role="alert">
          {problem}
        </p>
      )}
      <ul ref={list}>
        {presets?.map((preset) => (
          <Row
            key={preset.name}
            preset={preset}
            focused={preset.name === renamedTo}
            onRenamed={setRenamedTo}
            onApply={() => {
              onClose(true);
              void applyPreset(page, preset);
            }}
            onDelete={() => void remove(preset)}
          />
        ))}
      </ul>
      <SaveForm names={presets?.map(({ name }) => name) ?? []} />
    </ListPopover>
  );
}

interface RowProps {
  preset: PresetState;
  /** The focus comes to the button that renames. */
  focused: boolean;
  onRenamed(to: string): void;
  onApply(): void;
  onDelete(): void;
}

function Row({ preset, focused, onRenamed, onApply, onDelete }: RowProps) {
  const { name, gone } = preset;
  const page = usePage();
  const applied = useStore((state) => isApplied(state, preset));
  const title = useStore(
    ({ models }) => preset.model && (modelOf(models, preset.model)?.title ?? preset.model),
  );
  const usable = useStore((state) => state.usable);
  const [renamed, setRenamed] = useState(false);
  const [problem, setProblem] = useState("");
  const row = useRef<HTMLDivElement>(null);
  const back = useRef(false);
  useLayoutEffect(() => {
    // The field that had the focus is gone.
    if (focused || (!renamed && back.current))
      focusOn(row.current?.querySelector<HTMLElement>("[data-rename] button"));
  }, [renamed, focused]);
  const rename = async (to: string | null, refocus: boolean): Promise<void> => {
    back.current = refocus;
    setRenamed(false);
    setProblem("");
    if (!to || to === name) return;
    const refused = await renamePreset(page, name, to);
    if (refused) setProblem(errorText(refused));
    else if (refocus) onRenamed(to);
  };
  const words = [preset.prefix, preset.suffix].filter(Boolean).join(" … ");
  const facts = [gone ? t.preset.gone(title ?? "") : (title ?? t.preset.anyModel), words].filter(Boolean);
  return (
    <li class="ip-preset" data-testid="preset-row" data-name={name}>
      <div ref={row} class="ip-preset-row">
        {renamed ? (
          <Rename name={name} onEnd={(to, refocus) => void rename(to, refocus)} />
        ) : (
          <button
            type="button"
            class="ip-preset-use"
            aria-current={applied}
            disabled={!usable || gone}
            data-testid="preset"
            onClick={onApply}
          >
            <span class="ip-preset-name">
              {name}
              {applied && <Icon name="check" size={14} />}
            </span>
            <span class="ip-preset-facts" data-warns={gone}>
              {facts.join(" · ")}
            </span>
          </button>
        )}
        <span data-rename>
          <IconButton
            icon="rename"
            label={t.preset.rename(name)}
            testid="rename-preset"
            disabled={!usable}
            onClick={() => setRenamed(true)}
          />
        </span>
        <IconButton
          icon="delete"
          label={t.preset.delete(name)}
          testid="delete-preset"
          disabled={!usable}
          onClick={onDelete}
        />
      </div>
      {problem && (
        <p class="ip-note ip-note-bad" role="alert">
          {problem}
        </p>
      )}
    </li>
  );
}

interface RenameProps {
  name: string;
  /** `to`: null where the name stays. `refocus`: the user left the field by key. */
  onEnd(to: string | null, refocus: boolean): void;
}

/** The field in place of a name. */
function Rename({ name, onEnd }: RenameProps) {
  const input = useRef<HTMLInputElement>(null);
  const ended = useRef(false);
  useLayoutEffect(() => {
    focusOn(input.current);
    input.current?.select();
  }, []);
  const end = (to: string | null, refocus: boolean): void => {
    if (ended.current) return;
    ended.current = true;
    onEnd(to, refocus);
  };
  return (
    <input
      ref={input}
      class="ip-input"
      aria-label={t.preset.name}
      defaultValue={name}
      maxLength={MAX_NAME}
      data-testid="preset-new-name"
      onBlur={(event) => end(event.currentTarget.value.trim(), false)}
      onKeyDown={(event) => {
        if (isComposing(event)) return;
        if (event.key === "Enter") end(event.currentTarget.value.trim(), true);
        else if (event.key === "Escape") end(null, true);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}

/** What keeps the present settings under a name, with words around the prompt. */
function SaveForm({ names }: { names: readonly string[] }) {
  const page = usePage();
  const usable = useStore((state) => state.usable);
  const known = useStore(({ models, config }) => modelOf(models, config.model)?.title ?? null);
  const applied = useStore((state) => state.config.words);
  const [name, setName] = useState("");
  const [typed, setTyped] = useState<Partial<PromptWords>>({});
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const words = { ...applied, ...typed };
  const wanted = name.trim();
  const replaces = names.includes(wanted);
  const ready = usable && known !== null && wanted !== "" && !busy;
  const save = async (): Promise<void> => {
    setBusy(true);
    const refused = await savePreset(page, wanted, words, replaces);
    setBusy(false);
    setProblem(refused ? errorText(refused) : "");
    if (refused) return;
    setName("");
    setTyped({});
  };
  const side = (of: keyof PromptWords, label: string) => (
    <label class="ip-field">
      <span class="ip-label">{label}</span>
      <input
        class="ip-input"
        maxLength={MAX_WORDS}
        value={words[of]}
        data-testid={`preset-${of}`}
        onInput={(event) => setTyped({ ...typed, [of]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <form
      class="ip-presets-save"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void save();
      }}
    >
      <h4>{t.preset.save(known ?? "")}</h4>
      {side("prefix", t.preset.before)}
      {side("suffix", t.preset.after)}
      <label class="ip-field">
        <span class="ip-label">{t.preset.name}</span>
        <div class="ip-row">
          <input
            class="ip-input"
            maxLength={MAX_NAME}
            value={name}
            data-testid="preset-name"
            onInput={(event) => setName(event.currentTarget.value)}
          />
          <button type="submit" class="ip-button" disabled={!ready} data-testid="save-preset">
            {replaces ? t.preset.replace : t.preset.keep}
          </button>
        </div>
      </label>
      {problem && (
        <p class="ip-note ip-note-bad" role="alert" data-testid="preset-problem">
          {problem}
        </p>
      )}
    </form>
  );
}

/** The words on one side of the prompt: what is sent beside what the user writes. */
export function PresetWords({ side }: { side: keyof PromptWords }) {
  const page = usePage();
  const text = useStore((state) => state.config.words[side]);
  const usable = useStore((state) => state.usable);
  return (
    <p class="ip-words" data-testid={`words-${side}`}>
      <span title={text}>
        <span class="ip-hidden">{side === "prefix" ? t.preset.before : t.preset.after}: </span>
        {text}
      </span>
      <IconButton
        icon="close"
        label={side === "prefix" ? t.preset.dropBefore : t.preset.dropAfter}
        testid={`drop-${side}`}
        disabled={!usable}
        onClick={() => dropWords(page, side)}
      />
    </p>
  );
}
