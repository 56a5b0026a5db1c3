// One parameter of a model, with the control that its schema asks for.
import { snap } from "../lib/dimensions";
import { choicesOf, choiceText, controlOf, randomSeed, ratioOf, type Value } from "../lib/parameters";
import type { ParameterState } from "../protocol.gen";
import { ChoiceSelect, Field, IconButton, NumberInput, Segments, Slider, useId } from "./parts";
import { Shapes } from "./shapes";

interface ParameterFieldProps {
  parameter: ParameterState;
  value: Value;
  onChange(value: Value): void;
}

export function ParameterField(props: ParameterFieldProps) {
  const { parameter, value, onChange } = props;
  const id = useId();
  const { title, help, choices, maxLength } = parameter;
  const control = controlOf(parameter);
  switch (control) {
    case "seed":
      return <SeedField {...props} />;
    case "slider":
    case "number":
      return <NumberField {...props} />;
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
            options={choices.map((choice) => ({ value: choice, text: choiceText(choice) }))}
            value={typeof value === "boolean" ? null : value}
            onChoose={onChange}
          />
        </Field>
      );
    case "shapes":
      return (
        <Field label={title} help={help}>
          <Shapes label={title} shapes={shapesOf(props)} />
        </Field>
      );
    case "select":
      return (
        <Field label={title} help={help} control={id}>
          <ChoiceSelect
            id={id}
            choices={choicesOf(parameter)}
            value={value}
            automatic={parameter.default === null}
            onChoose={onChange}
          />
        </Field>
      );
    case "textarea":
    case "text": {
      const Text = control === "text" ? "input" : "textarea";
      return (
        <Field label={title} help={help} control={id}>
          <Text
            id={id}
            class={control === "text" ? "ip-input" : "ip-input ip-textarea"}
            rows={2}
            maxLength={maxLength ?? undefined}
            value={typeof value === "string" ? value : ""}
            onInput={(event) => onChange(event.currentTarget.value || null)}
          />
        </Field>
      );
    }
  }
}

function shapesOf({ parameter, value, onChange }: ParameterFieldProps) {
  const automatic = { text: "Auto", ratio: null, chosen: value === null, onChoose: () => onChange(null) };
  const shapes = parameter.choices.map((choice) => ({
    text: choiceText(choice),
    ratio: ratioOf(choice),
    chosen: choice === value,
    onChoose: () => onChange(choice),
  }));
  return parameter.default === null || value === null ? [automatic, ...shapes] : shapes;
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

function SeedField({ parameter, value, onChange }: ParameterFieldProps) {
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
