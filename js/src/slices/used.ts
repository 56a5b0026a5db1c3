// What the filter offers to choose from: the models, scores and tags of what is there.
import type { Reach, State } from "./state";

/** Ask the kernel which models were used where the filter searches. */
export async function loadUsedModels({ store, send }: Reach): Promise<void> {
  try {
    const { result } = await send({ method: "models_used", topicId: searched(store.getState()) });
    if (result.type === "model_names") store.setState({ usedModels: result.names });
  } catch {
    // The models of the known batches are offered nevertheless.
  }
}

/** Ask the kernel which scores and tags there are where the filter searches. */
export async function loadUsedLabels({ store, send }: Reach): Promise<void> {
  try {
    const { result } = await send({ method: "labels_used", topicId: searched(store.getState()) });
    if (result.type === "label_names") store.setState({ usedLabels: result });
  } catch {
    // Without their names, none can be chosen. The bar asks again when it opens.
  }
}

/** Return the topic where the filter searches; null for all topics. */
function searched({ filter, gallery, activeTopicId }: State): string | null {
  return (gallery ?? filter).everywhere ? null : activeTopicId;
}
