// The words of a sweep: its template with the names of the axes, and what is known of it.
import type { SweepFacts } from "../lib/sweep-facts";
import { piecesOf } from "../lib/sweep-grid";
import { t } from "../messages/sweep";
import type { SweepState } from "../protocol.gen";
import { CostAndTime } from "./cost-and-time";

/** A template, in which the names of the axes are marked. */
export function Template({ sweep: { template, axes } }: { sweep: SweepState }) {
  return (
    <>
      {piecesOf(template, axes).map(({ text, axis }, at) =>
        axis ? (
          <span key={at} class="ip-sweep-axis" data-tip={labelsIn(axes, text)}>
            {text}
          </span>
        ) : (
          text
        ),
      )}
    </>
  );
}

/** The most values that the tip of an axis names. */
const NAMED = 12;

function labelsIn(axes: SweepState["axes"], name: string): string {
  const labels = axes.find((axis) => axis.name === name)?.labels ?? [];
  return [...labels.slice(0, NAMED), ...(labels.length > NAMED ? ["…"] : [])].join(", ");
}

/** How many images there are, and what they cost. */
export function SweepMeta({ sweep, facts }: { sweep: SweepState; facts: SweepFacts }) {
  const { done, all, failed, cost, costEstimated, models } = facts;
  const [first] = models;
  const { createdAt, axes, template } = sweep;
  // The values that all images share are nowhere in the grid, nor are they in the prompt.
  const shared = axes.filter(
    ({ name, labels }) => labels.length === 1 && name !== "model" && !template.includes(`{${name}}`),
  );
  return (
    <p class="ip-meta">
      <span data-testid="sweep-count">{t.sweep.images(done, all)}</span>
      {failed > 0 && (
        <span class="ip-changed" data-testid="sweep-failed">
          {t.sweep.failed(failed)}
        </span>
      )}
      {first && <span data-tip={models.join("\n")}>{t.sweep.models(first, models.length - 1)}</span>}
      {shared.map(({ name, labels }) => (
        <span key={name}>
          {name} {labels[0]}
        </span>
      ))}
      <CostAndTime cost={cost} estimated={costEstimated} at={createdAt} />
    </p>
  );
}
