// The strip of references in the composer, and the ways to add more.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { causeText, errorText } from "../lib/answer";
import { focusOn } from "../lib/focus";
import { focusedElement } from "../lib/keyboard";
import { modelOf } from "../lib/parameters";
import { problemsOf } from "../lib/references";
import { t } from "../messages";
import type { NamedBlob } from "../slices/adding";
import { maskProblem } from "../slices/references";
import { useActions, usePage, useStore } from "./context";
import { PartDialog, PartHere, usePart } from "./part";
import { IconButton } from "./parts";
import type { ThumbProps } from "./references-thumb";

export function References() {
  const items = useStore((state) => state.references);
  const model = useStore((state) => modelOf(state.models, state.config.model));
  const mask = useStore((state) => state.mask);
  const maskWord = useStore(maskProblem);
  const usable = useStore((state) => state.usable);
  const actions = useActions();
  const [shown, setShown] = useState<number | null>(null);
  const [painting, setPainting] = useState(false);
  const paints = useStore((state) => state.paints);
  const { store } = usePage();
  const [linking, setLinking] = useState(false);
  const strip = useRef<HTMLUListElement>(null);
  // The elements that may get the focus of a removed reference after drawing: the first one that can have it does.
  const heirs = useRef<readonly string[]>([]);
  useLayoutEffect(() => {
    for (const heir of heirs.current) {
      const element = strip.current?.querySelector<HTMLElement>(heir);
      focusOn(element);
      if (element && element === focusedElement()) break;
    }
    heirs.current = [];
  });
  const canPaint = Boolean(model?.mask && items[0]?.reference && problemsOf(items, model)[0] === null);
  useLayoutEffect(() => {
    if (!paints || !canPaint) return;
    store.setState({ paints: false });
    setPainting(true);
  }, [paints, canPaint]);
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
  return (
    <div class="ip-references" data-testid="references" inert={!usable}>
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

/** A reference; until its part is there, an empty place of its size. */
function Thumb(props: ThumbProps) {
  const { module, problem, retry } = usePart("tools");
  if (module) return <module.ReferenceThumb {...props} />;
  return (
    <li class="ip-reference ip-skeleton" data-testid="reference-waits">
      {problem && <IconButton icon="retry" label={errorText(problem)} onClick={retry} />}
    </li>
  );
}

/** The ways to add a reference: from files, or by a link. */
function Adder({ empty, onLink }: { empty: boolean; onLink(): void }) {
  const page = usePage();
  const rule = useStore((state) => modelOf(state.models, state.config.model)?.references ?? null);
  const input = useRef<HTMLInputElement>(null);
  const { parts, store } = page;
  /** The part is loaded by now, unless the files were chosen at once. */
  const take = (files: readonly NamedBlob[]): Promise<void> =>
    parts.want("tools").then(
      () => parts.get("tools")?.takeFiles(page, files),
      (cause: unknown) => store.getState().addNotice("error", causeText(cause)),
    );
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
          void take(files.map((blob) => ({ name: blob.name, blob })));
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
