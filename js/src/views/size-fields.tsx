// Width and height, the ratio lock and the ratio presets.
import { explain, type Limits, presetOf, problem, RATIOS, type Size } from "../lib/dimensions";
import { modelOf, shownValue, type Value } from "../lib/parameters";
import { useActions, useStore } from "./context";
import { ChoiceSelect, IconButton, NumberInput, Slider, useId } from "./parts";
import { Shapes } from "./shapes";

interface SizeFieldsProps {
  current: Size;
  limits: Limits;
}

export function SizeFields({ current, limits }: SizeFieldsProps) {
  const locked = useStore((state) => state.config.ratioLocked);
  const actions = useActions();
  const broken = problem(current, limits.rule);
  return (
    <div class="ip-size">
      <div class="ip-field-head">
        <span class="ip-label">Size</span>
        <IconButton
          icon={locked ? "linked" : "unlinked"}
          label={locked ? "Ratio is locked" : "Lock the ratio"}
          pressed={locked}
          onClick={() => actions.setRatioLocked(!locked)}
        />
      </div>
      <Ratios current={current} />
      <Edge edge="width" current={current} limits={limits} />
      <Edge edge="height" current={current} limits={limits} />
      <p class={broken ? "ip-help ip-help-bad" : "ip-help"}>{broken ?? explain(limits.rule)}</p>
    </div>
  );
}

function Edge({ edge, current, limits }: SizeFieldsProps & { edge: "width" | "height" }) {
  const id = useId();
  const actions = useActions();
  const parameter = limits[edge];
  const own = useStore((state) =>
    shownValue(parameter, state.config.params[modelOf(state.models, state.config.model)?.name ?? ""]),
  );
  const { minimum, maximum, step, title, choices } = parameter;
  const fine = step ?? 1;
  const take = (value: Value): void => {
    if (typeof value === "number") actions.setEdge(edge, value);
    else
      actions.setParameters({
        [limits.width.name]: limits.width.default,
        [limits.height.name]: limits.height.default,
      });
  };
  return (
    <div class="ip-edge">
      <label for={id}>{title}</label>
      {choices.length > 0 ? (
        <ChoiceSelect id={id} choices={choices} value={own} testid={edge} onChoose={take} />
      ) : (
        <>
          {minimum !== null && maximum !== null && (
            <Slider
              label={title}
              value={current[edge]}
              minimum={minimum}
              maximum={maximum}
              step={fine}
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
            placeholder="Auto"
            testid={edge}
            onCommit={take}
          />
        </>
      )}
    </div>
  );
}

function Ratios({ current }: { current: Size }) {
  const actions = useActions();
  const preset = presetOf(current);
  return (
    <Shapes
      label="Ratio"
      shapes={RATIOS.map(([across, down], index) => ({
        text: `${across}:${down}`,
        ratio: across / down,
        chosen: index === preset,
        onChoose: () => actions.setRatio(across / down),
      }))}
    />
  );
}
