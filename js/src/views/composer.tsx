// The composer: the prompt, the negative prompt, the expected cost, and the button that generates.
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { isUnpriced, worded } from "../lib/answer";
import { inertReason, isLost } from "../lib/connection";
import { focusOn } from "../lib/focus";
import { isComposing, isUndoKey } from "../lib/keyboard";
import { modelOf, negativeOf, shownValue } from "../lib/parameters";
import { wholePrompt } from "../lib/presets";
import { askedModels, countRequests, longest, MAX_REQUESTS, strictest } from "../lib/several";
import { t } from "../messages";
import type { ModelState, ParameterState, PromptWords } from "../protocol.gen";
import { speaks } from "../slices/create";
import { problemsIn } from "../slices/references";
import type { State } from "../store";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { ImproveMenu } from "./improve";
import { usePart } from "./part";
import { ErrorDetail, IconButton, tipped } from "./parts";
import { QueueChip } from "./queue";
import { References } from "./references";
import { Requests } from "./requests";

export function Composer() {
  const prompt = useStore((state) => state.prompt);
  const words = useStore((state) => state.config.words);
  const walking = useStore((state) => state.walk);
  const newTopic = useStore((state) => state.activeTopicId === null);
  const edits = useStore((state) => problemsIn(state).includes(null));
  const model = useStore((state) => modelOf(state.models, state.config.model));
  const ready = useStore((state) => isReady(state) && !state.busy);
  const lost = useStore(isLost);
  const reason = useStore(inertReason);
  const actions = useActions();
  const area = useRef<HTMLTextAreaElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [height, setHeight] = useState<number | null>(null);
  useGrowing(area, prompt, height);
  useLayoutEffect(() => {
    // The browser leaves the caret at its place in the earlier text.
    if (walking) area.current?.setSelectionRange(prompt.length, prompt.length);
  }, [walking, prompt]);
  const negative = negativeOf(model);
  const left = useStore(({ config }) => negative && shownValue(negative, config.params[config.model]));
  const leftOut = typeof left === "string" ? left : "";
  const negativeArea = useRef<HTMLTextAreaElement>(null);
  const [unfolded, setUnfolded] = useState(false);
  const leaves = negative !== null && (unfolded || leftOut !== "");
  useLayoutEffect(() => {
    if (unfolded) focusOn(negativeArea.current);
  }, [unfolded]);

  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }): void => {
    if (isComposing(event) || event.shiftKey || lost) return;
    if (isUndoKey(event) && actions.undoImproving()) {
      // The browser cannot undo a text that was not typed.
      event.preventDefault();
      return;
    }
    if (event.key === "Enter") {
      event.preventDefault();
      if (ready) void actions.generate();
      return;
    }
    const step = event.altKey || event.ctrlKey || event.metaKey ? 0 : (STEPS[event.key] ?? 0);
    if (step === 0 || !walks(event.currentTarget, step, walking !== null)) return;
    event.preventDefault();
    void actions.walkPrompts(step);
  };

  return (
    <form
      ref={form}
      class="ip-prompt"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void actions.generate();
      }}
    >
      <div class="ip-prompt-box">
        <References />
        {words.prefix && <Words side="prefix" />}
        <div class="ip-prompt-text">
          <textarea
            ref={area}
            rows={1}
            value={prompt}
            // A text for a kernel that will not come back could not be saved.
            readOnly={lost}
            title={lost ? reason : undefined}
            placeholder={
              model?.prompt === "none"
                ? t.composer.wordless
                : edits
                  ? t.composer.change
                  : newTopic
                    ? t.composer.placeholder
                    : t.composer.again
            }
            aria-label={t.composer.prompt}
            data-testid="prompt"
            onInput={(event) => actions.setPrompt(event.currentTarget.value)}
            onKeyDown={onKeyDown}
          />
          <ImproveMenu />
        </div>
        {words.suffix && <Words side="suffix" />}
        {negative && leaves && (
          <Negative
            key={model?.name}
            parameter={negative}
            text={leftOut}
            area={negativeArea}
            onUse={() => setUnfolded(true)}
            onFold={() => {
              setUnfolded(false);
              focusOn(area.current);
            }}
          />
        )}
        <div class="ip-prompt-foot">
          <QueueChip />
          {/* For every model, so that the row keeps its shape. */}
          <button
            type="button"
            class="ip-negative-add"
            aria-expanded={leaves}
            aria-disabled={lost || !negative}
            data-tip={reason ?? (negative ? undefined : t.composer.noNegative(model?.title ?? ""))}
            data-testid="add-negative"
            onClick={() => {
              if (lost || !negative) return;
              setUnfolded(!leaves || leftOut !== "");
              if (leftOut) focusOn(negativeArea.current);
            }}
          >
            <Icon name="hide" size={14} />
            <span>{t.composer.negative}</span>
          </button>
          <span class="ip-prompt-facts">
            <Requests />
            <Counter />
            <Cost />
          </span>
          <span class="ip-prompt-buttons">
            <Buttons />
          </span>
        </div>
        <Grip form={form} area={area} height={height} onHeight={setHeight} />
      </div>
      <Refusal />
    </form>
  );
}

