// The end of the line below the words of a card: the cost, and the time of the request.
import { clockText, timeText } from "../lib/days";
import { dollars } from "../lib/price";
import { t } from "../messages";

interface CostAndTimeProps {
  /** In USD, or null where the cost is not known. */
  cost: string | number | null;
  /** Whether the cost is the price of the model, which the provider did not tell. */
  estimated: boolean;
  /** Milliseconds since the epoch. */
  at: number;
}

export function CostAndTime({ cost, estimated, at }: CostAndTimeProps) {
  return (
    <>
      {cost !== null && (
        <span data-tip={estimated ? t.batch.estimated : undefined}>
          {estimated && "≈ "}
          {dollars(cost)}
        </span>
      )}
      <span>
        <time dateTime={new Date(at).toISOString()} data-tip={timeText(at)}>
          {clockText(at)}
        </time>
      </span>
    </>
  );
}
