// The parameters of a model: which the form shows, which are sent, and which another model takes too. Pure.

import { t } from "../messages";
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
  // A switch cannot leave the choice to the provider.
  if (type === "boolean") return parameter.default === null ? "segments" : "switch";
  if (kind === "seed" && isNumber(parameter)) return "seed";
  if (choices.length > 0) {
    if (isShape(parameter) && choices.some((choice) => ratioOf(choice) !== null)) return "shapes";
    const words = optionsOf(parameter, parameter.default).map(optionText);
    return words.length <= 4 && words.join("").length <= SHORT_CHOICES ? "segments" : "select";
  }
  if (type === "string") {
    const long = /prompt/.test(parameter.name) || (maxLength ?? 0) > LONG_TEXT;
    return long ? "textarea" : "text";
  }
  return minimum !== null && maximum !== null ? "slider" : "number";
}

/** Return whether the choices of a parameter say which shape or size a picture has. */
function isShape({ name, kind }: ParameterState): boolean {
  return SHAPES.has(name) || (kind !== null && SHAPES.has(kind));
}

const SHAPES = new Set(["size", "aspect_ratio"]);

const AUTO = "auto";

/**
 * Return the values to choose from; null leaves the choice to the provider, where that is possible. A value that is
 * not among the choices is offered too, because it would be sent.
 */
export function optionsOf({ type, choices, default: preset }: ParameterState, value: Value): Value[] {
  const known: Value[] = type === "boolean" ? [true, false] : [...choices];
  const open = preset === null || value === null;
  // Leaving the value out means "auto" too, and one of the two is enough.
  const named = open && value !== AUTO ? known.filter((choice) => choice !== AUTO) : known;
  const all = open && !named.includes(AUTO) ? [null, ...named] : named;
  return all.includes(value) ? all : [value, ...all];
}

/** Return the text of an option. */
export function optionText(option: Value): string {
  return option === null ? t.parameter.automatic : choiceText(option);
}

/** Return a choice in words: "high_quality" reads "High quality", "1024x768" reads "1024 × 768". */
export function choiceText(choice: string | number | boolean): string {
  if (typeof choice === "boolean") return choice ? t.parameter.on : t.parameter.off;
  const text = String(choice);
  const known = t.parameter.choices[text];
  if (known) return known;
  if (/^\d+x\d+$/.test(text)) return text.replace("x", " × ");
  if (/^(png|jpe?g|webp)$/.test(text)) return text.toUpperCase();
  const [, side, longer, shorter] = NAMED_RATIO.exec(text) ?? [];
  if (side) return side === "portrait" ? `${shorter}:${longer}` : `${longer}:${shorter}`;
  if (!/^[a-z][a-z_ -]*$/.test(text)) return text;
  return text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");
}

const NAMED_RATIO = /^(portrait|landscape)_(\d+)_(\d+)$/;

/** Width divided by height of a choice like "16:9" or "portrait_4_3", or null for one like "auto". */
export function ratioOf(choice: string | number): number | null {
  const text = String(choice);
  if (/^square(_|$)/.test(text)) return 1;
  const [, side, longer, shorter] = NAMED_RATIO.exec(text) ?? [];
  if (side) return side === "portrait" ? Number(shorter) / Number(longer) : Number(longer) / Number(shorter);
  const [, across, down] = /^([\d.]+)[:x]([\d.]+)$/.exec(text) ?? [];
  const ratio = Number(across) / Number(down);
  return ratio > 0 && Number.isFinite(ratio) ? ratio : null;
}

/** Return the choice whose shape is nearest to a ratio, or null where none has a shape. */
export function nearestChoice({ choices }: ParameterState, ratio: number): string | number | null {
  let best: string | number | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const choice of choices) {
    const distance = Math.abs(Math.log((ratioOf(choice) ?? Number.NaN) / ratio));
    if (distance < bestDistance) {
      bestDistance = distance;
      best = choice;
    }
  }
  return best;
}

