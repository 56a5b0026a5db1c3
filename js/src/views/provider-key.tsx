// The access to a provider: its key, whether it is set and where it comes from, and the address of a server.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { timeText } from "../lib/days";
import { focusOn } from "../lib/focus";
import { focusedElement } from "../lib/keyboard";
import { since } from "../lib/models";
import { t } from "../messages";
import type { ProviderState } from "../protocol.gen";
import type { Report } from "../slices/access";
import { useMinute } from "./context";
import { Icon } from "./icon";
import type { KeyFormProps } from "./key-form";
import { usePart, Waiting } from "./part";
import { ErrorDetail } from "./parts";

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
    if (within) focusOn(box.current?.querySelector<HTMLElement>("summary, input"));
  }, [key]);
  const form = <Form provider={provider} said={said} onSaid={hear} />;
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

/** The form for the key; until its part is there, a field of its size that takes nothing. */
function Form(props: KeyFormProps) {
  const opening = usePart("picker");
  if (opening.module) return <opening.module.KeyForm {...props} />;
  if (opening.problem) return <Waiting opening={opening} />;
  return <input class="ip-input" type="password" aria-label={t.keys.label(props.provider.title)} disabled />;
}

/** The age of the list of models that the provider itself returned, and why there is not a newer one. */
function Age({ provider: { title, discoveredAt: at, discoveryError: why } }: { provider: ProviderState }) {
  const now = useMinute();
  if (!at && !why) return null;
  return (
    <p class="ip-help" data-tip={at ? timeText(at) : null} data-testid="models-age">
      {at && t.model.listedBy(title, since(at, now))} {why && t.model.notListed(title)}
      {why && <ErrorDetail text={why} />}
    </p>
  );
}
