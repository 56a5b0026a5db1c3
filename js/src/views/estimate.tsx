// The expected cost of the request that the composer would send.
import {
  budgetText,
  costOfAll,
  estimateText,
  nearBudget,
  overBudget,
  type Priced,
  spentText,
} from "../lib/cost";
import { modelOf } from "../lib/parameters";
import { wholePrompt } from "../lib/presets";
import { askedModels, countRequests, MAX_REQUESTS } from "../lib/several";
import { countVariants } from "../lib/variants";
import { t } from "../messages";
import { sizeOf } from "../slices/sizes";
import type { State } from "../store";
import { useStore } from "./context";
import { Icon } from "./icon";
import { tipped } from "./parts";

/** The expected cost of the request. Its tip tells today's spending; near the budget it warns. */
export function Estimate() {
  const model = useStore((state) => modelOf(state.models, state.config.model));
  const spending = useStore((state) => state.spending);
  const amount = useStore((state) => costOfAll(...requested(state))?.most ?? null);
  const estimate = useStore((state) => estimateText(...requested(state)));
  const spent = spentText(spending);
  // With a budget, the tip has something to tell even if the price of the model is unknown.
  const text = estimate || budgetText(spending);
  if (!text) return null;
  const over = overBudget(spending, amount);
  const warns = over || nearBudget(spending);
  const tips = [
    estimate && t.composer.estimate,
    estimate && model?.price?.note,
    spent,
    over && t.composer.overBudget,
  ];
  return (
    <span
      class={estimate ? "ip-count" : "ip-count ip-count-spent"}
      data-warns={warns}
      {...tipped(tips.filter(Boolean).join(" · "))}
      data-testid="estimate"
    >
      {warns && <Icon name="alert" size={12} />}
      {text}
    </span>
  );
}

/** Return the prices of what a click asks for, and how many images of each. */
function requested(state: State): [parts: Priced[], count: number] {
  const { models, config, maxCount } = state;
  const prompt = wholePrompt(state);
  const asked = askedModels(models, config);
  const references = state.references.flatMap(({ reference }) => reference ?? []);
  const parts = asked.map((model) => {
    const size = sizeOf({ models, config: { ...config, model: model.name } });
    return {
      model,
      values: config.params[model.name],
      size: size?.automatic ? null : (size?.current ?? null),
      references,
    };
  });
  const count = Math.min(config.count, maxCount) * countVariants(prompt);
  return [countRequests(prompt, asked) > MAX_REQUESTS ? [] : parts, count];
}
