// One reference large, with its actions: fingers cannot use the small buttons of the strip.
import { kindText } from "../lib/references";
import { t } from "../messages/large";
import type { ReferenceState } from "../protocol.gen";
import { addReferences, moveReference } from "../slices/adding";
import type { HeldReference } from "../slices/references";
import { useActions, usePage, useStore } from "./context";
import { useModal } from "./modal";
import { IconButton } from "./parts";
import { useWhole } from "./references-whole";

interface ReferencePreviewProps {
  item: HeldReference;
  problem: string | null;
  onPaint: (() => void) | null;
  onRemove(): void;
  onClose(): void;
}

export function ReferencePreview({ item, problem, onPaint, onRemove, onClose }: ReferencePreviewProps) {
  const { key, name, reference } = item;
  const items = useStore((state) => state.references);
  const masked = useStore((state) => state.mask !== null);
  const page = usePage();
  const actions = useActions();
  const index = items.findIndex((each) => each.key === key);
  const move = (by: number): void => moveReference(page, key, index + by);
  return (
    <ReferenceDialog
      title={name || t.references.unnamed}
      item={item}
      facts={[
        reference ? t.references.size(reference.width, reference.height) : "",
        item.mediaType ? kindText(item.mediaType) : "",
        problem ? t.references.notSent(1, problem) : "",
      ]}
      onClose={onClose}
      onKeyDown={(event) => {
        const by = event.shiftKey ? { ArrowLeft: -1, ArrowRight: 1 }[event.key] : undefined;
        if (by === undefined) return;
        event.preventDefault();
        move(by);
      }}
    >
      {items.length > 1 && (
        <>
          <IconButton
            icon="earlier"
            label={t.references.before}
            text={t.references.before}
            testid="reference-before"
            disabled={index === 0}
            onClick={() => move(-1)}
          />
          <IconButton
            icon="later"
            label={t.references.after}
            text={t.references.after}
            testid="reference-after"
            disabled={index === items.length - 1}
            onClick={() => move(1)}
          />
        </>
      )}
      {onPaint && (
        <IconButton
          icon="brush"
          label={masked ? t.mask.edit : t.mask.paint}
          text={masked ? t.mask.edit : t.mask.paint}
          onClick={() => {
            onClose();
            onPaint();
          }}
        />
      )}
      {onPaint && masked && (
        <IconButton
          icon="eraser"
          label={t.mask.remove}
          testid="mask-remove"
          onClick={() => actions.removeMask()}
        />
      )}
      <IconButton
        icon="delete"
        label={t.references.remove(name || t.references.unnamed)}
        tone="danger"
        testid="reference-preview-remove"
        onClick={() => {
          onClose();
          onRemove();
        }}
      />
    </ReferenceDialog>
  );
}

interface UsedReferenceProps {
  reference: ReferenceState;
  onClose(): void;
}

/** A reference that a batch was made with. */
export function UsedReference({ reference, onClose }: UsedReferenceProps) {
  const { width, height, mediaType } = reference;
  const page = usePage();
  return (
    <ReferenceDialog
      title={t.references.title}
      item={{ source: { kind: "kernel" }, reference }}
      facts={[t.references.size(width, height), kindText(mediaType)]}
      onClose={onClose}
    >
      <IconButton
        icon="addImage"
        label={t.references.useAgain}
        text={t.references.useAgain}
        testid="reference-again"
        onClick={() => {
          addReferences(page, [reference]);
          onClose();
        }}
      />
    </ReferenceDialog>
  );
}

interface ReferenceDialogProps {
  title: string;
  item: Pick<HeldReference, "source" | "reference">;
  facts: readonly string[];
  children?: preact.ComponentChildren;
  onClose(): void;
  onKeyDown?(event: KeyboardEvent): void;
}

/** A picture over the page, with its facts and its actions below. */
function ReferenceDialog(props: ReferenceDialogProps) {
  const { title, item, facts, children, onClose, onKeyDown } = props;
  const dialog = useModal();
  const { url, error } = useWhole(item);
  return (
    <dialog
      ref={dialog}
      class="ip-lightbox"
      data-testid="reference-preview"
      aria-label={title}
      onClose={onClose}
      onKeyDown={onKeyDown}
      // By keyboard, Escape does the same.
      onPointerDown={(event) => {
        if (event.target === event.currentTarget) dialog.current?.close();
      }}
    >
      <div class="ip-lightbox-stage">
        {url && <img src={url} alt={title} />}
        {error && <p role="alert">{error}</p>}
      </div>
      <footer class="ip-lightbox-foot">
        <div class="ip-batch-words">
          <p class="ip-lightbox-prompt">{title}</p>
          <p class="ip-meta">
            {facts
              .filter((fact) => fact !== "")
              .map((fact) => (
                <span key={fact}>{fact}</span>
              ))}
          </p>
        </div>
        {children}
        <IconButton icon="close" label={t.references.close} onClick={() => dialog.current?.close()} />
      </footer>
    </dialog>
  );
}
