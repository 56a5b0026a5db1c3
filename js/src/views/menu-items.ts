// The actions in the menus of a batch, of a topic and of the prompt.
import { labOffers } from "../lib/jupyterlab";
import { t } from "../messages/tools";
import type { BatchState, TopicState } from "../protocol.gen";
import { improve } from "../slices/improve";
import type { Actions, Page } from "./context";
import { copyWords } from "./copy";
import { savePack } from "./download";
import { leaveTiles } from "./leave-tiles";
import type { MenuItem } from "./menu";
import { codeOf, insertCode } from "./to-notebook";

interface BatchActs {
  copyPrompt(): void;
  /** Let the user choose another topic. */
  move(): void;
}

/** Return what can be done with a batch. */
export function batchItems(batch: BatchState, page: Page, acts: BatchActs): MenuItem[] {
  const { id, generations } = batch;
  const actions = page.store.getInitialState();
  const ids = (...statuses: readonly string[]): string[] =>
    generations.filter(({ status }) => statuses.includes(status)).map((generation) => generation.id);
  const finished = ids("success");
  const copyCode = (): void => {
    void copyWords(codeOf(page.media, id, null), t.batch.codeCopied, actions);
  };
  const insert: MenuItem = {
    icon: "insert",
    text: t.batch.insert,
    testid: "insert-code",
    onChoose: () => void insertCode(batch, page),
  };
  return [
    {
      icon: "zip",
      text: t.batch.zip,
      testid: "zip-batch",
      disabled: finished.length === 0,
      onChoose: () => void savePack(page, finished),
    },
    { icon: "copy", text: t.batch.copyPrompt, onChoose: acts.copyPrompt },
    { icon: "code", text: t.batch.code, testid: "copy-code", onChoose: copyCode },
    ...(labOffers() ? [insert] : []),
    { icon: "settings", text: t.batch.reuse, apart: true, onChoose: () => actions.reuse(batch) },
    {
      icon: "retry",
      text: t.batch.retry,
      disabled: ids("error", "cancelled").length === 0,
      onChoose: () => void actions.retry(id),
    },
    { icon: "move", text: t.batch.move, testid: "move-batch", onChoose: acts.move },
    {
      icon: "delete",
      text: t.batch.delete,
      testid: "delete-batch",
      danger: true,
      apart: true,
      onChoose: () => {
        leaveTiles(generations.map((generation) => generation.id));
        void actions.deleteBatches([id]);
      },
    },
  ];
}

interface TopicActs extends Pick<Actions, "pinTopic"> {
  rename(): void;
  /** Let the user choose an image that represents the topic. */
  cover(): void;
  remove(): void;
}

/** Return what can be done with a topic. */
export function topicItems({ id, pinned, images }: TopicState, acts: TopicActs): MenuItem[] {
  return [
    { icon: "rename", text: t.topics.rename, testid: "rename-topic", onChoose: acts.rename },
    {
      icon: pinned ? "unpin" : "pin",
      text: pinned ? t.topics.unpin : t.topics.pin,
      testid: "pin-topic",
      onChoose: () => void acts.pinTopic(id, !pinned),
    },
    {
      icon: "images",
      text: t.topics.cover,
      testid: "cover-topic",
      disabled: images === 0,
      onChoose: acts.cover,
    },
    {
      icon: "delete",
      text: t.topics.delete,
      testid: "delete-topic",
      danger: true,
      apart: true,
      onChoose: acts.remove,
    },
  ];
}

/** Return what a text model can do with the prompt; while it works, only to stop it. */
export function improveItems(busy: boolean, page: Page): MenuItem[] {
  const keep = (): void => page.store.getState().cancelImproving();
  if (busy) return [{ icon: "close", text: t.improve.cancel, testid: "keep-prompt", onChoose: keep }];
  return [
    {
      icon: "improve",
      text: t.improve.expand,
      testid: "expand-prompt",
      onChoose: () => void improve(page, "expand"),
    },
    {
      icon: "translate",
      text: t.improve.translate,
      testid: "translate-prompt",
      onChoose: () => void improve(page, "translate"),
    },
  ];
}
