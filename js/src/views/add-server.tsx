// Adding a server that speaks OpenAI's protocol: a known one, or any with its name, its address, and a key.
import { useEffect, useState } from "preact/hooks";
import { t } from "../messages/picker";
import type { ServerPresetState } from "../protocol.gen";
import { addServer, knownServers, type Report } from "../slices/access";
import { usePage, useStore } from "./context";
import { Icon } from "./icon";
import { useModal } from "./modal";
import { IconButton, useId } from "./parts";

export function AddServer({ onClose }: { onClose(): void }) {
  const id = useId();
  const dialog = useModal();
  const usable = useStore((state) => state.usable);
  const page = usePage();
  const [presets, setPresets] = useState<ServerPresetState[]>([]);
  const [chosen, setChosen] = useState<ServerPresetState | null>(null);
  const [values, setValues] = useState<Record<string, string>>({});
  const [name, setName] = useState("local");
  const [url, setUrl] = useState("");
  // The key is kept only here on the page, and only until it is sent.
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<Report | null>(null);
  useEffect(() => {
    void knownServers(page.send).then(setPresets);
  }, []);

  const choose = (wanted: string): void => {
    const preset = presets.find((one) => one.name === wanted) ?? null;
    setChosen(preset);
    setValues({});
    setName(preset?.name ?? "local");
    setUrl(preset?.address ?? "");
    setKey("");
    setSaid(null);
  };
  const blanks = chosen?.blanks ?? [];
  const add = async (): Promise<void> => {
    setBusy(true);
    setSaid(null);
    const next = await addServer(page, {
      name: name.trim(),
      url: blanks.length > 0 ? "" : url.trim(),
      key: key.trim(),
      preset: chosen?.name ?? "",
      values,
    });
    setBusy(false);
    setSaid(next);
    if (next.good) setKey("");
  };
  const filled = blanks.every((blank) => values[blank.name]?.trim());
  const ready = usable && filled && name.trim() !== "" && url.trim() !== "";
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
        <Which presets={presets} chosen={chosen} onChoose={choose} />
        {blanks.length > 0 ? (
          blanks.map((blank) => (
            <Blank
              key={blank.name}
              blank={blank}
              value={values[blank.name] ?? ""}
              onValue={(value) => setValues({ ...values, [blank.name]: value })}
            />
          ))
        ) : (
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
        )}
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
        <div class="ip-field">
          <label class="ip-field">
            <span class="ip-label">{chosen?.key === "needed" ? t.server.key : t.server.keyIfNeeded}</span>
            <input
              class="ip-input"
              type="password"
              autocomplete="off"
              spellcheck={false}
              placeholder={chosen?.keyVariable ?? ""}
              data-testid="server-key"
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          </label>
          {/^https:/.test(chosen?.keyUrl ?? "") && (
            <a class="ip-server-link" href={chosen?.keyUrl} target="_blank" rel="noreferrer">
              {t.keys.get}
            </a>
          )}
        </div>
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

interface WhichProps {
  presets: ServerPresetState[];
  chosen: ServerPresetState | null;
  onChoose(name: string): void;
}

/** The choice of a known server, and a sentence about the chosen one. */
function Which({ presets, chosen, onChoose }: WhichProps) {
  const help = useId();
  const options = (key: ServerPresetState["key"]) =>
    presets
      .filter((preset) => preset.key === key)
      .map(({ name, title }) => (
        <option key={name} value={name}>
          {title}
        </option>
      ));
  const words = chosen
    ? [t.server.helps[chosen.name] ?? chosen.help, chosen.free ? t.server.free : ""]
    : [t.server.intro];
  return (
    <div class="ip-field">
      <label class="ip-field">
        <span class="ip-label">{t.server.which}</span>
        <select
          class="ip-input ip-select"
          aria-describedby={help}
          data-testid="server-preset"
          value={chosen?.name ?? ""}
          onChange={(event) => onChoose(event.currentTarget.value)}
        >
          <option value="">{t.server.another}</option>
          {presets.length > 0 && (
            <>
              <optgroup label={t.server.services}>{options("needed")}</optgroup>
              <optgroup label={t.server.own}>{options("optional")}</optgroup>
            </>
          )}
        </select>
      </label>
      <p id={help} class="ip-help">
        {words.filter(Boolean).join(" ")}
      </p>
    </div>
  );
}

interface BlankProps {
  blank: ServerPresetState["blanks"][number];
  value: string;
  onValue(value: string): void;
}

/** A part of the address that the user fills in. */
function Blank({ blank, value, onValue }: BlankProps) {
  const help = useId();
  const { title, help: words } = t.server.blanks[blank.name] ?? blank;
  return (
    <div class="ip-field">
      <label class="ip-field">
        <span class="ip-label">{title}</span>
        <input
          class="ip-input"
          type="text"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder={blank.example}
          aria-describedby={help}
          data-testid="server-blank"
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      </label>
      <p id={help} class="ip-help">
        {words}
      </p>
    </div>
  );
}
