// Small controls that the panels share.
import { useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon";

interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick(): void;
  testid?: string;
  tone?: "danger" | "accent";
  pressed?: boolean;
  /** For a button that shows and hides something: whether that is shown. */
  expanded?: boolean;
  /** The button cannot be pressed now. It can have the focus, because its own press may have disabled it. */
  disabled?: boolean;
  text?: string;
}

/**
 * A button with an icon. Its name is `label`, which is drawn beside it on hover and focus. If `text` is shown beside the
 * icon, the text is the name, because users who speak to the page read it, and `label` says more.
 */
export function IconButton(props: IconButtonProps) {
  const { icon, label, onClick, testid, tone, pressed, expanded, disabled, text } = props;
  return (
    <button
      type="button"
      class={text ? "ip-button" : "ip-button ip-button-icon"}
      data-tone={tone}
      aria-label={text ? undefined : label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-description={text && text !== label ? label : undefined}
      data-tip={label === text ? undefined : label}
      aria-disabled={disabled}
      data-testid={testid}
      onClick={(event) => {
        event.stopPropagation();
        if (!disabled) onClick();
      }}
    >
      <Icon name={icon} />
      {text && <span>{text}</span>}
    </button>
  );
}

/** Return what shows words beside an element that has another name, and tells them to a screen reader. */
export function tipped(words: string | undefined) {
  return { "data-tip": words || undefined, "aria-description": words || undefined };
}

/** The kernel's own sentence about an error, below the words of the page. */
export function ErrorDetail({ text }: { text: string }) {
  return (
    <span class="ip-detail" lang="en">
      {text}
    </span>
  );
}

let ids = 0;

/** Return an id that is unique in the document: several views show the same form. */
export function useId(): string {
  const id = useRef("");
  if (!id.current) {
    ids += 1;
    id.current = `imgplay-${ids}`;
  }
  return id.current;
}

interface NumberInputProps {
  id?: string;
  label: string;
  value: number | null;
  minimum: number | null;
  maximum: number | null;
  step: number | null;
  placeholder?: string;
  disabled?: boolean;
  testid?: string;
  onCommit(value: number | null): void;
}

/** A field for a number. It is used when it is complete: on Enter, on leaving the field, on an arrow key. */
export function NumberInput(props: NumberInputProps) {
  const { id, label, value, minimum, maximum, step, placeholder, disabled, testid, onCommit } = props;
  const shown = value === null ? "" : String(value);
  const [draft, setDraft] = useState<string | null>(null);
  // Keys may come faster than the page is drawn: the drawn value need not be the newest one.
  const taken = useRef(shown);
  taken.current = shown;
  const commit = (text: string): void => {
    setDraft(null);
    if (text === taken.current) return;
    taken.current = text;
    const number = Number(text);
    if (text.trim() === "") onCommit(null);
    else if (Number.isFinite(number)) onCommit(number);
  };
  return (
    <input
      id={id}
      class="ip-input ip-number"
      type="number"
      aria-label={label}
      value={draft ?? shown}
      min={minimum ?? undefined}
      max={maximum ?? undefined}
      step={step ?? "any"}
      placeholder={placeholder}
      disabled={disabled}
      data-testid={testid}
      onInput={(event) => setDraft(event.currentTarget.value)}
      onChange={(event) => commit(event.currentTarget.value)}
      onBlur={(event) => commit(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit(event.currentTarget.value);
      }}
    />
  );
}

interface SliderProps {
  label: string;
  value: number;
  minimum: number;
  maximum: number;
  step: number | null;
  disabled?: boolean;
  /** The text of the value if there is no number. */
  valueText?: string | undefined;
  onInput(value: number): void;
}

export function Slider({ label, value, minimum, maximum, step, disabled, valueText, onInput }: SliderProps) {
  const share = maximum > minimum ? (value - minimum) / (maximum - minimum) : 0;
  return (
    <input
      class="ip-slider"
      type="range"
      aria-label={label}
      aria-valuetext={valueText}
      min={minimum}
      max={maximum}
      step={step ?? "any"}
      value={value}
      disabled={disabled}
      style={{ "--share": `${Math.min(Math.max(share, 0), 1) * 100}%` }}
      onInput={(event) => onInput(Number(event.currentTarget.value))}
    />
  );
}

interface SegmentsProps<T> {
  label: string;
  options: readonly { value: T; text: string; testid?: string }[];
  value: T | null;
  disabled?: boolean;
  onChoose(value: T): void;
}

/** A few choices side by side. */
export function Segments<T extends string | number>({
  label,
  options,
  value,
  disabled,
  onChoose,
}: SegmentsProps<T>) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a frame and a legend that cannot be laid out
    <div class="ip-segments" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          class="ip-segment"
          aria-pressed={option.value === value}
          disabled={disabled}
          data-testid={option.testid}
          onClick={() => onChoose(option.value)}
        >
          {option.text}
        </button>
      ))}
    </div>
  );
}
