// How many requests a click makes, where it is more than one: a chip in the composer, and the list that it opens.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { onLeave, place } from "../lib/place";
import { askedModels, countRequests, countText, MAX_REQUESTS } from "../lib/several";
import { countVariants, variants } from "../lib/variants";
import { t } from "../messages";
import { useStore } from "./context";
import { Icon } from "./icon";

export function Requests() {
  const prompt = useStore((state) => state.prompt);
  const config = useStore((state) => state.config);
  const asked = askedModels(
    useStore((state) => state.models),
    config,
  );
  const [open, setOpen] = useState(false);
  const chip = useRef<HTMLButtonElement>(null);
  const prompts = countVariants(prompt);
  const all = countRequests(prompt, asked);
  const none = all <= 1;
  useEffect(() => {
    if (none) setOpen(false);
  }, [none]);
  if (none) return null;
  const over = all > MAX_REQUESTS;
  const some = prompts > 1 ? t.composer.prompts(countText(prompts)) : "";
  const models = asked.length > 1 ? t.composer.models(asked.length) : "";
  const texts = over || prompts === 1 ? [] : variants(prompt.trim());
  const titles = asked.length > 1 ? asked.map(({ title }) => title) : [];
  return (
    <>
      <button
        ref={chip}
        type="button"
        class={over ? "ip-requests ip-count-bad" : "ip-requests"}
        title={[...texts, titles.join(", ")].filter(Boolean).join("\n")}
        aria-haspopup="dialog"
        aria-expanded={open}
        data-testid="requests"
        onClick={() => setOpen(!open)}
      >
        <Icon name="several" size={12} />
        <span role={over ? "status" : undefined}>
          {some && models ? t.composer.times(some, models) : some || models}
          {over && ` · ${t.composer.atMost(MAX_REQUESTS)}`}
        </span>
      </button>
      {open && chip.current && (
        <RequestList
          anchor={chip.current}
          texts={texts}
          titles={titles}
          over={over}
          onClose={(refocus) => {
            setOpen(false);
            if (refocus) chip.current?.focus();
          }}
        />
      )}
    </>
  );
}

interface RequestListProps {
  anchor: HTMLElement;
  texts: readonly string[];
  titles: readonly string[];
  over: boolean;
  /** `refocus`: it was left by key, and the focus goes back. */
  onClose(refocus: boolean): void;
}

function RequestList({ anchor, texts, titles, over, onClose }: RequestListProps) {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    list.current?.showPopover?.();
    list.current?.focus();
  }, []);
  useLayoutEffect(() => {
    if (list.current) place(list.current, anchor, "end");
  }, [texts.length, anchor]);
  useEffect(() => (list.current ? onLeave(list.current, anchor, () => onClose(false)) : undefined), [anchor]);
  return (
    <div
      ref={list}
      class="ip-menu ip-request-list"
      role="dialog"
      tabIndex={-1}
      aria-label={t.composer.requests}
      popover="manual"
      data-testid="request-list"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose(true);
      }}
      onFocusOut={({ relatedTarget }) => {
        if (!(relatedTarget instanceof Node) || relatedTarget === anchor) return;
        if (!list.current?.contains(relatedTarget)) onClose(false);
      }}
    >
      {over && <p class="ip-help">{t.composer.tooManyStep}</p>}
      {texts.length > 0 && (
        <ol>
          {texts.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ol>
      )}
      {titles.length > 0 && <p class="ip-help">{t.composer.eachOf(titles)}</p>}
    </div>
  );
}
