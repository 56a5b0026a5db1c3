// A labelled row of the config panel: its help on demand, and a way back to the default.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { optionText, type Value } from "../lib/parameters";
import { t } from "../messages";
import { Icon } from "./icon";
import { useId } from "./parts";

interface FieldProps {
  label: string;
  /** What the parameter does, shown on demand. */
  help?: string | undefined;
  /** The id of the input that the label belongs to. */
  control?: string;
  /** Resets the value, if it is not the default. */
  onReset?: (() => void) | undefined;
  aside?: ComponentChildren;
  children?: ComponentChildren;
  testid?: string;
}

export function Field({ label, help, control, onReset, aside, children, testid }: FieldProps) {
  const id = useId();
  const [asked, setAsked] = useState(false);
  return (
    <div class="ip-field" data-testid={testid}>
      <div class="ip-field-head">
        <span class="ip-field-label">
          {control ? <label for={control}>{label}</label> : <span class="ip-label">{label}</span>}
          {help && (
            <button
              type="button"
              class="ip-field-help"
              aria-label={t.parameter.help(label)}
              aria-expanded={asked}
              aria-controls={asked ? id : undefined}
              data-tip={help}
              onClick={() => setAsked(!asked)}
            >
              ?
            </button>
          )}
        </span>
        <span class="ip-field-tools">
          {onReset && <SmallButton icon="retry" label={t.parameter.reset(label)} onClick={onReset} />}
          {aside}
        </span>
      </div>
      {children}
      {asked && help && (
        <p id={id} class="ip-help">
          {help}
        </p>
      )}
    </div>
  );
}

interface SmallButtonProps {
  icon: Parameters<typeof Icon>[0]["name"];
  label: string;
  /** A word of the label, shown beside the icon where there is room. */
  text?: string;
  pressed?: boolean;
  /** Whether the list is open that the button opens. */
  expanded?: boolean;
  testid?: string;
  onClick(event: { currentTarget: HTMLElement }): void;
}

/** A button in the head of a field. */
export function SmallButton(props: SmallButtonProps) {
  const { icon, label, text, pressed, expanded, testid, onClick } = props;
  return (
    <button
      type="button"
      class="ip-field-button"
      aria-label={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      data-tip={label}
      data-testid={testid}
      onClick={onClick}
    >
      <Icon name={icon} size={14} />
      {text && <span>{text}</span>}
    </button>
  );
}

interface ChoiceSelectProps {
  id?: string;
  options: readonly Value[];
  value: Value;
  testid?: string;
  onChoose(value: Value): void;
}

/** Many options in a menu. */
export function ChoiceSelect({ id, options, value, testid, onChoose }: ChoiceSelectProps) {
  return (
    <select
      id={id}
      class="ip-input ip-select"
      data-testid={testid}
      value={String(options.indexOf(value))}
      onChange={(event) => onChoose(options[Number(event.currentTarget.value)] ?? null)}
    >
      {options.map((option, index) => (
        <option key={index} value={String(index)}>
          {optionText(option)}
        </option>
      ))}
    </select>
  );
}
