// Empty screens: the "new topic" screen, and a topic without batches.
import { focusOn } from "../lib/focus";
import { noticeOf } from "../lib/models";
import { modelOf } from "../lib/parameters";
import { anyOf } from "../lib/words";
import { t } from "../messages";
import type { ProviderState } from "../protocol.gen";
import type { State } from "../store";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { usePart } from "./part";

/** The little pictures beside the examples, in their order. */
const SCENES = ["sea", "snow", "city", "leaves"] as const;
/** The most providers that are named here. The panel lists all of them. */
const NAMED = 3;

export function NewTopic() {
  const first = useStore((state) => state.shown && state.topics.length === 0);
  const actions = useActions();
  // Its sheet paints the little pictures.
  usePart("tools");
  return (
    <div class="ip-empty" data-testid="new-topic-screen">
      <span class="ip-fan" aria-hidden="true">
        <span class="ip-scene" data-scene="leaves" />
        <span class="ip-scene" data-scene="city" />
        <span class="ip-scene" data-scene="sea" />
      </span>
      <h3>{first ? t.empty.hello : t.empty.another}</h3>
      <Ready />
      <ul class="ip-examples" aria-label={t.empty.examples}>
        {t.empty.prompts.map((example, index) => (
          <li key={example}>
            <button
              type="button"
              class="ip-example"
              data-testid="example"
              onClick={(event) => {
                actions.setPrompt(example);
                focusOn(within(event.currentTarget, "prompt"));
              }}
            >
              <span class="ip-scene" data-scene={SCENES[index]} />
              <span>{example}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The screen of a topic without batches. */
export function EmptyTopic() {
  return (
    <div class="ip-empty" data-testid="empty-topic">
      <span class="ip-empty-mark">
        <Icon name="images" size={26} />
      </span>
      <h3>{t.empty.topic}</h3>
      <p class="ip-empty-more">{t.empty.topicMore}</p>
    </div>
  );
}

/** What the chosen model says of itself, once for the whole page, and the way to another one. */
function Ready() {
  const model = useStore((state) => modelOf(state.models, state.config.model));
  const notice = model ? noticeOf(model) : "";
  const needsKey = useStore(needsAKey);
  const providers = useStore((state) => state.providers);
  if (!notice) return null;
  const titles = providers.filter(isLocked).map(({ title }) => title);
  const named = [...titles.slice(0, NAMED), ...(titles.length > NAMED ? [t.empty.otherProvider] : [])];
  return (
    <div class="ip-note ip-ready" data-testid="no-key">
      <span>
        <strong>{notice}</strong>
        {needsKey && ` ${t.empty.keys(anyOf(named))}`}
      </span>
      <button
        type="button"
        class="ip-button ip-button-main"
        data-testid="choose-model"
        onClick={(event) => chooseModel(event.currentTarget)}
      >
        {t.model.choose}
      </button>
    </div>
  );
}

function isLocked({ key }: ProviderState): boolean {
  return key === "missing";
}

/** Return whether there are providers that need a key, and none of them has one. */
function needsAKey({ providers }: State): boolean {
  return providers.some(isLocked) && !providers.some(({ key }) => key === "set");
}

/** Open the list of models, and the panel around it where that is folded. */
function chooseModel(from: HTMLElement): void {
  const toggle = within(from, "toggle-left");
  if (toggle?.getAttribute("aria-expanded") === "false") toggle.click();
  // The panel unfolds with the next drawing.
  requestAnimationFrame(() => within(from, "model-select")?.click());
}

function within(from: HTMLElement, testid: string): HTMLElement | null {
  return (
    from.closest('[data-testid="imgplay"]')?.querySelector<HTMLElement>(`[data-testid="${testid}"]`) ?? null
  );
}