/** Return the title of a parameter, in the page's language where it is a known one. */
export function titleOf({ name, kind, title }: ParameterState): string {
  return t.parameter.titles[name] ?? (kind && t.parameter.titles[kind]) ?? title;
}

export function helpOf({ name, help }: ParameterState): string {
  // If the kernel has no help, the page offers none.
  return help && (t.parameter.helps[name] ?? help);
}

/** The parameters of a model, as the panel groups them. The negative prompt is not among them. */
export interface Form {
  width: ParameterState | null;
  height: ParameterState | null;
  /** The parameter with sizes by name, which is given instead of width and height. */
  named: ParameterState | null;
  /** The value of `named` while width and height are given. */
  custom: string | null;
  seed: ParameterState | null;
  /** The other parameters that choose a shape or a size. */
  shapes: ParameterState[];
  plain: ParameterState[];
  advanced: ParameterState[];
}

const CUSTOM = "custom";

export function formOf(model: ModelState | undefined): Form {
  const form: Form = {
    width: null,
    height: null,
    named: null,
    custom: null,
    seed: null,
    shapes: [],
    plain: [],
    advanced: [],
  };
  for (const parameter of model?.parameters ?? []) {
    const { kind, name } = parameter;
    if (isNegative(parameter)) continue;
    if ((kind === "width" || kind === "height" || kind === "seed") && isNumber(parameter)) {
      form[kind] = parameter;
    } else if (parameter.choices.length > 0 && (isShape(parameter) || name === "resolution")) {
      form.shapes.push(parameter);
    } else if (parameter.advanced) form.advanced.push(parameter);
    else form.plain.push(parameter);
  }
  // Edges that have a default are sent beside every name.
  if (form.width?.default === null && form.height?.default === null) {
    const named = form.shapes.find(
      (shape) => isShape(shape) && (shape.default === null || shape.choices.includes(CUSTOM)),
    );
    if (named) {
      form.named = named;
      form.custom = named.choices.includes(CUSTOM) ? CUSTOM : null;
      form.shapes = form.shapes.filter((shape) => shape !== named);
    }
  }
  return form;
}

/** Return the negative prompt of a model, if it has one: the field is beside the prompt. */
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

/** Return the value that is shown: the user's own, else the default. */
export function shownValue(parameter: ParameterState, values: Values | undefined): Value {
  const own = values?.[parameter.name];
  return own === undefined ? parameter.default : own;
}

export function modelOf(models: readonly ModelState[], name: string): ModelState | undefined {
  return models.find((model) => model.name === name);
}

/** Return whether the user gave a parameter another value than its default. */
export function isChanged(parameter: ParameterState, values: Values | undefined): boolean {
  return shownValue(parameter, values) !== parameter.default;
}

/** Return the parameters to send: all that was chosen or differs from the default. */
export function paramsToSend(model: ModelState, config: Config): Values {
  const values = config.params[model.name];
  const sent: Values = {};
  for (const parameter of model.parameters) {
    const value = shownValue(parameter, values);
    // A size that was chosen counts also where it is the default: a reference gives its size to other images.
    const chosen = value !== null && value === values?.[parameter.name];
    if (chosen || value !== parameter.default) sent[parameter.name] = value;
  }
  return sent;
}

/** Return whether a parameter takes a value: the type, the range, the step and the choices must fit. */
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

/** Return the values that the user gave to one model and that another model takes too. */
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
  // One edge alone would make a shape that the user did not choose.
  if (!whole || problem({ width: Number(size.width), height: Number(size.height) }, model.sizeRule)) {
    delete kept[width.name];
    delete kept[height.name];
  }
  return kept;
}

/** Return a random seed in the range of the parameter. */
export function randomSeed(parameter: ParameterState, random: () => number = Math.random): number {
  const low = Math.max(parameter.minimum ?? 0, 0);
  const high = Math.min(parameter.maximum ?? 2 ** 31 - 1, 2 ** 31 - 1);
  return Math.floor(low + random() * (high - low + 1));
}
