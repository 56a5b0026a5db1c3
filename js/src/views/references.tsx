// The strip of references in the composer, and the ways to add more.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { draggedReference, dragReference, isReferenceDrag } from "../lib/drag";
import { focusedElement, pressByKey } from "../lib/keyboard";
import { modelOf } from "../lib/parameters";
import { problemsOf } from "../lib/references";
import { t } from "../messages";
import { type HeldReference, maskProblem } from "../slices/references";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { PartDialog, PartHere } from "./part";
import { IconButton } from "./parts";
import { useThumbnail } from "./references-picture";

export function References() {
  const items = useStore((state) => state.references);
  const model = useStore((state) => modelOf(state.models, state.config.model));
  const mask = useStore((state) => state.mask);
  const maskWord = useStore(maskProblem);
  const live = useStore((state) => state.live);
  const actions = useActions();
  const [shown, setShown] = useState<number | null>(null);
  const [painting, setPainting] = useState(false);
  const [linking, setLinking] = useState(false);
  const strip = useRef<HTMLUListElement>(null);
  // The elements that may get the focus of a removed reference after drawing: the first one that can have it does.
  const heirs = useRef<readonly string[]>([]);
  useLayoutEffect(() => {
    for (const heir of heirs.current) {
      const element = strip.current?.querySelector<HTMLElement>(heir);
      element?.focus();
      if (element && element === focusedElement()) break;
    }
    heirs.current = [];
  });
  const rule = model?.references ?? null;
  if (items.length === 0 && !rule) return null;
  const problems = problemsOf(items, model);
  const sent = problems.filter((problem) => problem === null).length;
  const words = [...new Set(problems.filter((problem) => problem !== null))];
  const preview = items.find((item) => item.key === shown);
  const first = items[0];
  const remove = (key: number, index: number): void => {
    heirs.current = [thumb(index), thumb(index - 1), "[data-testid=reference-add]"];
    actions.removeReference(key);
  };
  const endPainting = (): void => {
    heirs.current = ["[data-testid=mask-paint]", thumb(0)];
    setPainting(false);
  };
  const endLinking = (): void => {
    // After the last reference that the model takes, there is no button to add another.
    heirs.current = ["[data-testid=reference-link]", "li:last-child [role=button]"];
    setLinking(false);
  };
  const canPaint = Boolean(model?.mask && first?.reference && problems[0] === null);
  return (
    <div class="ip-references" data-testid="references" inert={!live}>
      <ul ref={strip} class="ip-references-strip" aria-label={t.references.title}>
        {items.map((item, index) => (
          <Thumb
            key={item.key}
            item={item}
            index={index}
            count={items.length}
            problem={problems[index] ?? null}
            masked={index === 0 && mask !== null}
            onOpen={() => setShown(item.key)}
            onPaint={index === 0 && canPaint ? () => setPainting(true) : null}
            onRemove={() => remove(item.key, index)}
          />
        ))}
        {rule && sent < rule.maxCount && (
          <li class="ip-references-add">
            {linking ? (
              <PartHere name="tools" class="ip-references-link">
                {({ LinkForm }) => <LinkForm onClose={endLinking} />}
              </PartHere>
            ) : (
              <Adder empty={items.length === 0} onLink={() => setLinking(true)} />
            )}
          </li>
        )}
      </ul>
      {items.map(
        ({ key, name, status, error }) =>
          status === "failed" && (
            <p key={key} class="ip-help ip-help-bad ip-references-word" role="alert">
              {t.references.failed(name || t.references.unnamed, error)}
            </p>
          ),
      )}
      {words.map((word) => (
        <p key={word} class="ip-help ip-references-word" data-testid="reference-unsent">
          {t.references.notSent(problems.filter((problem) => problem === word).length, word)}{" "}
          {!rule && (
            <button type="button" class="ip-link" onClick={() => actions.clearReferences()}>
              {t.references.removeAll}
            </button>
          )}
        </p>
      ))}
      {maskWord && rule && <p class="ip-help ip-references-word">{maskWord}</p>}
      {preview && (
        <PartDialog name="large" label={preview.name || t.references.unnamed} onClose={() => setShown(null)}>
          {({ ReferencePreview }) => (
            <ReferencePreview
              item={preview}
              problem={problems[items.indexOf(preview)] ?? null}
              onPaint={preview === first && canPaint ? () => setPainting(true) : null}
              onRemove={() => remove(preview.key, items.indexOf(preview))}
              onClose={() => setShown(null)}
            />
          )}
        </PartDialog>
      )}
      {painting && canPaint && first && (
        <PartDialog name="mask" label={t.mask.paint} onClose={endPainting}>
          {({ MaskPainter }) => <MaskPainter item={first} onClose={endPainting} />}
        </PartDialog>
      )}
    </div>
  );
}

function thumb(index: number): string {
  return `li:nth-child(${index + 1}) > [role=button]`;
}

interface ThumbProps {
  item: HeldReference;
  index: number;
  count: number;
  problem: string | null;
  masked: boolean;
  onOpen(): void;
  onPaint: (() => void) | null;
  onRemove(): void;
}

