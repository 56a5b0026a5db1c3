// Doing something with a finished image: a click asks for it at once, in the topic of the image.
import type { Ability } from "../lib/follow-ups";
import type { Values } from "../lib/parameters";
import { t } from "../messages";
import type { Reach } from "./state";

/** What shall be done, by which model. */
export interface Wanted {
  action: Ability;
  model: string;
  params?: Values;
}

/** Ask for it. A refusal is told in a notice, and one for an unknown price can be overruled there. */
export async function followUp(
  page: Reach,
  generationId: string,
  wanted: Wanted,
  confirm = false,
): Promise<void> {
  const { store, send } = page;
  const { action, model, params = {} } = wanted;
  try {
    const { result } = await send({ method: "follow_up", generationId, action, model, params, confirm });
    if (result.type !== "generated") return;
    const { changeTopic, addBatch, queueBatch, rememberModel } = store.getState();
    changeTopic(result.topic);
    for (const batch of result.batches) {
      addBatch(batch);
      // What events told of the batch may be newer than this answer.
      queueBatch(store.getState().batches[batch.id] ?? batch);
    }
    rememberModel(model);
    store.setState({ madeBatchId: result.batches.at(-1)?.id ?? null });
  } catch (cause) {
    store
      .getState()
      .addRefusal(cause, t.composer.anyway, () => void followUp(page, generationId, wanted, true));
  }
}
