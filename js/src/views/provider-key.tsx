// The access to a provider: its key, whether it is set and where it comes from, and the address of a server.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { timeText } from "../lib/days";
import { focusedElement } from "../lib/keyboard";
import { since } from "../lib/models";
import { t } from "../messages";
import type { ProviderState } from "../protocol.gen";
import type { Report } from "../slices/providers";
import { useActions, useMinute, useStore } from "./context";
import { Icon } from "./icon";

export function ProviderKey({ provider }: { provider: ProviderState }) {
  const { key, keyHelp, keySource, keyUrl, title, server } = provider;
  // The answer is kept above the form: once the key is set, another form is drawn.
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState<Report | null>(null);
  const hear = (next: Report | null): void => {
    setSaid(next);
    if (next) setOpen(true);
  };
  const box = useRef<HTMLElement | null>(null);
  const boxed = (element: HTMLElement | null): void => {
    box.current = element;
  };
  // This is read before the first form is removed: its focus goes to the other form.
  const within = box.current?.contains(focusedElement()) ?? false;
  useLayoutEffect(() => {
    if (within) box.current?.querySelector<HTMLElement>("summary, input")?.focus();
  }, [key]);
  const form = <KeyForm provider={provider} said={said} onSaid={hear} />;
  if (key === "missing") {
    return (
      <div ref={boxed} class="ip-key">
        <div class="ip-note ip-note-warn" data-testid="key-missing">
          <Icon name="key" />
          <span>
            {keyHelp}{" "}
            {/^https:/.test(keyUrl) && (
              <a href={keyUrl} target="_blank" rel="noreferrer">
                {t.keys.get}
              </a>
            )}
          </span>
        </div>
        {form}
      </div>
    );
  }
  if (key === "not_needed" && server === null) return <Age provider={provider} />;
  return (
    <details
      ref={boxed}
      class="ip-details ip-key"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary data-testid="key-set">
        <Icon name="down" />
        <span class="ip-key-title">{server ?? t.keys.label(title)}</span>
        {key === "set" && <span data-key="set">{t.keys.set}</span>}
      </summary>
      <div class="ip-key-body">
        {keySource && key === "set" && <p class="ip-help">{t.keys.from(keySource)}</p>}
        {form}
        <Age provider={provider} />
      </div>
    </details>
  );
}

interface KeyFormProps {
  provider: ProviderState;
  said: Report | null;
  onSaid(said: Report | null): void;
}

function KeyForm({ provider, said, onSaid }: KeyFormProps) {
  const { name, title, key, keyVariable, server } = provider;
  const live = useStore((state) => state.live);
  const actions = useActions();
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
    void ask(actions.giveKey(name, typed));
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
          disabled={!live}
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
            disabled={!live}
            aria-disabled={busy}
            onClick={() => {
              if (!busy) void ask(actions.checkProvider(name));
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
              title={t.server.remove}
              disabled={!live}
              aria-disabled={busy}
              onClick={() => {
                if (!busy) void actions.removeServer(name);
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

/** The age of the list of models that the provider itself returned. */
function Age({ provider: { title, discoveredAt } }: { provider: ProviderState }) {
  const now = useMinute();
  if (discoveredAt === null) return null;
  return (
    <p class="ip-help" title={timeText(discoveredAt)} data-testid="models-age">
      {t.model.listedBy(title, since(discoveredAt, now))}
    </p>
  );
}
