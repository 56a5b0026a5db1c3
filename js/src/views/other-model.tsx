// The form for an unlisted model: any id of any provider.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { errorText } from "../lib/answer";
import { focusOn } from "../lib/focus";
import { t } from "../messages/picker";
import type { ErrorState } from "../protocol.gen";
import { useActions, useStore } from "./context";
import { IconButton } from "./parts";

interface OtherModelProps {
  /** The words that were searched for without success. */
  text: string;
  onBack(): void;
  /** The model is chosen. */
  onUsed(): void;
}

export function OtherModel({ text: searched, onBack, onUsed }: OtherModelProps) {
  const providers = useStore((state) => state.providers);
  const current = useStore((state) => state.config.model);
  const usable = useStore((state) => state.usable);
  const actions = useActions();
  const input = useRef<HTMLInputElement>(null);
  const [provider, setProvider] = useState(() => current.slice(0, Math.max(current.indexOf(":"), 0)));
  const [text, setText] = useState(searched);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorState | null>(null);
  const chosen = providers.some(({ name }) => name === provider) ? provider : (providers.at(-1)?.name ?? "");
  const there = useRef(true);
  useLayoutEffect(() => {
    focusOn(input.current);
    return () => {
      there.current = false;
    };
  }, []);

  const use = async (): Promise<void> => {
    if (busy) return;
    const name = `${chosen}:${text.trim()}`;
    setBusy(true);
    const refused = await actions.learnModel(name);
    // A user who has left the form may have chosen another model.
    if (!there.current) return;
    setBusy(false);
    setError(refused);
    if (refused) {
      focusOn(input.current);
      return;
    }
    actions.chooseModel(name);
    onUsed();
  };
  return (
    <form
      class="ip-other"
      onSubmit={(event) => {
        event.preventDefault();
        void use();
      }}
    >
      <div class="ip-other-head">
        <IconButton icon="left" label={t.model.list} onClick={onBack} />
        <strong>{t.model.other}</strong>
      </div>
      <label class="ip-field">
        <span class="ip-label">{t.model.provider}</span>
        <select
          class="ip-input ip-select"
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
      </label>
      <label class="ip-field">
        <span class="ip-label">{t.model.id}</span>
        <input
          ref={input}
          class="ip-input"
          type="text"
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
      </label>
      <p class="ip-help">{t.model.otherHelp}</p>
      {error && (
        <p class="ip-help ip-help-bad" role="alert" data-testid="other-error">
          {errorText(error)}
        </p>
      )}
      <div>
        <button
          type="submit"
          class="ip-button"
          data-testid="other-use"
          disabled={!usable || !text.trim()}
          aria-disabled={busy}
        >
          {t.model.use}
        </button>
      </div>
    </form>
  );
}
