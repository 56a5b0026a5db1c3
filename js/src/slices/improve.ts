// Improving a prompt with a text model.
import { errorState } from "../lib/answer";
import { t } from "../messages/tools";
import type { Improve } from "../protocol.gen";
import { promptOf } from "./drafts";
import { type Improvement, writerMissing, writerOf } from "./improving";
import type { Reach, State } from "./state";

/** How many improvements can be taken back, one after the other. */
const MAX_IMPROVEMENTS = 8;

let asks = 0;

/**
 * Let a text model improve the prompt. If the user changes the prompt meanwhile, the change stays. `confirm` agrees to
 * pay an unknown price.
 */
export async function improve(page: Reach, mode: Improve["mode"], confirm = false): Promise<void> {
  const { store, send } = page;
  const { usable, prompt, activeTopicId, config, announce, addNotice, addRefusal, writePrompt } =
    store.getState();
  if (!usable || prompt.trim() === "") return;
  asks += 1;
  const ask = asks;
  // The prompt may move to another topic, so that only the number tells whether this answer is still wanted.
  const wanted = (): State["improving"] => {
    const { improving } = store.getState();
    return improving?.ask === ask ? improving : null;
  };
  store.setState({ improving: { topicId: activeTopicId, prompt, ask } });
  announce(t.improve.working);
  try {
    const { result } = await send({ method: "improve", prompt, mode, model: config.model, confirm });
    const now = wanted();
    if (!now || result.type !== "improved") return;
    store.setState({ improving: null });
    const late = promptOf(store.getState(), now.topicId) !== prompt;
    if (late || result.prompt === prompt.trim()) {
      addNotice("info", late ? t.improve.cancelled : t.improve.same);
      return;
    }
    writePrompt(now.topicId, result.prompt);
    tell(page, mode, { topicId: now.topicId, before: prompt, after: result.prompt, notice: undefined });
  } catch (cause) {
    if (!wanted()) return;
    const error = errorState(cause);
    const state = store.getState();
    // The kernel's own words are meant for code.
    if (error.code === "missing_key" && writerOf(state) === null) addNotice("info", writerMissing(state));
    else addRefusal(cause, t.improve.anyway, () => void improve(page, mode, true));
  } finally {
    if (wanted()) store.setState({ improving: null });
  }
}

/** Tell that a prompt was improved, and offer Undo. */
function tell({ store }: Reach, mode: Improve["mode"], improvement: Improvement): void {
  const { topicId } = improvement;
  const { topics, activeTopicId, improvements, addNotice, putBackPrompt } = store.getState();
  const title = topics.find(({ id }) => id === topicId)?.title ?? t.frame.newTopic;
  const text = mode === "expand" ? t.improve.improved : t.improve.translated;
  store.setState({ improvements: [...improvements.slice(1 - MAX_IMPROVEMENTS), improvement] });
  addNotice("info", text(topicId === activeTopicId ? null : title), {
    label: t.notice.undo,
    run: () => putBackPrompt(improvement),
  });
  improvement.notice = store.getState().notices.at(-1)?.id;
}
