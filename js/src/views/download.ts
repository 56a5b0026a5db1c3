import { errorState } from "../lib/answer";
import type { Media } from "../media";
import type { State } from "../store";

/** Saves the original of an image as a file of the user's. */
export async function saveOriginal(
  media: Media,
  generationId: string,
  actions: Pick<State, "addNotice">,
): Promise<void> {
  try {
    const { url, fileName } = await media.original(generationId);
    const link = document.createElement("a");
    link.href = url;
    link.download = fileName;
    link.click();
  } catch (cause) {
    const { message, nextStep } = errorState(cause);
    actions.addNotice("error", `${message} ${nextStep}`);
  }
}
