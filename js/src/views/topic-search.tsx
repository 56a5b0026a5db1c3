// The search in a list of topics that is longer than the page knows: the field, the topics that are found, and the
// row at the end that stands for more of them.
import { useEffect, useRef, useState } from "preact/hooks";
import { isComposing } from "../lib/keyboard";
import { holdsWords } from "../lib/topics";
import { t } from "../messages";
import type { TopicState } from "../protocol.gen";
import { SEARCH_DELAY } from "../slices/filter";
import { isListed, KEPT_TOPICS } from "../slices/topic-list";
import { useActions, useOnScreen, useStore } from "./context";
import { Icon } from "./icon";
import { IconButton } from "./parts";

interface TopicAnswer {
  words: string;
  /** The ids that the kernel found; null if it did not answer. */
  ids: ReadonlySet<string> | null;
  before: string | null;
}

export interface TopicsShown {
  topics: TopicState[];
  /** What the end of the list stands for; "none" if there are no more topics. */
  rest: "none" | "searching" | "older" | "too many";
  /** The kernel has topics that could not be searched. */
  partly: boolean;
  /** The cursor of the next page. */
  before: string | null;
  load(): void;
}

/**
 * Return the topics whose titles have some words, or the whole list: first the known topics, then those that the
 * kernel adds.
 */
export function useTopics(search: string): TopicsShown {
  const words = search.trim();
  const topics = useStore((state) => state.topics);
  const rest = useStore((state) => state.topicsRest);
  const activeId = useStore((state) => state.activeTopicId);
  const live = useStore((state) => state.live);
  const actions = useActions();
  const [answer, setAnswer] = useState<TopicAnswer | null>(null);
  const asks = words !== "" && rest !== null && live;
  const newest = useRef(words);
  newest.current = asks ? words : "";
  useEffect(() => {
    if (!asks) return undefined;
    const timer = setTimeout(async () => {
      const found = await actions.findTopics(words, null);
      // The user searches for something else by now.
      if (newest.current !== words) return;
      setAnswer({ words, ids: found && new Set(found.ids), before: found?.before ?? null });
    }, SEARCH_DELAY);
    return () => clearTimeout(timer);
  }, [words, asks, actions]);

  if (!words) {
    const listed = topics.filter((topic) => topic.id === activeId || isListed({ topicsRest: rest }, topic));
    return {
      topics: listed,
      rest: rest === null || !live ? "none" : listed.length >= KEPT_TOPICS ? "too many" : "older",
      partly: false,
      before: rest?.before ?? null,
      load: () => void actions.loadTopics(),
    };
  }
  const answered = asks && answer?.words === words ? answer : null;
  const more = answered?.before ?? null;
  const tooMany = more !== null && (answered?.ids?.size ?? 0) >= KEPT_TOPICS;
  const load = async (): Promise<void> => {
    if (!answered?.ids || more === null) return;
    const found = await actions.findTopics(words, more);
    // The page asks again when the end comes near once more.
    if (!found) return;
    const next = { words, ids: new Set([...answered.ids, ...found.ids]), before: found.before };
    setAnswer((now) => (now === answered ? next : now));
  };
  return {
    topics: topics.filter((topic) => holdsWords(topic, words) || answered?.ids?.has(topic.id)),
    rest: asks && !answered ? "searching" : more === null ? "none" : tooMany ? "too many" : "older",
    partly: rest !== null && !answered?.ids,
    before: more,
    load: () => void load(),
  };
}

interface TopicSearchProps {
  words: string;
  testid: string;
  /** The field gets the focus when it is drawn first. */
  autoFocus?: boolean;
  /** A button and Escape clear the words. */
  clearable?: boolean;
  onWords(words: string): void;
  onEnter(): void;
  onArrowDown?(): void;
}

/** The field for the words that the titles of topics are searched for. */
export function TopicSearch(props: TopicSearchProps) {
  const { words, testid, autoFocus, clearable, onWords, onEnter, onArrowDown } = props;
  const clear = clearable && words ? () => onWords("") : undefined;
  return (
    <div class="ip-topics-search">
      <Icon name="search" size={14} />
      <input
        class="ip-input"
        type="search"
        // biome-ignore lint/a11y/noAutofocus: a dialog asks for it, whose first field should have the focus
        autoFocus={autoFocus}
        value={words}
        placeholder={t.topics.search}
        aria-label={t.topics.search}
        data-testid={testid}
        onInput={(event) => onWords(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (isComposing(event)) return;
          const act = { Escape: clear, Enter: onEnter, ArrowDown: onArrowDown }[event.key];
          if (!act) return;
          event.preventDefault();
          act();
        }}
      />
      {clear && <IconButton icon="close" label={t.topics.clear} onClick={clear} />}
    </div>
  );
}

/** The end of a list that has more topics. They are asked for when this row comes near. */
export function RestOfTopics({ shown, within }: { shown: TopicsShown; within: string }) {
  const element = useRef<HTMLLIElement>(null);
  const near = useOnScreen(element, within);
  useEffect(() => {
    if (near && shown.rest === "older") shown.load();
  }, [near, shown.rest, shown.before]);
  return (
    <li ref={element} class="ip-topics-rest" data-testid="topics-rest">
      <span class="ip-topics-rest-words" role="status">
        {shown.rest === "too many" ? t.topics.notAll : <Icon name="spinner" />}
        {shown.rest === "older" && t.topics.older}
        {shown.rest === "searching" && t.topics.searching}
      </span>
    </li>
  );
}

/** Return the text that no topic was found: none at all, or none among those that could be searched. */
export function noMatch({ partly }: TopicsShown, words: string): string {
  return partly ? t.topics.noMatchHere(words.trim()) : t.topics.noMatch(words.trim());
}
