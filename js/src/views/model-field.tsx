// The chosen model: the button that opens the list, what the model can do, and what it lacks.
import { useRef, useState } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { dayText, isRetired, noticeOf, successorOf } from "../lib/models";
import { modelOf } from "../lib/parameters";
import { priceText } from "../lib/price";
import { t } from "../messages";
import type { ModelState } from "../protocol.gen";
import { useActions, useMinute, useStore } from "./context";
import { Field, SmallButton } from "./field";
import { Icon } from "./icon";
import { PartDialog, PartHere, PartPopover } from "./part";
import { tipped, useId } from "./parts";
import { ProviderKey } from "./provider-key";

export function ModelField({ model }: { model: ModelState | undefined }) {
  const id = useId();
  const trigger = useRef<HTMLButtonElement>(null);
  /** The button whose list is open. */
  const [list, setList] = useState<HTMLElement | null>(null);
  const [server, setServer] = useState(false);
  const providers = useStore((state) => state.providers);
  const configured = useStore((state) => state.config.model);
  const starred = useStore((state) => state.config.starredModels.includes(state.config.model));
  const several = useStore((state) => state.config.alsoModels.length > 0);
  const usable = useStore((state) => state.usable);
  // Where nothing is yet, the notice is beside the way to another model.
  const fresh = useStore((state) => state.activeTopicId === null);
  const actions = useActions();
  const provider = providers.find((candidate) => candidate.name === model?.provider);
  const title = model?.title ?? t.model.choose;
  const chooses = list !== null && list === trigger.current;
  const toggle = ({ currentTarget }: { currentTarget: HTMLElement }): void =>
    setList(list === currentTarget ? null : currentTarget);
  const leave = (refocus: boolean): void => {
    setList(null);
    if (refocus) focusOn(list);
  };
  const leaveServer = (): void => {
    setServer(false);
    focusOn(trigger.current);
  };
  return (
    <div class="ip-model">
      <Field
        label={t.model.label}
        help={model?.description}
        control={id}
        aside={
          <>
            <SmallButton
              icon="preset"
              label={t.preset.title}
              expanded={list !== null && !chooses}
              testid="presets"
              onClick={toggle}
            />
            {model && (
              <SmallButton
                icon="star"
                label={starred ? t.model.unstar(title) : t.model.star(title)}
                pressed={starred}
                testid="star-model"
                onClick={() => actions.toggleStar(model.name)}
              />
            )}
          </>
        }
      >
        <button
          ref={trigger}
          id={id}
          type="button"
          class="ip-input ip-select"
          aria-label={t.model.chosen(title)}
          aria-haspopup="dialog"
          aria-expanded={chooses}
          disabled={!usable}
          data-testid="model-select"
          data-model={model?.name}
          onClick={toggle}
        >
          {title}
        </button>
      </Field>
      {several && (
        <PartHere name="picker" class="ip-also">
          {({ AlsoModels }) => <AlsoModels onEmpty={() => focusOn(trigger.current)} />}
        </PartHere>
      )}
      {list && (
        <PartPopover
          name="picker"
          anchor={list}
          label={chooses ? t.model.list : t.preset.title}
          class={chooses ? "ip-picker" : "ip-menu ip-presets"}
          onClose={leave}
        >
          {({ ModelPicker, PresetList }) =>
            chooses ? (
              <ModelPicker
                anchor={list}
                current={model?.name ?? ""}
                onServer={() => {
                  setList(null);
                  setServer(true);
                }}
                onClose={leave}
              />
            ) : (
              <PresetList anchor={list} onClose={leave} />
            )
          }
        </PartPopover>
      )}
      {server && (
        <PartDialog name="picker" label={t.server.title} onClose={leaveServer}>
          {({ AddServer }) => <AddServer onClose={leaveServer} />}
        </PartDialog>
      )}
      {model && <Facts model={model} provider={provider?.title ?? model.provider} />}
      {!model && configured && (
        <p class="ip-note ip-note-warn" data-testid="model-missing">
          <Icon name="alert" />
          <span>{t.model.missing(configured)}</span>
        </p>
      )}
      {model?.retiredOn && <Retired model={model} on={model.retiredOn} />}
      {model && !fresh && noticeOf(model) && (
        <p class="ip-note" data-testid="notice">
          {noticeOf(model)}
        </p>
      )}
      {provider && <ProviderKey key={provider.name} provider={provider} />}
    </div>
  );
}

/** The provider of the model, the price of an image, and what one may give it. The list of models tells the rest. */
function Facts({ model, provider }: { model: ModelState; provider: string }) {
  const { references, mask } = model;
  const price = priceText(model.price);
  return (
    <ul class="ip-facts" data-testid="model-facts">
      <li class="ip-fact">
        <strong>{provider}</strong>
      </li>
      {price && (
        <li class="ip-fact" {...tipped(model.price?.note)}>
          {price}
        </li>
      )}
      {references && <li class="ip-fact">{t.model.references(references.maxCount)}</li>}
      {mask && <li class="ip-fact">{t.model.mask}</li>}
    </ul>
  );
}

function Retired({ model, on }: { model: ModelState; on: string }) {
  const now = useMinute();
  const models = useStore((state) => state.models);
  const actions = useActions();
  const name = successorOf(model);
  const successor = name === null ? undefined : modelOf(models, name);
  const day = dayText(on);
  return (
    <div class="ip-note ip-note-warn" data-testid="retired">
      <Icon name="alert" />
      <span>
        {isRetired(model, now) ? t.model.retired(day) : t.model.retires(day)}
        {name !== null && (
          <button
            type="button"
            class="ip-button"
            data-testid="use-successor"
            onClick={async () => {
              if ((await actions.learnModel(name)) === null) actions.chooseModel(name);
            }}
          >
            {t.model.useSuccessor(successor?.title ?? model.successor ?? "")}
          </button>
        )}
      </span>
    </div>
  );
}
