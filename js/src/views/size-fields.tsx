// The size of the images: width and height with their ratio, or the model's own sizes.

import {
  explain,
  hasRatio,
  type Limits,
  megapixels,
  presetOf,
  problem,
  RATIOS,
  ratioText,
} from "../lib/dimensions";
import type { Size } from "../lib/geometry";
import {
  formOf,
  helpOf,
  isChanged,
  modelOf,
  optionsOf,
  optionText,
  ratioOf,
  shownValue,
  titleOf,
  type Value,
} from "../lib/parameters";
import { t } from "../messages";
import type { ParameterState } from "../protocol.gen";
import { meantOf, offerOf, type Sizing, sizeOf } from "../slices/sizes";
import { type Actions, useActions, useStore } from "./context";
import { ChoiceSelect, Field, SmallButton } from "./field";
import { Icon } from "./icon";
import { NumberInput, Slider, useId } from "./parts";
import { type Shape, Shapes } from "./shapes";

export function SizeFields() {
  const models = useStore((state) => state.models);
  const config = useStore((state) => state.config);
  const actions = useActions();
  const model = modelOf(models, config.model);
  const size = sizeOf({ models, config });
  const { width, height, named, custom } = formOf(model);
  if (!size || !width || !height) return null;
  const { current, limits, automatic } = size;
  const values = config.params[config.model];
  const edges = !automatic && size.named === null;
  const parts = [width, height, ...(named ? [named] : [])];
  const { ratio: wanted, asked } = meantOf(config, current);
  const locked = config.ratioLocked;
  return (
    <Field
      label={t.size.label}
      help={(named && helpOf(named)) || helpOf(width)}
      testid="size"
      onReset={
        parts.some((part) => isChanged(part, values))
          ? () => actions.resetParameters(parts.map(({ name }) => name))
          : undefined
      }
      aside={
        edges && (
          <>
            <SmallButton
              icon="swap"
              label={t.size.swap}
              text={t.size.swapShort}
              testid="swap"
              onClick={actions.swapEdges}
            />
            <SmallButton
              icon={locked ? "linked" : "unlinked"}
              label={locked ? t.size.locked(ratioText(wanted)) : t.size.lock}
              text={t.size.lockShort}
              pressed={locked}
              testid="ratio-lock"
              onClick={() => actions.setRatioLocked(!locked)}
            />
          </>
        )
      }
    >
      <Shapes
        label={t.size.ratio}
        shapes={named ? namedShapes(named, custom, size, actions) : ratioShapes(size, wanted, actions)}
      />
      {(edges || !named) && (
        <>
          <Edge edge="width" sizing={size} />
          <Edge edge="height" sizing={size} />
        </>
      )}
      {edges ? (
        <Note size={current} limits={limits} wanted={locked || asked ? wanted : null} />
      ) : (
        automatic && size.named === null && <p class="ip-help">{t.size.automatic}</p>
      )}
    </Field>
  );
}

/** Return the usual ratios, and "Auto" where the provider may choose. */
function ratioShapes({ automatic, limits }: Sizing, wanted: number, actions: Actions): Shape[] {
  const shapes: Shape[] = RATIOS.map(([across, down], index) => ({
    text: `${across}:${down}`,
    ratio: across / down,
    chosen: !automatic && index === presetOf(wanted),
    onChoose: () => actions.setRatio(across / down),
  }));
  const { width, height } = limits;
  if (width.default !== null || height.default !== null) return shapes;
  const leave = () => actions.resetParameters([width.name, height.name]);
  return [{ text: t.size.auto, ratio: null, chosen: automatic, onChoose: leave }, ...shapes];
}

/** Return the model's own sizes; one of them means that width and height are given instead. */
function namedShapes(named: ParameterState, custom: string | null, size: Sizing, actions: Actions): Shape[] {
  const edges = !size.automatic && size.named === null;
  const own: Shape = {
    text: t.size.custom,
    ratio: null,
    chosen: edges,
    onChoose: () => actions.setRatio(ratioOf(String(size.named ?? "")) ?? 1),
  };
  const options = optionsOf(named, size.named ?? named.default).filter(
    (option) => option !== custom || custom === null,
  );
  const shapes = options.map((option) => ({
    text: optionText(option),
    ratio: ratioOf(String(option)),
    chosen: !edges && option === size.named,
    onChoose: () => actions.setNamedSize(option),
  }));
  return [...shapes, own];
}

function Edge({ edge, sizing }: { edge: "width" | "height"; sizing: Sizing }) {
  const id = useId();
  const actions = useActions();
  const { current, limits, automatic } = sizing;
  const parameter = limits[edge];
  const own = useStore((state) => shownValue(parameter, state.config.params[state.config.model]));
  const { minimum, maximum, step, choices } = parameter;
  const title = titleOf(parameter);
  const fine = step ?? 1;
  const take = (value: Value): void => {
    if (typeof value === "number") actions.setEdge(edge, value);
    else actions.resetParameters([limits.width.name, limits.height.name]);
  };
  return (
    <div class="ip-edge" data-unset={automatic}>
      <label for={id}>{title}</label>
      {choices.length > 0 ? (
        <ChoiceSelect id={id} options={optionsOf(parameter, own)} value={own} testid={edge} onChoose={take} />
      ) : (
        <>
          {minimum !== null && maximum !== null && (
            <Slider
              label={title}
              value={current[edge]}
              minimum={minimum}
              maximum={maximum}
              step={fine}
              valueText={automatic ? t.size.auto : undefined}
              onInput={take}
            />
          )}
          <NumberInput
            id={id}
            label={title}
            value={typeof own === "number" ? own : null}
            minimum={minimum}
            maximum={maximum}
            step={fine}
            placeholder={t.size.auto}
            testid={edge}
            onCommit={take}
          />
        </>
      )}
    </div>
  );
}

/** The note below the size: what is wrong with it, that its ratio could not be kept, or what is allowed. */
function Note({ size, limits, wanted }: { size: Size; limits: Limits; wanted: number | null }) {
  const broken = problem(size, limits.rule);
  if (broken) {
    return (
      <p class="ip-help ip-help-bad" role="alert">
        {broken}
      </p>
    );
  }
  if (wanted !== null && !hasRatio(size, wanted)) {
    return (
      <p class="ip-help" role="status" data-testid="ratio-note">
        {t.size.notKept(ratioText(wanted), ratioText(size.width / size.height))}
      </p>
    );
  }
  const rule = explain(limits.rule);
  const is = megapixels(size.width * size.height);
  return <p class="ip-help">{rule ? `${is} · ${rule}` : is}</p>;
}

/** The ratio of a reference, for as long as it is offered. */
export function OfferedRatio() {
  const actions = useActions();
  const ratio = useStore((state) => offerOf(state)?.text);
  if (ratio === undefined) return null;
  return (
    <div class="ip-offer" data-testid="offered-ratio">
      <button type="button" class="ip-offer-take" onClick={actions.takeOfferedRatio}>
        <Icon name="images" size={14} />
        {t.size.use(ratio)}
      </button>
      <SmallButton icon="close" label={t.size.dismiss} onClick={actions.dismissOfferedRatio} />
    </div>
  );
}
