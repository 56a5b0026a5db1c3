// The list of all shortcuts.
import { shortcutGroups } from "../lib/shortcuts";
import { t } from "../messages/tools";
import { useModal } from "./modal";
import { IconButton } from "./parts";

export function Shortcuts({ onClose }: { onClose(): void }) {
  const dialog = useModal();
  return (
    <dialog
      ref={dialog}
      class="ip-dialog ip-shortcuts"
      aria-label={t.shortcuts.title}
      data-testid="shortcuts"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) dialog.current?.close();
      }}
      onKeyDown={(event) => {
        if (event.key === "?") dialog.current?.close();
      }}
    >
      <header class="ip-dialog-head">
        <h2>{t.shortcuts.title}</h2>
        <IconButton icon="close" label={t.common.close} onClick={() => dialog.current?.close()} />
      </header>
      <div class="ip-shortcut-groups">
        {shortcutGroups().map(({ title, shortcuts }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {shortcuts.map(({ keys, text }) => (
                <div key={text}>
                  <dt>{text}</dt>
                  <dd>
                    {keys.map((together) => (
                      <span key={together.join()}>
                        {together.map((key) => (
                          <kbd key={key}>{key}</kbd>
                        ))}
                      </span>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p class="ip-help">{t.shortcuts.note}</p>
    </dialog>
  );
}
