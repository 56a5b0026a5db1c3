// The key of a provider: whether it is there, where it comes from, and a way to give or test one.
import { useState } from "preact/hooks";
import { ago } from "../lib/words";
import type { ProviderState } from "../protocol.gen";
import type { Said } from "../slices/config";
import { useActions, useMinute, useStore } from "./context";
import { Icon } from "./icon";

export function ProviderKey({ provider }: { provider: ProviderState }) {
  const { key, keyHelp, keySource, title } = provider;
  // Above the form, which is another one once the key is there: what was said of it must stay.
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState<Said | null>(null);
  const hear = (next: Said | null): void => {
    setSaid(next);
    if (next) setOpen(true);
  };
  const form = <KeyForm provider={provider} said={said} onSaid={hear} />;
  if (key === "not_needed") return <Age provider={provider} />;
  if (key === "missing") {
    return (
      <>
        <p class="ip-note ip-note-warn" data-testid="key-missing">
          <Icon name="key" />
          <span>{keyHelp}</span>
        </p>
        {form}
      </>
    );
  }
  return (
    <details class="ip-details" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary data-testid="key-set">
        <Icon name="down" /> Key of {title}
      </summary>
      <div class="ip-stack">
        {keySource && <p class="ip-help">It comes from: {keySource}.</p>}
        {form}
        <Age provider={provider} />
      </div>
    </details>
  );
}

interface KeyFormProps {
  provider: ProviderState;
  said: Said | null;
  onSaid(said: Said | null): void;
}

function KeyForm({ provider: { name, title, key, keyVariable }, said, onSaid }: KeyFormProps) {
  const live = useStore((state) => state.live);
  const actions = useActions();
  // Here and nowhere else on the page, and only until it is sent.
  const [draft, setDraft] = useState("");
  const [busy, setBusy] = useState(false);

  const ask = async (asked: Promise<Said>): Promise<void> => {
    setBusy(true);
    onSaid(null);
    onSaid(await asked);
    setBusy(false);
  };
  const save = (): void => {
    const typed = draft.trim();
    if (!typed || busy) return;
    setDraft("");
    void ask(actions.giveKey(name, typed));
  };
  return (
    <form
      class="ip-other"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <div class="ip-row">
        <input
          class="ip-input"
          type="password"
          aria-label={`Key of ${title}`}
          placeholder={key === "set" ? "Another key" : (keyVariable ?? "Key")}
          autocomplete="off"
          spellcheck={false}
          data-testid="key-input"
          value={draft}
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
        <button
          type="submit"
          class="ip-button"
          data-testid="key-save"
          disabled={!live || busy || !draft.trim()}
        >
          Save
        </button>
      </div>
      {key === "set" && (
        <div>
          <button
            type="button"
            class="ip-button"
            data-testid="key-test"
            disabled={!live || busy}
            onClick={() => void ask(actions.checkProvider(name))}
          >
            {busy && <Icon name="spinner" />}
            Test connection
          </button>
        </div>
      )}
      {said && (
        <p
          class={said.good ? "ip-help" : "ip-help ip-help-bad"}
          role={said.good ? "status" : "alert"}
          data-testid="key-said"
        >
          {said.message}
        </p>
      )}
    </form>
  );
}

/** How old the list of models is that the provider gave itself. */
function Age({ provider: { title, discoveredAt } }: { provider: ProviderState }) {
  const now = useMinute();
  if (discoveredAt === null) return null;
  return (
    <p class="ip-help" title={new Date(discoveredAt).toLocaleString()} data-testid="models-age">
      Models as {title} listed them: {ago(discoveredAt, now)}
    </p>
  );
}
