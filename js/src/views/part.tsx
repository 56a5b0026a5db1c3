// The place of a part of the page: what is drawn until the part is loaded, or why it cannot be loaded.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { errorState, errorText } from "../lib/answer";
import { connectionText, isLost } from "../lib/connection";
import { t } from "../messages";
import type { PartModules, PartName } from "../parts";
import type { ErrorState } from "../protocol.gen";
import { usePage, useStore } from "./context";
import { Icon } from "./icon";
import { ListPopover } from "./list-popover";
import { handOver, useModal } from "./modal";
import { IconButton } from "./parts";

interface Opening<Name extends PartName> {
  /** What the part exports, once it is loaded. */
  module: PartModules[Name] | undefined;
  /** Why the part could not be loaded. */
  problem: ErrorState | null;
  retry(): void;
}

/** Load a part, and draw the view again when it is there. A kernel that comes back is asked again. */
export function usePart<Name extends PartName>(name: Name): Opening<Name> {
  const { parts } = usePage();
  const lost = useStore(isLost);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [problem, setProblem] = useState<ErrorState | null>(null);
  const module = parts.get(name);
  const missing = module === undefined;
  const load = (): (() => void) | undefined => {
    if (!missing || lost) return undefined;
    let current = true;
    setProblem(null);
    parts.want(name).then(
      () => current && redraw(0),
      (cause: unknown) => current && setProblem(errorState(cause)),
    );
    return () => {
      current = false;
    };
  };
  useLayoutEffect(load, [parts, name, missing, lost]);
  return { module, problem, retry: load };
}

/** What stands in the place of a part: it loads, it needs a kernel, or it could not be loaded. */
export function Waiting({ opening: { problem, retry } }: { opening: Opening<PartName> }) {
  const standing = useStore((state) => (isLost(state) ? (connectionText(state)?.next ?? "") : null));
  if (standing !== null || problem?.code === "none" || problem?.code === "gone")
    return (
      <p class="ip-part" role="status" data-testid="part-needs-kernel">
        <Icon name="readOnly" />
        <span>
          <strong>{t.part.needsKernel}</strong> {standing ?? problem?.nextStep}
        </span>
      </p>
    );
  if (problem)
    return (
      <p class="ip-part" role="alert" data-testid="part-problem">
        <Icon name="alert" />
        <span>{errorText(problem)}</span>
        <button type="button" class="ip-button" data-testid="part-retry" onClick={retry}>
          <Icon name="retry" />
          {t.common.retry}
        </button>
      </p>
    );
  return (
    <p class="ip-part" role="status" data-testid="part-loading">
      <Icon name="spinner" /> {t.common.loading}
    </p>
  );
}

interface PartProps<Name extends PartName> {
  name: Name;
  label: string;
  onClose(): void;
  /** Draw what the part holds; what is drawn is a dialog itself. */
  children(module: PartModules[Name]): ComponentChildren;
}

/** A dialog of a part; until the part is loaded, a small one that says so. */
export function PartDialog<Name extends PartName>({ name, label, onClose, children }: PartProps<Name>) {
  const opening = usePart(name);
  if (opening.module) return <>{children(opening.module)}</>;
  return (
    <WaitingDialog class="ip-dialog" label={label} onClose={onClose}>
      {(close) => (
        <>
          <header class="ip-dialog-head">
            <h2>{label}</h2>
            <IconButton icon="close" label={t.common.close} onClick={close} />
          </header>
          <Waiting opening={opening} />
        </>
      )}
    </WaitingDialog>
  );
}

interface WaitingDialogProps {
  class: string;
  label: string;
  onClose(): void;
  onKeyDown?(event: KeyboardEvent): void;
  children(close: () => void): ComponentChildren;
}

/** A dialog that stands in the place of another one, and gives the focus back before that one takes it. */
export function WaitingDialog({ label, onClose, onKeyDown, children, ...given }: WaitingDialogProps) {
  const dialog = useModal();
  const over = useRef(false);
  useLayoutEffect(() => {
    const { current } = dialog;
    return () => {
      over.current = true;
      if (current) handOver(current);
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={given.class}
      aria-label={label}
      data-testid="part-waits"
      onKeyDown={onKeyDown}
      onClose={() => {
        // Not where another dialog takes its place.
        if (!over.current) onClose();
      }}
    >
      {children(() => dialog.current?.close())}
    </dialog>
  );
}

interface PartHereProps<Name extends PartName> {
  name: Name;
  /** The class of what stands in its place until then. */
  class: string;
  children(module: PartModules[Name]): ComponentChildren;
}

/** What a part draws in the page itself. */
export function PartHere<Name extends PartName>(props: PartHereProps<Name>) {
  const opening = usePart(props.name);
  if (opening.module) return <>{props.children(opening.module)}</>;
  return (
    <div class={props.class} data-testid="part-waits">
      <Waiting opening={opening} />
    </div>
  );
}

interface PartPopoverProps<Name extends PartName> {
  name: Name;
  anchor: HTMLElement;
  label: string;
  class: string;
  align?: "start" | "end";
  onClose(refocus: boolean): void;
  children(module: PartModules[Name]): ComponentChildren;
}

/** A list of a part beside the button that opens it. */
export function PartPopover<Name extends PartName>(props: PartPopoverProps<Name>) {
  const { name, anchor, label, onClose, children } = props;
  const opening = usePart(name);
  const length = useRef(0);
  if (opening.module) return <>{children(opening.module)}</>;
  length.current += 1;
  return (
    <ListPopover
      anchor={anchor}
      label={label}
      class={props.class}
      testid="part-waits"
      {...(props.align && { align: props.align })}
      length={length.current}
      onClose={onClose}
    >
      <Waiting opening={opening} />
    </ListPopover>
  );
}
