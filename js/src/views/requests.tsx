// The number of requests of a click, if there are several: a chip in the composer, and the list that it opens.
import { useEffect, useRef, useState } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { askedModels, countRequests, countText, MAX_REQUESTS } from "../lib/several";
import { countVariants, variants } from "../lib/variants";
import { t } from "../messages";
import { useStore } from "./context";
import { Icon } from "./icon";
import { PartPopover } from "./part";
import { tipped } from "./parts";

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
  const leave = (refocus: boolean): void => {
    setOpen(false);
    if (refocus) focusOn(chip.current);
  };
  return (
    <>
      <button
        ref={chip}
        type="button"
        class={over ? "ip-requests ip-count-bad" : "ip-requests"}
        {...tipped([...texts, titles.join(", ")].filter(Boolean).join("\n"))}
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
        <PartPopover
          name="tools"
          anchor={chip.current}
          label={t.composer.requests}
          class="ip-menu ip-request-list"
          align="end"
          onClose={leave}
        >
          {({ RequestList }) =>
            chip.current && (
              <RequestList anchor={chip.current} texts={texts} titles={titles} over={over} onClose={leave} />
            )
          }
        </PartPopover>
      )}
    </>
  );
}
