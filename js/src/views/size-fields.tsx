// Width and height, the ratio lock and the ratio presets.
import { explain, type Limits, presetOf, problem, RATIOS, type Size } from "../lib/dimensions";
import { modelOf, shownValue } from "../lib/parameters";
import { useActions, useStore } from "./context";
import { IconButton, NumberInput, Slider, useId } from "./parts";

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
  const { minimum, maximum, step, title } = parameter;
  const fine = step ?? 1;
  return (
    <div class="ip-edge">
      <label for={id}>{title}</label>
      {minimum !== null && maximum !== null && (
        <Slider
          label={title}
          value={current[edge]}
          minimum={minimum}
          maximum={maximum}
          step={fine}
          onInput={(value) => actions.setEdge(edge, value)}
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
        onCommit={(value) => {
          if (value !== null) actions.setEdge(edge, value);
          else
            actions.setParameters({
              [limits.width.name]: limits.width.default,
              [limits.height.name]: limits.height.default,
            });
        }}
      />
    </div>
  );
}

const SHAPE = 14;

function Ratios({ current }: { current: Size }) {
  const actions = useActions();
  const preset = presetOf(current);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a frame and a legend that cannot be laid out
    <div class="ip-ratios" role="group" aria-label="Ratio">
      {RATIOS.map(([across, down], index) => {
        const scale = SHAPE / Math.max(across, down);
        const width = across * scale;
        const height = down * scale;
        return (
          <button
            key={index}
            type="button"
            class="ip-ratio"
            aria-label={`Ratio ${across} to ${down}`}
            aria-pressed={index === preset}
            onClick={() => actions.setRatio(across / down)}
          >
            <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
              <rect x={9 - width / 2} y={9 - height / 2} width={width} height={height} rx="2" />
            </svg>
            <span>
              {across}:{down}
            </span>
          </button>
        );
      })}
    </div>
  );
}
