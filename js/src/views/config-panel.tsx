// The left panel: which model, and everything that it takes.
import { formOf, modelOf, shownValue } from "../lib/parameters";
import type { ModelState, ParameterState, ProviderState } from "../protocol.gen";
import { sizeOf } from "../slices/config";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { ParameterField } from "./parameter-field";
import { Field, IconButton, Segments, useId } from "./parts";
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
      <ModelField models={models} model={model} />
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

function ModelField({ models, model }: { models: ModelState[]; model: ModelState | undefined }) {
  const id = useId();
  const providers = useStore((state) => state.providers);
  const actions = useActions();
  const provider = providers.find((candidate) => candidate.name === model?.provider);
  return (
    <div class="ip-stack">
      <Field label="Model" help={model?.description} control={id}>
        <select
          id={id}
          class="ip-input ip-select"
          data-testid="model-select"
          value={model?.name ?? ""}
          onChange={(event) => actions.chooseModel(event.currentTarget.value)}
        >
          {!model && <option value="">Choose a model</option>}
          {grouped(models, providers).map((group) => (
            <optgroup key={group.title} label={group.title}>
              {group.models.map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </Field>
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
      {provider?.key === "missing" && (
        <p class="ip-note ip-note-warn" data-testid="key-missing">
          <Icon name="key" />
          <span>{provider.keyHelp}</span>
        </p>
      )}
    </div>
  );
}

interface Group {
  title: string;
  models: ModelState[];
}

function grouped(models: readonly ModelState[], providers: readonly ProviderState[]): Group[] {
  const groups = new Map<string, Group>();
  for (const model of models) {
    const provider = providers.find((candidate) => candidate.name === model.provider);
    const mark = provider?.key === "missing" ? " (key missing)" : "";
    const group = groups.get(model.provider) ?? {
      title: `${provider?.title ?? model.provider}${mark}`,
      models: [],
    };
    group.models.push(model);
    groups.set(model.provider, group);
  }
  return [...groups.values()];
}
