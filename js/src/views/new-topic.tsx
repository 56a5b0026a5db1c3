// The screen of a topic that is not there yet.
import { modelOf } from "../lib/parameters";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";

const EXAMPLES = [
  "A red fox asleep in fresh snow, soft morning light",
  "A lighthouse on a cliff above a stormy sea at dusk",
  "A paper-cut city of warm windows under a violet night",
] as const;

export function NewTopic() {
  const notice = useStore((state) => modelOf(state.models, state.config.model)?.notice ?? "");
  const actions = useActions();
  return (
    <div class="ip-empty">
      <span class="ip-empty-mark">
        <Icon name="images" size={28} />
      </span>
      <h3>Describe a picture…</h3>
      <p>Each topic keeps its pictures, prompts and settings together.</p>
      <ul class="ip-examples">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button type="button" class="ip-chip" onClick={() => actions.setPrompt(example)}>
              {example}
            </button>
          </li>
        ))}
      </ul>
      {notice && (
        <p class="ip-note">
          <Icon name="notice" />
          <span>{notice}</span>
        </p>
      )}
    </div>
  );
}
