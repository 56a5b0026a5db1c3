// What a form shows of a model, and what of it is sent. Pure.
import type { Config, ModelState, ParameterState } from "../protocol.gen";

export type Value = string | number | boolean | null;
export type Values = Record<string, Value>;

/** Which control fits a parameter. */
export type Control = "switch" | "segments" | "select" | "slider" | "number" | "text" | "textarea" | "seed";

const SHORT_CHOICES = 18;
const LONG_TEXT = 160;

export function controlOf(parameter: ParameterState): Control {
  if (parameter.type === "boolean") return "switch";
  if (parameter.kind === "seed") return "seed";
  if (parameter.choices.length > 0) {
    const letters = parameter.choices.join("").length;
    const few = parameter.choices.length <= 3 && letters <= SHORT_CHOICES;
    return few && parameter.default !== null ? "segments" : "select";
  }
  if (parameter.type === "string") {
    const long = parameter.kind === "text" || (parameter.maxLength ?? 0) > LONG_TEXT;
    return long ? "textarea" : "text";
  }
  return parameter.minimum !== null && parameter.maximum !== null ? "slider" : "number";
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
    if (parameter.kind === "width" && isNumber(parameter)) form.width = parameter;
    else if (parameter.kind === "height" && isNumber(parameter)) form.height = parameter;
    else if (parameter.kind === "seed") form.seed = parameter;
    else if (parameter.advanced) form.advanced.push(parameter);
    else form.plain.push(parameter);
  }
  return form;
}

function isNumber(parameter: ParameterState): boolean {
  return parameter.type === "integer" || parameter.type === "number";
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

/** A random seed in the range of the parameter. */
export function randomSeed(parameter: ParameterState, random: () => number = Math.random): number {
  const low = Math.max(parameter.minimum ?? 0, 0);
  const high = Math.min(parameter.maximum ?? 2 ** 31 - 1, 2 ** 31 - 1);
  return Math.floor(low + random() * (high - low + 1));
}
