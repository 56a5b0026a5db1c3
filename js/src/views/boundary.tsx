// A part of the page that breaks is replaced by a card; the parts beside it go on.
import { Component, type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { version } from "../../package.json";
import { copyText } from "../lib/clipboard";
import { t } from "../messages";
import { Icon } from "./icon";

interface BoundaryProps {
  /** The name of the part in the report: "topics", "tile" … */
  name: string;
  children: ComponentChildren;
  /** Called on Retry. */
  onRetry?(): void;
}

interface BoundaryState {
  error?: unknown;
}

/** A boundary around a part of the page: an error in the part leaves the rest of the widget intact. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = {};

  static override getDerivedStateFromError(error: unknown): BoundaryState {
    return { error: error ?? new Error("nothing was thrown") };
  }

  override render({ name, children, onRetry }: BoundaryProps, { error }: BoundaryState) {
    if (error === undefined) return children;
    const retry = (): void => {
      onRetry?.();
      this.setState({ error: undefined });
    };
    return <Broken name={name} error={error} onRetry={retry} />;
  }
}

function Broken({ name, error, onRetry }: { name: string; error: unknown; onRetry(): void }) {
  const [copied, setCopied] = useState<boolean | null>(null);
  return (
    <div class="ip-broken" role="alert" data-testid="broken" data-part={name}>
      <Icon name="broken" size={20} />
      <p>
        <strong>{t.states.broken}</strong> {t.states.brokenNext}
      </p>
      <div class="ip-row">
        <button type="button" class="ip-button" data-testid="broken-retry" onClick={onRetry}>
          <Icon name="retry" />
          {t.common.retry}
        </button>
        <button
          type="button"
          class="ip-button"
          data-testid="broken-report"
          onClick={() => void copyText(report(name, error)).then(setCopied)}
        >
          <Icon name="copy" />
          {t.states.report}
        </button>
      </div>
      {copied !== null && <p role="status">{copied ? t.states.reported : t.states.notReported}</p>}
    </div>
  );
}

/** Return a report that helps to mend the fault. Text that might be a key is left out. */
export function report(name: string, error: unknown): string {
  const { message = String(error), stack = "" } = error instanceof Error ? error : {};
  const lines = [
    `imgplay-widget ${version}: the part "${name}" broke`,
    message,
    stack.includes(message) ? stack.slice(stack.indexOf(message) + message.length).trim() : stack,
    navigator.userAgent,
    new Date().toISOString(),
  ];
  return lines
    .filter((line) => line !== "")
    .join("\n")
    .replace(/[\w-]{24,}/g, "…");
}
