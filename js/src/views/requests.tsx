// The number of requests of a click, if there are several: a chip in the composer, and the list that it opens.
import { useEffect, useRef, useState } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { wholePrompt } from "../lib/presets";
import { askedModels, countRequests, countText, MAX_REQUESTS } from "../lib/several";
import { countVariants, variants } from "../lib/variants";
import { t } from "../messages";
import { useStore } from "./context";
import { Icon } from "./icon";
import { PartPopover } from "./part";
import { tipped } from "./parts";

export function Requests() {
  const prompt = useStore(wholePrompt);
  const config = useStore((state) => state.config);
  const asked = askedModels(
    useStore((state) => state.models),
    config,
  );
  const images = useStore((state) => Math.min(state.config.count, state.maxCount));
  const [open, setOpen] = useState(false);
  const chip = useRef<HTMLButtonElement>(null);
  const prompts = countVariants(prompt);
  const all = countRequests(prompt, asked);
  const none = all <= 1;
  useEffect(() => {
    if (none) setOpen(false);
  }, [none]);
  const over = all > MAX_REQUESTS;
  const parts = [
    prompts > 1 && t.composer.prompts(countText(prompts)),
    asked.length > 1 && t.composer.models(asked.length),
    !over && images > 1 && t.composer.images(images),
  ].filter(Boolean);
  // What Generate says is enough where there is one request.
  const words = none ? "" : parts.join(" × ") + (over ? ` · ${t.composer.atMost(MAX_REQUESTS)}` : "");
  const texts = over || prompts === 1 ? [] : variants(prompt.trim());
  const titles = asked.length > 1 ? asked.map(({ title }) => title) : [];
  const leave = (refocus: boolean): void => {
    setOpen(false);
    if (refocus) focusOn(chip.current);
  };
  return (
    <>
      {words && (
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
          <span>{words}</span>
        </button>
      )}
      {/* A screen reader hears the number when it changes, while the prompt has the focus. */}
      <span class="ip-hidden" role="status" data-testid="requests-said">
        {words}
      </span>
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