const STEPS: Readonly<Record<string, 1 | -1>> = { ArrowUp: 1, ArrowDown: -1 };

/** Return whether an arrow key leads to another prompt and not to another line: up from the very start, and on from
 * there as long as nothing was changed. */
function walks(area: HTMLTextAreaElement, step: 1 | -1, walking: boolean): boolean {
  const { selectionStart: start, selectionEnd: end, value } = area;
  if (start !== end) return false;
  if (walking) return start === 0 || start === value.length;
  return step === 1 && start === 0;
}

function isReady(state: State): boolean {
  const { usable, models, config } = state;
  const asked = askedModels(models, config);
  const prompt = wholePrompt(state);
  if (!usable || !speaks({ ...state, prompt })) return false;
  const strict = strictest(asked);
  return strict === null || longest(prompt) <= strict.limit;
}

function useAsked(): ModelState[] {
  const models = useStore((state) => state.models);
  const config = useStore((state) => state.config);
  return askedModels(models, config);
}

/** Let a text field grow with its text if the style sheet cannot do that. */
function useGrowing(area: { current: HTMLTextAreaElement | null }, text: string, fixed: number | null): void {
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    if (fixed !== null) element.style.height = `${fixed}px`;
    else if (globalThis.CSS?.supports?.("field-sizing", "content")) element.style.height = "";
    else {
      element.style.height = "auto";
      element.style.height = `${element.scrollHeight}px`;
    }
  }, [text, fixed]);
}

/** The length of the longest prompt, if a model has a limit. Of several limits the lowest one counts. */
function Counter() {
  const prompt = useStore(wholePrompt);
  const chosen = useStore((state) => state.config.model);
  const strict = strictest(useAsked());
  if (!strict || prompt === "") return null;
  const { limit, model } = strict;
  const length = longest(prompt);
  const over = length - limit;
  return (
    <span
      class={over > 0 ? "ip-count ip-count-bad" : "ip-count"}
      {...tipped(t.composer.countLabel(length, limit))}
      role={over > 0 ? "status" : undefined}
      data-testid="counter"
    >
      {t.composer.count(length, limit)}
      {over > 0 &&
        ` · ${model.name === chosen ? t.composer.tooLong(over) : t.composer.tooLongFor(over, model.title)}`}
    </span>
  );
}

/** The words of a preset on one side of the prompt, once their part is here. */
function Words(props: { side: keyof PromptWords }) {
  const { module } = usePart("picker");
  return module ? <module.PresetWords {...props} /> : null;
}

/** The expected cost of the request, once its part is here. */
function Cost() {
  const { module } = usePart("tools");
  return module ? <module.Estimate /> : null;
}

/** Return how many images a click makes; none where it asks for too much. */
function imagesOf(state: State): number {
  const { models, config, maxCount } = state;
  const requests = countRequests(wholePrompt(state), askedModels(models, config));
  return requests > MAX_REQUESTS ? 0 : Math.min(config.count, maxCount) * Math.max(requests, 1);
}

/**
 * The button that generates, also while something runs. A click that waits for references can be taken back: nothing
 * of it was sent. What was sent is cancelled at its batch.
 */
function Buttons() {
  const ready = useStore(isReady);
  const busy = useStore((state) => state.busy);
  const waits = useStore((state) => state.waits);
  const count = useStore(imagesOf);
  const reason = useStore(inertReason);
  const actions = useActions();
  return (
    <>
      {waits && (
        <IconButton
          icon="stop"
          label={t.composer.takeBack}
          text={t.tile.cancel}
          testid="take-back"
          onClick={actions.takeBack}
        />
      )}
      <button
        type="submit"
        class="ip-button ip-generate"
        title={reason}
        // A button that cannot be pressed during its own call keeps the focus.
        aria-busy={busy}
        aria-disabled={busy}
        disabled={!ready}
        data-testid="generate"
        // The second click of a double click was not meant for another request.
        onClick={(event) => event.detail > 1 && event.preventDefault()}
      >
        <Icon name={busy ? "spinner" : "generate"} />
        {busy ? t.composer.sending : count > 1 ? t.composer.generateSome(count) : t.composer.generate}
      </button>
    </>
  );
}

