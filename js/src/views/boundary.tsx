// What breaks inside is shown as a card in its place; what stands beside it goes on.
import { Component, type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { version } from "../../package.json";
import { copyText } from "../lib/clipboard";
import { t } from "../messages";
import { Icon } from "./icon";

interface BoundaryProps {
  /** What it holds, in the words of the report: "topics", "tile" … */
  name: string;
  children: ComponentChildren;
  /** What else is to happen on Retry. */
  onRetry?(): void;
}

interface BoundaryState {
  error?: unknown;
}

/** Keeps a broken part from taking the widget with it. */
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

/** What somebody who mends it needs. Whatever might be a key is left out. */
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
