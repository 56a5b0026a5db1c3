// Adding a server that speaks OpenAI's protocol: its name, its address, and a key where it needs one.
import { useState } from "preact/hooks";
import { t } from "../messages/picker";
import { addServer, type Report } from "../slices/access";
import { usePage, useStore } from "./context";
import { Icon } from "./icon";
import { useModal } from "./modal";
import { IconButton, useId } from "./parts";

export function AddServer({ onClose }: { onClose(): void }) {
  const id = useId();
  const dialog = useModal();
  const usable = useStore((state) => state.usable);
  const page = usePage();
  const [name, setName] = useState("local");
  const [url, setUrl] = useState("");
  // The key is kept only here on the page, and only until it is sent.
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<Report | null>(null);

  const add = async (): Promise<void> => {
    setBusy(true);
    setSaid(null);
    const next = await addServer(page, name.trim(), url.trim(), key.trim());
    setBusy(false);
    setSaid(next);
    if (next.good) setKey("");
  };
  const ready = usable && name.trim() !== "" && url.trim() !== "";
  return (
    <dialog
      ref={dialog}
      class="ip-dialog ip-server"
      aria-labelledby={id}
      data-testid="server-dialog"
      onClose={onClose}
    >
      <div class="ip-dialog-head">
        <h2 id={id}>{t.server.title}</h2>
        <IconButton icon="close" label={t.common.close} onClick={() => dialog.current?.close()} />
      </div>
      <form
        class="ip-server-body"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !busy) void add();
        }}
      >
        <p class="ip-help">{t.server.intro}</p>
        <label class="ip-field">
          <span class="ip-label">{t.server.url}</span>
          <input
            class="ip-input"
            type="text"
            inputMode="url"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder="http://localhost:8080/v1"
            data-testid="server-url"
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value)}
          />
        </label>
        <label class="ip-field">
          <span class="ip-label">{t.server.name}</span>
          <input
            class="ip-input"
            type="text"
            maxLength={64}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            data-testid="server-name"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label class="ip-field">
          <span class="ip-label">{t.server.key}</span>
          <input
            class="ip-input"
            type="password"
            autocomplete="off"
            spellcheck={false}
            data-testid="server-key"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        {said && (
          <p
            class={said.good ? "ip-note ip-note-good" : "ip-note ip-note-bad"}
            role={said.good ? "status" : "alert"}
            data-testid="server-said"
          >
            <Icon name={said.good ? "check" : "alert"} />
            <span>{said.message || t.server.added(name.trim())}</span>
          </p>
        )}
        <div class="ip-server-foot">
          {said?.good ? (
            <button
              type="button"
              class="ip-button ip-button-main"
              data-testid="server-done"
              onClick={() => dialog.current?.close()}
            >
              {t.server.done}
            </button>
          ) : (
            <button
              type="submit"
              class="ip-button ip-button-main"
              data-testid="server-add"
              disabled={!ready}
              aria-disabled={busy}
            >
              {busy && <Icon name="spinner" />}
              {busy ? t.server.adding : said ? t.server.again : t.server.submit}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}