function Thumb({ item, index, count, problem, masked, onOpen, onPaint, onRemove }: ThumbProps) {
  const { key, status } = item;
  const actions = useActions();
  const button = useRef<HTMLDivElement>(null);
  const [over, setOver] = useState(false);
  const name = item.name || t.references.unnamed;
  const move = (by: number): void => {
    actions.moveReference(key, index + by);
    // The element moved with its key, and keeps the focus in most browsers.
    requestAnimationFrame(() => button.current?.focus());
  };
  return (
    <li
      class="ip-reference"
      data-testid="reference"
      data-status={status}
      data-sent={problem === null}
      data-over={over}
      draggable={status !== "failed"}
      onDragStart={(event) => dragReference(event, key)}
      onDragOver={(event) => {
        if (!isReferenceDrag(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const dragged = draggedReference(event);
        if (dragged === null) return;
        event.preventDefault();
        actions.moveReference(dragged, index);
      }}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: Firefox drags nothing by a real button */}
      <div
        ref={button}
        class="ip-reference-open"
        role="button"
        tabIndex={0}
        aria-label={`${t.references.open(name, index + 1, count)}${problem ? `. ${t.references.notSent(1, problem)}` : ""}`}
        aria-keyshortcuts="Shift+ArrowLeft Shift+ArrowRight Delete"
        title={problem ?? `${name}. ${t.references.keys}`}
        onClick={() => (status === "failed" ? actions.retryReference(key) : onOpen())}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (by !== undefined) {
            event.preventDefault();
            if (event.shiftKey) move(by);
            else neighbour(event.currentTarget, by)?.focus();
          } else if (event.key === "Delete" || event.key === "Backspace") {
            event.preventDefault();
            onRemove();
          } else pressByKey(event);
        }}
      >
        <Picture item={item} />
        {status === "sending" && <Ring share={item.share} />}
        {status === "failed" && (
          <span class="ip-reference-failed">
            <Icon name="retry" />
            {t.references.retry}
          </span>
        )}
        {status === "ready" && problem && (
          <span class="ip-reference-unsent">{t.references.notSentBadge}</span>
        )}
      </div>
      <span class="ip-reference-remove">
        <IconButton
          icon="close"
          label={status === "sending" ? t.references.cancel(name) : t.references.remove(name)}
          testid="reference-remove"
          onClick={onRemove}
        />
      </span>
      {onPaint && (
        <span class="ip-reference-mask" data-set={masked}>
          <IconButton
            icon="brush"
            label={masked ? t.mask.edit : t.mask.paint}
            testid="mask-paint"
            onClick={onPaint}
          />
        </span>
      )}
    </li>
  );
}

function neighbour(button: HTMLElement, by: number): HTMLElement | null {
  const entry = button.closest("li");
  const next = by < 0 ? entry?.previousElementSibling : entry?.nextElementSibling;
  return next?.querySelector<HTMLElement>("[role=button]") ?? null;
}

function Picture({ item }: { item: HeldReference }) {
  const url = useThumbnail(item);
  const [broken, setBroken] = useState<string>();
  if (!url || url === broken) {
    return (
      <span class={item.status === "ready" && !url ? "ip-skeleton" : "ip-reference-blank"}>
        {(item.status !== "ready" || url) && (
          <Icon name={item.source.kind === "link" ? "link" : "images"} size={18} />
        )}
      </span>
    );
  }
  return <img src={url} alt="" decoding="async" draggable={false} onError={() => setBroken(url)} />;
}

const ROUND = 2 * Math.PI * 9;

/** The share of a file that has arrived; a spinner if it is unknown. */
function Ring({ share }: { share: number | null }) {
  return (
    <span
      class="ip-reference-ring"
      role="progressbar"
      aria-label={share === null ? t.references.fetching : t.references.sending}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(share * 100)}
      data-open={share === null}
    >
      <svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true">
        <circle cx="12" cy="12" r="9" />
        <circle
          cx="12"
          cy="12"
          r="9"
          stroke-dasharray={ROUND}
          stroke-dashoffset={ROUND * (1 - (share ?? 0.25))}
        />
      </svg>
    </span>
  );
}

/** The ways to add a reference: from files, or by a link. */
function Adder({ empty, onLink }: { empty: boolean; onLink(): void }) {
  const actions = useActions();
  const rule = useStore((state) => modelOf(state.models, state.config.model)?.references ?? null);
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple={(rule?.maxCount ?? 1) > 1}
        accept={rule?.mediaTypes.join(",")}
        data-testid="reference-file"
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          // The user can choose the same file again.
          event.currentTarget.value = "";
          void actions.takeFiles(files.map((blob) => ({ name: blob.name, blob })));
        }}
      />
      <IconButton
        icon="addImage"
        label={empty ? t.references.addShort : t.references.add}
        {...(empty && { text: t.references.addShort })}
        testid="reference-add"
        onClick={() => input.current?.click()}
      />
      <IconButton icon="link" label={t.references.link} testid="reference-link" onClick={onLink} />
      {empty && <span class="ip-references-hint">{t.references.hint}</span>}
    </>
  );
}
