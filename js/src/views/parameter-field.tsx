// One parameter of a model, with the control that its schema asks for.
import { snap } from "../lib/dimensions";
import {
  controlOf,
  helpOf,
  optionsOf,
  optionText,
  randomSeed,
  ratioOf,
  titleOf,
  type Value,
} from "../lib/parameters";
import { t } from "../messages";
import type { ParameterState } from "../protocol.gen";
import type { State } from "../store";
import { useActions, usePage } from "./context";
import { ChoiceSelect, Field, SmallButton } from "./field";
import { IconButton, NumberInput, Segments, Slider, useId } from "./parts";
import { type Shape, Shapes } from "./shapes";

interface ParameterFieldProps {
  parameter: ParameterState;
  value: Value;
  onChange(value: Value): void;
}

export function ParameterField(props: ParameterFieldProps) {
  const { parameter, value, onChange } = props;
  const id = useId();
  const actions = useActions();
  const { name, maxLength } = parameter;
  const label = titleOf(parameter);
  const help = helpOf(parameter);
  const onReset = value === parameter.default ? undefined : () => actions.resetParameters([name]);
  const control = controlOf(parameter);
  switch (control) {
    case "seed":
      return <SeedField {...props} />;
    case "slider":
    case "number":
      return (
        <Field label={label} help={help} control={id} onReset={onReset}>
          <NumberControl id={id} {...props} />
        </Field>
      );
    case "switch":
      return (
        <Field
          label={label}
          help={help}
          control={id}
          onReset={onReset}
          aside={<Switch id={id} on={value === true} onChange={onChange} />}
        />
      );
    case "segments":
      return (
        <Field label={label} help={help} onReset={onReset}>
          <ChoiceSegments label={label} {...props} />
        </Field>
      );
    case "shapes":
      return (
        <Field label={label} help={help} onReset={onReset} aside={<Swap {...props} />}>
          <Shapes label={label} shapes={shapesOf(props)} />
        </Field>
      );
    case "select":
      return (
        <Field label={label} help={help} control={id} onReset={onReset}>
          <ChoiceSelect id={id} options={optionsOf(parameter, value)} value={value} onChoose={onChange} />
        </Field>
      );
    case "textarea":
    case "text": {
      const Text = control === "text" ? "input" : "textarea";
      return (
        <Field label={label} help={help} control={id} onReset={onReset}>
          <Text
            id={id}
            class={control === "text" ? "ip-input" : "ip-input ip-textarea"}
            rows={2}
            maxLength={maxLength ?? undefined}
            placeholder={typeof parameter.default === "string" ? undefined : t.parameter.automatic}
            value={typeof value === "string" ? value : ""}
            onInput={(event) => onChange(event.currentTarget.value || null)}
          />
        </Field>
      );
    }
  }
}

/** A few options side by side. */
function ChoiceSegments({ label, parameter, value, onChange }: ParameterFieldProps & { label: string }) {
  const options = optionsOf(parameter, value);
  return (
    <Segments
      label={label}
      options={options.map((option, index) => ({ value: index, text: optionText(option) }))}
      value={options.indexOf(value)}
      onChoose={(index) => onChange(options[index] ?? null)}
    />
  );
}

function shapesOf({ parameter, value, onChange }: ParameterFieldProps): Shape[] {
  return optionsOf(parameter, value).map((option) => ({
    text: optionText(option),
    ratio: ratioOf(String(option)),
    chosen: option === value,
    onChoose: () => onChange(option),
  }));
}

/** Swap the edges of the chosen shape, if the model has that shape too. */
function Swap({ parameter, value, onChange }: ParameterFieldProps) {
  const ratio = ratioOf(String(value));
  if (ratio === null || Math.abs(ratio - 1) < 1e-9) return null;
  const other = parameter.choices.find((choice) => Math.abs((ratioOf(choice) ?? 0) * ratio - 1) < 1e-3);
  if (other === undefined) return null;
  return (
    <SmallButton icon="swap" label={t.size.swap} text={t.size.swapShort} onClick={() => onChange(other)} />
  );
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

function NumberControl({ id, parameter, value, onChange }: ParameterFieldProps & { id: string }) {
  const { minimum, maximum, step } = parameter;
  const label = titleOf(parameter);
  const number = typeof value === "number" ? value : null;
  const fine = step ?? (parameter.type === "integer" ? 1 : null);
  return (
    // A choice that is left to the provider has no place on a slider.
    <div class="ip-row" data-unset={number === null}>
      {minimum !== null && maximum !== null && (
        <Slider
          label={label}
          value={number ?? minimum}
          minimum={minimum}
          maximum={maximum}
          step={fine ?? (maximum - minimum) / 100}
          valueText={number === null ? t.parameter.automatic : undefined}
          onInput={(next) => onChange(snap(next, parameter))}
        />
      )}
      <NumberInput
        id={id}
        label={label}
        value={number}
        minimum={minimum}
        maximum={maximum}
        step={fine}
        placeholder={t.parameter.automatic}
        onCommit={(next) => onChange(next === null ? parameter.default : snap(next, parameter))}
      />
    </div>
  );
}

function SeedField({ parameter, value, onChange }: ParameterFieldProps) {
  const id = useId();
  const { store } = usePage();
  const label = titleOf(parameter);
  const number = typeof value === "number" ? value : null;
  const kept = number !== null;
  return (
    <Field label={label} help={helpOf(parameter)} control={id}>
      <div class="ip-row">
        <NumberInput
          id={id}
          label={label}
          value={number}
          minimum={parameter.minimum}
          maximum={parameter.maximum}
          step={parameter.step ?? 1}
          placeholder={t.parameter.random}
          testid="seed"
          onCommit={(next) => onChange(next === null ? null : snap(next, parameter))}
        />
        <IconButton
          icon="dice"
          label={t.parameter.dice}
          testid="seed-dice"
          onClick={() => onChange(randomSeed(parameter))}
        />
        <IconButton
          icon={kept ? "lock" : "unlock"}
          label={kept ? t.parameter.freeSeed : t.parameter.keepSeed}
          text={t.parameter.keep}
          pressed={kept}
          testid="seed-lock"
          onClick={() =>
            onChange(kept ? null : (newestSeed(store.getState(), parameter) ?? randomSeed(parameter)))
          }
        />
      </div>
    </Field>
  );
}

/** Return the seed of the newest picture of the topic, where the parameter takes it. */
function newestSeed({ activeTopicId, feeds, batches }: State, parameter: ParameterState): number | null {
  for (const id of feeds[activeTopicId ?? ""]?.ids ?? []) {
    for (const { seed, status } of batches[id]?.generations ?? []) {
      if (seed !== null && status === "success" && snap(seed, parameter) === seed) return seed;
    }
  }
  return null;
}
