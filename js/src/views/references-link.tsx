// A reference by its link.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { t } from "../messages/tools";
import { addLink } from "../slices/adding";
import { usePage } from "./context";
import { IconButton } from "./parts";

export function LinkForm({ onClose }: { onClose(): void }) {
  const page = usePage();
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useLayoutEffect(() => focusOn(input.current), []);
  const add = (): void => {
    const wrong = addLink(page, input.current?.value ?? "");
    setProblem(wrong);
    if (wrong === null) onClose();
  };
  return (
    <span class="ip-references-link">
      <input
        ref={input}
        class="ip-input"
        type="url"
        placeholder="https://"
        aria-label={t.references.linkLabel}
        aria-invalid={problem !== null}
        data-testid="reference-url"
        onInput={() => setProblem(null)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            // Not the form of the composer: it would generate.
            event.preventDefault();
            add();
          } else if (event.key === "Escape") {
            event.stopPropagation();
            onClose();
          }
        }}
      />
      <button type="button" class="ip-button" onClick={add}>
        {t.references.linkAdd}
      </button>
      <IconButton icon="close" label={t.references.linkCancel} onClick={onClose} />
      {problem && (
        <span class="ip-help ip-help-bad" role="alert">
          {problem}
        </span>
      )}
    </span>
  );
}
