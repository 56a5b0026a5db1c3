// The left panel: which model, and everything that it takes.
import { formOf, isChanged, modelOf, shownValue } from "../lib/parameters";
import { t } from "../messages";
import type { ParameterState } from "../protocol.gen";
import { sizeOf } from "../slices/sizes";
import { useActions, useStore } from "./context";
import { Field } from "./field";
import { Icon } from "./icon";
import { ModelField } from "./model-field";
import { ParameterField } from "./parameter-field";
import { IconButton, NumberInput, Segments } from "./parts";
import { OfferedRatio, SizeFields } from "./size-fields";

export function ConfigPanel() {
  const models = useStore((state) => state.models);
  const config = useStore((state) => state.config);
  const actions = useActions();
  const model = modelOf(models, config.model);
  const form = formOf(model);
  const values = config.params[config.model];
  const sized = sizeOf({ models, config }) !== null;
  const field = (parameter: ParameterState) => (
    <ParameterField
      key={`${config.model} ${parameter.name}`}
      parameter={parameter}
      value={shownValue(parameter, values)}
      onChange={(value) => actions.setParameter(parameter.name, value)}
    />
  );
  // Without both edges there is no ratio: a single edge is a number like any other.
  const edges = sized ? [] : [form.width, form.height].filter((edge) => edge !== null);
  const { advancedOpen } = config.panels;
  const hidden = form.advanced.filter((parameter) => isChanged(parameter, values)).length;
  return (
    <>
      <ModelField model={model} />
      <Count />
      {sized && <SizeFields key={config.model} />}
      {form.shapes.map(field)}
      <OfferedRatio />
      {[...edges, ...form.plain].map(field)}
      {form.seed && field(form.seed)}
      {form.advanced.length > 0 && (
        <details
          class="ip-details"
          open={advancedOpen}
          onToggle={({ currentTarget: { open } }) => {
            if (open !== advancedOpen) actions.setPanels({ advancedOpen: open });
          }}
        >
          <summary data-testid="advanced">
            <Icon name="down" /> {t.parameter.advanced}
            {!advancedOpen && hidden > 0 && <span class="ip-details-count">{hidden}</span>}
          </summary>
          <div class="ip-stack">{form.advanced.map(field)}</div>
        </details>
      )}
      {model?.parameters.some((parameter) => isChanged(parameter, values)) && (
        <div>
          <IconButton
            icon="retry"
            label={t.parameter.resetAllHelp}
            text={t.parameter.resetAll}
            testid="reset-all"
            onClick={() => actions.resetParameters()}
          />
        </div>
      )}
    </>
  );
}

const MAX_SEGMENTS = 8;
/** How many counts are buttons when more images than `MAX_SEGMENTS` may be made at once. */
const QUICK = 4;

function Count() {
  const maxCount = useStore((state) => state.maxCount);
  const count = useStore((state) => Math.min(state.config.count, state.maxCount));
  const actions = useActions();
  const many = maxCount > MAX_SEGMENTS;
  return (
    <Field label={t.size.count}>
      <div class="ip-row">
        <Segments
          label={t.size.countLabel}
          options={Array.from({ length: many ? QUICK : maxCount }, (_, index) => ({
            value: index + 1,
            text: String(index + 1),
            testid: `count-${index + 1}`,
          }))}
          value={count}
          onChoose={actions.setCount}
        />
        {many && (
          <NumberInput
            label={t.size.countLabel}
            value={count}
            minimum={1}
            maximum={maxCount}
            step={1}
            testid="count"
            onCommit={(next) => next !== null && actions.setCount(next)}
          />
        )}
      </div>
    </Field>
  );
}