interface NegativeProps {
  parameter: ParameterState;
  text: string;
  area: RefObject<HTMLTextAreaElement | null>;
  /** The field has the focus: it stays, even without a text. */
  onUse(): void;
  onFold(): void;
}

/** The field for the negative prompt. */
function Negative({ parameter, text, area, onUse, onFold }: NegativeProps) {
  const actions = useActions();
  const lost = useStore(isLost);
  useGrowing(area, text, null);
  const change = (next: string): void =>
    actions.setParameter(parameter.name, next === "" && parameter.default === null ? null : next);
  return (
    <div class="ip-negative">
      <span class="ip-negative-label" aria-hidden="true">
        {t.composer.negative}
      </span>
      <textarea
        ref={area}
        rows={1}
        value={text}
        readOnly={lost}
        maxLength={parameter.maxLength ?? undefined}
        placeholder={t.composer.negativePlaceholder}
        aria-label={t.composer.negative}
        data-testid="negative-prompt"
        onFocus={onUse}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
      />
      <IconButton
        icon="close"
        label={t.composer.dropNegative}
        testid="drop-negative"
        disabled={lost}
        onClick={() => {
          change("");
          onFold();
        }}
      />
    </div>
  );
}

const LEAST_HEIGHT = 36;
const KEY_STEP = 16;
/**
 * The share of the workspace that the prompt may take. The style sheet has the same share for the whole composer.
 */
const MOST_SHARE = 0.5;

interface GripProps {
  form: { current: HTMLFormElement | null };
  area: { current: HTMLTextAreaElement | null };
  height: number | null;
  onHeight(height: number | null): void;
}

/** The lower edge of the prompt. Dragging sets the height; until then the text does. */
function Grip({ form, area, height, onHeight }: GripProps) {
  const [most, setMost] = useState(320);
  const drag = useRef<{ y: number; height: number } | null>(null);
  const shown = (): number => area.current?.offsetHeight ?? LEAST_HEIGHT;
  const set = (wanted: number): void => {
    const room = Math.round((form.current?.parentElement?.clientHeight ?? 640) * MOST_SHARE);
    setMost(room);
    onHeight(Math.round(Math.min(Math.max(wanted, LEAST_HEIGHT), room)));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a line between two paragraphs cannot be dragged
    <div
      class="ip-prompt-grip"
      role="separator"
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label={t.composer.height}
      aria-valuemin={LEAST_HEIGHT}
      aria-valuemax={most}
      aria-valuenow={height ?? LEAST_HEIGHT}
      aria-valuetext={height === null ? t.common.automatic : undefined}
      {...tipped(t.composer.heightTitle)}
      data-testid="prompt-grip"
      onDblClick={() => onHeight(null)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { y: event.clientY, height: shown() };
      }}
      onPointerMove={(event) => {
        if (drag.current) set(drag.current.height + event.clientY - drag.current.y);
      }}
      onPointerUp={() => {
        drag.current = null;
      }}
      onPointerCancel={() => {
        drag.current = null;
      }}
      onKeyDown={(event) => {
        if (event.key === "ArrowDown") set(shown() + KEY_STEP);
        else if (event.key === "ArrowUp") set(shown() - KEY_STEP);
        else if (event.key === "Home") onHeight(null);
        else return;
        event.preventDefault();
      }}
    />
  );
}

function Refusal() {
  const refusal = useStore((state) => state.refusal);
  const actions = useActions();
  if (!refusal) return null;
  const { message, next, detail } = worded(refusal);
  return (
    <div class="ip-note ip-note-bad ip-refusal" role="alert" data-testid="refusal">
      <Icon name="alert" />
      <span>
        {refusal.which && `${t.composer.which(refusal.which)} `}
        <strong>{message}</strong> {next}
        {detail && <ErrorDetail text={detail} />}
        {isUnpriced(refusal) && (
          <button
            type="button"
            class="ip-button ip-anyway"
            data-testid="generate-anyway"
            onClick={() => void actions.generate(true)}
          >
            {t.composer.anyway}
          </button>
        )}
      </span>
      <IconButton icon="close" label={t.notice.dismiss} onClick={actions.dismissRefusal} />
    </div>
  );
}
