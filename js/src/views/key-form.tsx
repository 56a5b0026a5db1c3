// The form for the key of a provider, and what is done with a server.
import { useState } from "preact/hooks";
import { t } from "../messages/picker";
import type { ProviderState } from "../protocol.gen";
import { checkProvider, giveKey, type Report, removeServer } from "../slices/access";
import { usePage, useStore } from "./context";
import { Icon } from "./icon";
import { tipped } from "./parts";

export interface KeyFormProps {
  provider: ProviderState;
  said: Report | null;
  onSaid(said: Report | null): void;
}

export function KeyForm({ provider, said, onSaid }: KeyFormProps) {
  const { name, title, key, keyVariable, server } = provider;
  const usable = useStore((state) => state.usable);
  const page = usePage();
  // The key is kept only here on the page, and only until it is sent.
  const [draft, setDraft] = useState("");
  const [busy, setBusy] = useState(false);

  const ask = async (asked: Promise<Report>): Promise<void> => {
    setBusy(true);
    onSaid(null);
    onSaid(await asked);
    setBusy(false);
  };
  const save = (): void => {
    const typed = draft.trim();
    if (!typed || busy) return;
    setDraft("");
    void ask(giveKey(page.send, name, typed));
  };
  return (
    <form
      class="ip-key-form"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <div class="ip-row">
        <input
          class="ip-input"
          type="password"
          aria-label={t.keys.label(title)}
          placeholder={key === "set" ? t.keys.another : (keyVariable ?? t.keys.placeholder)}
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
          disabled={!usable}
          aria-disabled={busy || !draft.trim()}
        >
          {t.keys.save}
        </button>
      </div>
      {key !== "missing" && (
        <div class="ip-row">
          <button
            type="button"
            class="ip-button"
            data-testid="key-test"
            disabled={!usable}
            aria-disabled={busy}
            onClick={() => {
              if (!busy) void ask(checkProvider(page.send, name));
            }}
          >
            {busy && <Icon name="spinner" />}
            {busy ? t.keys.testing : t.keys.test}
          </button>
          {server !== null && (
            <button
              type="button"
              class="ip-button"
              data-tone="danger"
              data-testid="remove-server"
              {...tipped(t.server.remove)}
              disabled={!usable}
              aria-disabled={busy}
              onClick={() => {
                if (!busy) void removeServer(page, name);
              }}
            >
              <Icon name="delete" />
              {t.server.remove}
            </button>
          )}
        </div>
      )}
      {said && (
        <p
          class={said.good ? "ip-said" : "ip-said ip-help-bad"}
          role={said.good ? "status" : "alert"}
          data-testid="key-said"
        >
          <Icon name={said.good ? "check" : "alert"} size={14} />
          <span>{said.message}</span>
        </p>
      )}
    </form>
  );
}
