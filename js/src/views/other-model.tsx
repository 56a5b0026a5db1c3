// A model that no list has: any id of any provider.
import { useState } from "preact/hooks";
import type { ErrorState } from "../protocol.gen";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";

export function OtherModel() {
  const providers = useStore((state) => state.providers);
  const live = useStore((state) => state.live);
  const actions = useActions();
  const [open, setOpen] = useState(false);
  const [provider, setProvider] = useState("");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorState | null>(null);
  const chosen = provider || (providers.at(-1)?.name ?? "");

  const use = async (): Promise<void> => {
    const name = `${chosen}:${text.trim()}`;
    setBusy(true);
    const refused = await actions.learnModel(name);
    setBusy(false);
    setError(refused);
    if (refused) return;
    actions.chooseModel(name);
    setOpen(false);
    setText("");
  };
  return (
    <details class="ip-details" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary data-testid="other-model">
        <Icon name="down" /> Other model…
      </summary>
      <form
        class="ip-other"
        onSubmit={(event) => {
          event.preventDefault();
          void use();
        }}
      >
        <select
          class="ip-input ip-select"
          aria-label="Provider"
          data-testid="other-provider"
          value={chosen}
          onChange={(event) => setProvider(event.currentTarget.value)}
        >
          {providers.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
        <div class="ip-row">
          <input
            class="ip-input"
            type="text"
            aria-label="Model id"
            placeholder="Model id"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            data-testid="other-id"
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setError(null);
            }}
          />
          <button
            type="submit"
            class="ip-button"
            data-testid="other-use"
            disabled={!live || busy || !text.trim()}
          >
            Use
          </button>
        </div>
        {error && (
          <p class="ip-help ip-help-bad" role="alert" data-testid="other-error">
            {error.message} {error.nextStep}
          </p>
        )}
      </form>
    </details>
  );
}
