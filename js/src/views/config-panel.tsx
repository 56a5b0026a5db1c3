// The left panel: which model, and everything that it takes.
import { formOf, modelOf, shownValue } from "../lib/parameters";
import type { ModelState, ParameterState } from "../protocol.gen";
import { sizeOf } from "../slices/config";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { ModelPicker } from "./model-picker";
import { OtherModel } from "./other-model";
import { ParameterField } from "./parameter-field";
import { Field, IconButton, Segments, useId } from "./parts";
import { ProviderKey } from "./provider-key";
import { SizeFields } from "./size-fields";

export function ConfigPanel() {
  const models = useStore((state) => state.models);
  const config = useStore((state) => state.config);
  const maxCount = useStore((state) => state.maxCount);
  const actions = useActions();
  const model = modelOf(models, config.model);
  const form = formOf(model);
  const size = sizeOf({ models, config });
  const changed = Object.keys(config.params[config.model] ?? {}).length > 0;
  const field = (parameter: ParameterState) => (
    <ParameterField
      key={`${config.model} ${parameter.name}`}
      parameter={parameter}
      value={shownValue(parameter, config.params[config.model])}
      onChange={(value) => actions.setParameter(parameter.name, value)}
    />
  );
  // Without both edges there is no ratio, so that one alone is a number like any other.
  const edges = size ? [] : [form.width, form.height].filter((edge) => edge !== null);
  return (
    <>
      <ModelField model={model} />
      <Field label="Images">
        <Segments
          label="Number of images"
          options={Array.from({ length: Math.min(maxCount, MAX_SEGMENTS) }, (_, index) => ({
            value: index + 1,
            text: String(index + 1),
            testid: `count-${index + 1}`,
          }))}
          value={config.count}
          onChoose={actions.setCount}
        />
      </Field>
      {size && <SizeFields key={config.model} current={size.current} limits={size.limits} />}
      {[...edges, ...form.plain].map(field)}
      {form.seed && field(form.seed)}
      {form.advanced.length > 0 && (
        <details class="ip-details">
          <summary>
            <Icon name="down" /> Advanced
          </summary>
          <div class="ip-stack">{form.advanced.map(field)}</div>
        </details>
      )}
      {changed && (
        <div>
          <IconButton
            icon="retry"
            label="Reset the parameters of this model"
            text="Reset"
            onClick={actions.resetParameters}
          />
        </div>
      )}
    </>
  );
}

const MAX_SEGMENTS = 8;

function ModelField({ model }: { model: ModelState | undefined }) {
  const id = useId();
  const providers = useStore((state) => state.providers);
  const configured = useStore((state) => state.config.model);
  const provider = providers.find((candidate) => candidate.name === model?.provider);
  return (
    <div class="ip-stack">
      <Field label="Model" help={model?.description} control={id}>
        <ModelPicker id={id} model={model} />
      </Field>
      <OtherModel />
      {!model && configured && (
        <p class="ip-note ip-note-warn" data-testid="model-missing">
          <Icon name="alert" />
          <span>{configured} is not offered here; choose another model.</span>
        </p>
      )}
      {model?.notice && (
        <p class="ip-note" data-testid="notice">
          <Icon name="notice" />
          <span>{model.notice}</span>
        </p>
      )}
      {model?.retiredOn && (
        <p class="ip-note">
          <Icon name="alert" />
          <span>
            Its provider ends it on {model.retiredOn}
            {model.successor && `; ${model.successor} follows it`}.
          </span>
        </p>
      )}
      {provider && <ProviderKey key={provider.name} provider={provider} />}
    </div>
  );
}
