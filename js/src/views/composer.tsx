// The composer: the prompt, what it is expected to cost, and the button that generates.
import { useLayoutEffect, useRef } from "preact/hooks";
import { isComposing } from "../lib/keyboard";
import { modelOf } from "../lib/parameters";
import { estimateText } from "../lib/price";
import { sizeOf } from "../slices/config";
import type { State } from "../store";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { References } from "./references";

const NEAR_LIMIT = 0.8;

export function Composer() {
  const prompt = useStore((state) => state.prompt);
  const busy = useStore((state) => state.busy);
  const live = useStore((state) => state.live);
  const refusal = useStore((state) => state.refusal);
  const model = useStore((state) => modelOf(state.models, state.config.model));
  const count = useStore((state) => state.config.count);
  const estimate = useStore(estimateOf);
  const actions = useActions();
  const area = useRef<HTMLTextAreaElement>(null);
  const limit = model?.maxPrompt ?? null;
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [prompt]);
  const tooLong = limit !== null && prompt.trim().length > limit;
  const ready = live && !busy && model !== undefined && prompt.trim() !== "" && !tooLong;
  return (
    <form
      class="ip-prompt"
      onSubmit={(event) => {
        event.preventDefault();
        void actions.generate();
      }}
    >
      <div class="ip-prompt-box">
        <References />
        <textarea
          ref={area}
          rows={2}
          value={prompt}
          placeholder="Describe a picture…"
          aria-label="Prompt"
          data-testid="prompt"
          onInput={(event) => actions.setPrompt(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
            event.preventDefault();
            if (ready) void actions.generate();
          }}
        />
        <div class="ip-prompt-foot">
          {limit !== null && prompt.length > limit * NEAR_LIMIT && (
            <span class={tooLong ? "ip-count ip-count-bad" : "ip-count"}>
              {prompt.trim().length} / {limit}
            </span>
          )}
          {estimate && (
            <span class="ip-count" title={model?.price?.note || undefined} data-testid="estimate">
              {estimate}
            </span>
          )}
          <button
            type="submit"
            class="ip-button ip-generate"
            disabled={!ready}
            aria-busy={busy}
            data-testid="generate"
          >
            <Icon name={busy ? "spinner" : "generate"} />
            {busy ? "Sending…" : count > 1 ? `Generate ${count}` : "Generate"}
          </button>
        </div>
      </div>
      {refusal && (
        <p class="ip-note ip-note-bad" role="alert" data-testid="refusal">
          <Icon name="alert" />
          <span>
            <strong>{refusal.message}</strong> {refusal.nextStep}
          </span>
        </p>
      )}
    </form>
  );
}

function estimateOf(state: State): string {
  const { models, config, maxCount } = state;
  const size = sizeOf(state)?.current ?? null;
  return estimateText(modelOf(models, config.model), Math.min(config.count, maxCount), size);
}
