// What a form shows of a model, what of it is sent, and what of it another model takes too. Pure.
import type { Config, ModelState, ParameterState } from "../protocol.gen";
import { problem, snap } from "./dimensions";

export type Value = string | number | boolean | null;
export type Values = Record<string, Value>;

/** Which control fits a parameter. */
export type Control =
  | "switch"
  | "segments"
  | "select"
  | "shapes"
  | "slider"
  | "number"
  | "text"
  | "textarea"
  | "seed";

const SHORT_CHOICES = 18;
const LONG_TEXT = 160;

export function controlOf(parameter: ParameterState): Control {
  const { type, kind, choices, minimum, maximum, maxLength } = parameter;
  // A switch cannot say "as the provider likes".
  if (type === "boolean") return parameter.default === null ? "select" : "switch";
  if (kind === "seed" && isNumber(parameter)) return "seed";
  if (choices.length > 0) {
    if (kind === "aspect_ratio" && choices.some((choice) => ratioOf(choice) !== null)) return "shapes";
    const few = choices.length <= 3 && choices.join("").length <= SHORT_CHOICES;
    return few && parameter.default !== null ? "segments" : "select";
  }
  if (type === "string") {
    const long = kind === "text" || kind === "negative_prompt" || (maxLength ?? 0) > LONG_TEXT;
    return long ? "textarea" : "text";
  }
  return minimum !== null && maximum !== null ? "slider" : "number";
}

/** The values to choose from. */
export function choicesOf({ type, choices }: ParameterState): readonly (string | number | boolean)[] {
  return type === "boolean" ? [true, false] : choices;
}

/** A choice in words: "high_quality" reads "High quality", "1024x768" reads "1024 × 768". */
export function choiceText(choice: string | number | boolean): string {
  if (typeof choice === "boolean") return choice ? "On" : "Off";
  const text = String(choice);
  if (/^\d+x\d+$/.test(text)) return text.replace("x", " × ");
  if (/^(png|jpe?g|webp)$/.test(text)) return text.toUpperCase();
  if (!/^[a-z][a-z_ -]*$/.test(text)) return text;
  return text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");
}

/** Width divided by height of a choice like "16:9", or null for one like "auto". */
export function ratioOf(choice: string | number): number | null {
  const [, across, down] = /^([\d.]+)[:x]([\d.]+)$/.exec(String(choice)) ?? [];
  const ratio = Number(across) / Number(down);
  return ratio > 0 && Number.isFinite(ratio) ? ratio : null;
}

/** The parameters of a model, as the panel groups them. */
export interface Form {
  width: ParameterState | null;
  height: ParameterState | null;
  seed: ParameterState | null;
  plain: ParameterState[];
  advanced: ParameterState[];
}

export function formOf(model: ModelState | undefined): Form {
  const form: Form = { width: null, height: null, seed: null, plain: [], advanced: [] };
  for (const parameter of model?.parameters ?? []) {
    const { kind } = parameter;
    if ((kind === "width" || kind === "height" || kind === "seed") && isNumber(parameter)) {
      form[kind] = parameter;
    } else if (parameter.advanced) form.advanced.push(parameter);
    else form.plain.push(parameter);
  }
  return form;
}

/** The parameter that says what a picture shall not show, where the model has one: it stands beside the prompt. */
export function negativeOf(model: ModelState | undefined): ParameterState | null {
  return model?.parameters.find(isNegative) ?? null;
}

function isNegative({ name, kind, type, choices }: ParameterState): boolean {
  return (
    type === "string" && choices.length === 0 && (name === "negative_prompt" || kind === "negative_prompt")
  );
}

function isNumber({ type }: ParameterState): boolean {
  return type === "integer" || type === "number";
}

/** The value that is shown: the user's own, else the default. */
export function shownValue(parameter: ParameterState, values: Values | undefined): Value {
  const own = values?.[parameter.name];
  return own === undefined ? parameter.default : own;
}

export function modelOf(models: readonly ModelState[], name: string): ModelState | undefined {
  return models.find((model) => model.name === name);
}

/** The parameters to send: all that is shown and differs from the default. */
export function paramsToSend(model: ModelState, config: Config): Values {
  const values = config.params[model.name];
  const sent: Values = {};
  for (const parameter of model.parameters) {
    const value = shownValue(parameter, values);
    if (value !== parameter.default) sent[parameter.name] = value;
  }
  return sent;
}

/** Whether a parameter takes a value: of its type, in its range, on its steps, one of its choices. */
export function fits(parameter: ParameterState, value: Value): boolean {
  const { type, choices, maxLength } = parameter;
  if (value === null) return parameter.default === null;
  if (choices.length > 0) return choices.some((choice) => choice === value);
  if (typeof value === "number")
    return isNumber(parameter) && Math.abs(snap(value, parameter) - value) < 1e-9;
  return (
    type === typeof value && !(typeof value === "string" && maxLength !== null && value.length > maxLength)
  );
}

/** Of the values that the user gave to one model, those that another one takes too. */
export function fitting(values: Values | undefined, model: ModelState): Values {
  const kept: Values = {};
  for (const parameter of model.parameters) {
    const value = values?.[parameter.name];
    if (value !== undefined && fits(parameter, value)) kept[parameter.name] = value;
  }
  const { width, height } = formOf(model);
  if (!width || !height) return kept;
  const size = { width: kept[width.name], height: kept[height.name] };
  const whole = typeof size.width === "number" && typeof size.height === "number";
  // One edge alone would be a shape that nobody chose.
  if (!whole || problem({ width: Number(size.width), height: Number(size.height) }, model.sizeRule)) {
    delete kept[width.name];
    delete kept[height.name];
  }
  return kept;
}

/** A random seed in the range of the parameter. */
export function randomSeed(parameter: ParameterState, random: () => number = Math.random): number {
  const low = Math.max(parameter.minimum ?? 0, 0);
  const high = Math.min(parameter.maximum ?? 2 ** 31 - 1, 2 ** 31 - 1);
  return Math.floor(low + random() * (high - low + 1));
}
