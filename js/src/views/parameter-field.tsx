// One parameter of a model, with the control that its schema asks for.
import { snap } from "../lib/dimensions";
import { controlOf, randomSeed, type Value } from "../lib/parameters";
import type { ParameterState } from "../protocol.gen";
import { Field, IconButton, NumberInput, Segments, Slider, useId } from "./parts";

interface ParameterFieldProps {
  parameter: ParameterState;
  value: Value;
  onChange(value: Value): void;
}

export function ParameterField({ parameter, value, onChange }: ParameterFieldProps) {
  const id = useId();
  const { title, help, choices, maxLength } = parameter;
  switch (controlOf(parameter)) {
    case "switch":
      return (
        <Field
          label={title}
          help={help}
          control={id}
          aside={<Switch id={id} on={value === true} onChange={onChange} />}
        >
          {null}
        </Field>
      );
    case "segments":
      return (
        <Field label={title} help={help}>
          <Segments
            label={title}
            options={choices.map((choice) => ({ value: choice, text: wordOf(choice) }))}
            value={typeof value === "boolean" ? null : value}
            onChoose={onChange}
          />
        </Field>
      );
    case "select":
      return (
        <Field label={title} help={help} control={id}>
          <select
            id={id}
            class="ip-input ip-select"
            value={String(value === null ? -1 : choices.findIndex((choice) => Object.is(choice, value)))}
            onChange={(event) => onChange(choices[Number(event.currentTarget.value)] ?? null)}
          >
            {(parameter.default === null || value === null) && <option value="-1">Automatic</option>}
            {choices.map((choice, index) => (
              <option key={choice} value={String(index)}>
                {wordOf(choice)}
              </option>
            ))}
          </select>
        </Field>
      );
    case "seed":
      return <SeedField parameter={parameter} value={value} onChange={onChange} />;
    case "slider":
    case "number":
      return <NumberField parameter={parameter} value={value} onChange={onChange} />;
    case "textarea":
      return (
        <Field label={title} help={help} control={id}>
          <textarea
            id={id}
            class="ip-input ip-textarea"
            rows={2}
            maxLength={maxLength ?? undefined}
            value={typeof value === "string" ? value : ""}
            onInput={(event) => onChange(event.currentTarget.value || null)}
          />
        </Field>
      );
    case "text":
      return (
        <Field label={title} help={help} control={id}>
          <input
            id={id}
            class="ip-input"
            type="text"
            maxLength={maxLength ?? undefined}
            value={typeof value === "string" ? value : ""}
            onInput={(event) => onChange(event.currentTarget.value || null)}
          />
        </Field>
      );
  }
}

/** A choice as a word: "high_quality" reads "High quality". */
function wordOf(choice: string | number): string {
  if (typeof choice === "number" || !/^[a-z][a-z_ -]*$/.test(choice)) return String(choice);
  const words = choice.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function Switch({ id, on, onChange }: { id: string; on: boolean; onChange(on: boolean): void }) {
  return (
    <input
      id={id}
      class="ip-switch"
      type="checkbox"
      role="switch"
      checked={on}
      aria-checked={on}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

function NumberField({ parameter, value, onChange }: ParameterFieldProps) {
  const id = useId();
  const { title, help, minimum, maximum, step } = parameter;
  const number = typeof value === "number" ? value : null;
  const fine = step ?? (parameter.type === "integer" ? 1 : null);
  return (
    <Field label={title} help={help} control={id}>
      <div class="ip-row">
        {minimum !== null && maximum !== null && (
          <Slider
            label={title}
            value={number ?? minimum}
            minimum={minimum}
            maximum={maximum}
            step={fine ?? (maximum - minimum) / 100}
            onInput={(next) => onChange(snap(next, parameter))}
          />
        )}
        <NumberInput
          id={id}
          label={title}
          value={number}
          minimum={minimum}
          maximum={maximum}
          step={fine}
          placeholder="Auto"
          onCommit={(next) => onChange(next === null ? parameter.default : snap(next, parameter))}
        />
      </div>
    </Field>
  );
}

export function SeedField({ parameter, value, onChange }: ParameterFieldProps) {
  const id = useId();
  const number = typeof value === "number" ? value : null;
  return (
    <Field label={parameter.title} help={parameter.help} control={id}>
      <div class="ip-row">
        <NumberInput
          id={id}
          label={parameter.title}
          value={number}
          minimum={parameter.minimum}
          maximum={parameter.maximum}
          step={parameter.step ?? 1}
          placeholder="Random"
          testid="seed"
          onCommit={(next) => onChange(next === null ? null : snap(next, parameter))}
        />
        {number !== null && <IconButton icon="close" label="Random seed" onClick={() => onChange(null)} />}
        <IconButton icon="dice" label="Choose a seed" onClick={() => onChange(randomSeed(parameter))} />
      </div>
    </Field>
  );
}
