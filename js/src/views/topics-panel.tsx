// The right panel: the topics, pinned ones and newest use first, and their actions.
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isLost } from "../lib/connection";
import { draggedBatches, isBatchDrag } from "../lib/drag";
import { focusOn } from "../lib/focus";
import { AT_A_GLANCE } from "../lib/topics";
import { ago } from "../lib/words";
import { coverKey } from "../media";
import { t } from "../messages";
import type { PartModules } from "../parts";
import type { TopicState } from "../protocol.gen";
import { useActions, useBlobUrl, useMinute, useOnScreen, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { memo } from "./memo";
import { Menu, type MenuItem } from "./menu";
import { PartDialog, usePart } from "./part";
import type { RenameProps } from "./rename";
import { noMatch, RestOfTopics, TopicSearch, useTopics } from "./topic-search";

export function TopicsPanel({ onChosen }: { onChosen(): void }) {
  const topics = useStore((state) => state.topics);
  const activeId = useStore((state) => state.activeTopicId);
  const shown = useStore((state) => state.shown);
  const now = useMinute();
  const actions = useActions();
  const [words, setWords] = useState("");
  const [coverOf, setCoverOf] = useState<TopicState | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const drop = useDrop(null);
  const chosen = useRef(onChosen);
  chosen.current = onChosen;
  const choose = useCallback((id: string | null): void => {
    void actions.selectTopic(id);
    chosen.current();
  }, []);
  const many = topics.length > AT_A_GLANCE;
  const search = useTopics(many ? words : "");
  const found = search.topics;
  // The list is one stop for Tab; the arrow keys go from topic to topic.
  const stop = found.some(({ id }) => id === activeId) ? activeId : found[0]?.id;

  const onKeyDown = (event: KeyboardEvent): void => {
    if (!(event.target instanceof Element) || !event.target.matches("[data-row]")) return;
    const rows = [...(list.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    const at = rows.indexOf(event.target as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    focusOn(rows[Math.min(Math.max(to, 0), rows.length - 1)]);
  };
  const leaveCovers = (): void => {
    setCoverOf(null);
    // The focus came from the button of a menu, which is shown only while its row has the focus.
    focusOn(list.current?.querySelector<HTMLElement>(`[data-topic-id="${coverOf?.id}"] [data-row]`));
  };
  return (
    <div class="ip-topics-panel">
      <div class="ip-topics-head">
        <button
          type="button"
          class="ip-button ip-new-topic"
          data-testid="new-topic"
          data-drop={drop.over}
          aria-current={activeId === null && shown ? "true" : undefined}
          onClick={() => choose(null)}
          {...drop.handlers}
        >
          <Icon name="new" /> {drop.over ? t.topics.dropNew : t.topics.create}
        </button>
        {many && (
          <TopicSearch
            words={words}
            testid="search-topics"
            clearable
            onWords={setWords}
            onEnter={() => found[0] && choose(found[0].id)}
            onArrowDown={() => focusOn(list.current?.querySelector<HTMLElement>("[data-row]"))}
          />
        )}
      </div>
      <ul ref={list} class="ip-topics" aria-label={t.topics.list} onKeyDown={onKeyDown}>
        {found.map((topic) => (
          <Topic
            key={topic.id}
            topic={topic}
            active={topic.id === activeId}
            stop={topic.id === stop}
            now={now}
            choose={choose}
            onCover={setCoverOf}
          />
        ))}
        {search.rest !== "none" && <RestOfTopics shown={search} within=".ip-topics" />}
        {found.length === 0 && shown && search.rest !== "searching" && (
          <li class="ip-topics-none">
            {topics.length === 0 ? t.topics.none : noMatch(search, words)}
            {topics.length > 0 && (
              <button type="button" class="ip-button" onClick={() => setWords("")}>
                {t.topics.clear}
              </button>
            )}
          </li>
        )}
      </ul>
      {coverOf && (
        <PartDialog
          name="tools"
          label={t.topics.coverTitle(coverOf.title || t.topics.untitled)}
          onClose={leaveCovers}
        >
          {({ CoverPicker }) => <CoverPicker topic={coverOf} onClose={leaveCovers} />}
        </PartDialog>
      )}
    </div>
  );
}

interface TopicProps {
  topic: TopicState;
  active: boolean;
  /** Tab stops here. */
  stop: boolean;
  now: number;
  choose(id: string): void;
  onCover(topic: TopicState): void;
}

const Topic = memo(({ topic, active, stop, now, choose, onCover }: TopicProps) => {
  const { id, pinned, images } = topic;
  const title = topic.title || t.topics.untitled;
  const element = useRef<HTMLLIElement>(null);
  const row = useRef<HTMLButtonElement>(null);
  const onScreen = useOnScreen(element);
  const { media } = usePage();
  const actions = useActions();
  const usable = useStore((state) => state.usable);
  const cover = useBlobUrl(media.covers, coverKey(topic), onScreen, media.wantedCovers);
  // When the kernel is lost, the page does not know what became of the running batches.
  const running = useStore((state) => (isLost(state) ? 0 : runningIn(state.queue, topic)));
  const [renaming, setRenaming] = useState(false);
  const drop = useDrop(id);
  const back = useRef(false);
  useLayoutEffect(() => {
    if (!renaming && back.current) focusOn(row.current);
    back.current = false;
  }, [renaming]);
  const remove = (): void => {
    focusNeighbour(element.current);
    void actions.deleteTopic(id);
  };
  const rename = (): void => setRenaming(usable);
  const items = (tools: PartModules["tools"]): readonly MenuItem[] =>
    tools.topicItems(topic, { ...actions, rename, remove, cover: () => onCover(topic) });
  const facts = [
    running > 0 ? t.topics.running(running) : images > 0 ? t.topics.images(images) : t.topics.noImages,
    running > 0 ? "" : ago(topic.updatedAt, now),
  ];
  return (
    <li
      ref={element}
      class="ip-topic"
      data-testid="topic"
      data-topic-id={id}
      data-drop={drop.over}
      aria-current={active ? "true" : undefined}
      {...drop.handlers}
    >
      {renaming ? (
        <div class="ip-topic-open">
          <Cover url={cover} running={running > 0} />
          <Renaming
            title={topic.title}
            onSave={(next) => void actions.renameTopic(id, next)}
            onLeave={(refocus) => {
              back.current = refocus;
              setRenaming(false);
            }}
          />
        </div>
      ) : (
        <button
          ref={row}
          type="button"
          class="ip-topic-open"
          data-row
          tabIndex={stop ? 0 : -1}
          title={title}
          onClick={() => choose(id)}
          onDblClick={rename}
          onKeyDown={(event) => {
            if (event.key === "F2") rename();
            else if (event.key === "Delete") remove();
            else return;
            event.preventDefault();
          }}
        >
          <Cover url={cover} running={running > 0} />
          <span class="ip-topic-words">
            <span class="ip-topic-title">{title}</span>
            <span class="ip-topic-facts">
              {drop.over ? t.topics.drop : facts.filter(Boolean).join(" · ")}
            </span>
          </span>
          {pinned && (
            <span class="ip-topic-pin" data-tip={t.topics.pinned}>
              <Icon name="pin" size={12} />
              <span class="ip-hidden">{t.topics.pinned}</span>
            </span>
          )}
        </button>
      )}
      {!renaming && (
        <span class="ip-topic-menu" inert={!usable}>
          <Menu icon="more" label={t.topics.menu(title)} testid="topic-menu" items={items} />
        </span>
      )}
    </li>
  );
});

/**
 * Return how many images of a topic are unfinished, as the kernel counts them; at least 1 if something is in the
 * queue.
 */
function runningIn(queue: readonly { topicId: string }[], topic: TopicState): number {
  return topic.running || Number(queue.some(({ topicId }) => topicId === topic.id));
}

/** Move the focus from a row that is removed to another one: otherwise the notebook would get the next key. */
function focusNeighbour(row: HTMLElement | null): void {
  const next = [row?.nextElementSibling, row?.previousElementSibling].find((other) =>
    other?.matches("[data-topic-id]"),
  );
  const button = next ?? row?.parentElement?.previousElementSibling;
  focusOn(button?.querySelector<HTMLElement>("[data-row], button"));
}

/** The field in place of a title; until its part is there, an empty one. */
function Renaming(props: RenameProps) {
  const { module } = usePart("tools");
  return module ? <module.Rename {...props} /> : <span class="ip-input ip-topic-name" />;
}

function Cover({ url, running }: { url: string | undefined; running: boolean }) {
  return (
    <span class="ip-cover">
      {url ? <img src={url} alt="" decoding="async" draggable={false} /> : <Icon name="images" />}
      {running && <span class="ip-dot" data-tip={t.topics.something} />}
    </span>
  );
}

/** Return the handlers for batches that are dropped on a topic, or on a new one (null). */
function useDrop(topicId: string | null) {
  const [over, setOver] = useState(false);
  const actions = useActions();
  const enter = (event: DragEvent): void => {
    if (!isBatchDrag(event)) return;
    event.preventDefault();
    // The workspace takes other things that are dropped.
    event.stopPropagation();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "move";
    setOver(true);
  };
  return {
    over: over || undefined,
    handlers: {
      onDragEnter: enter,
      onDragOver: enter,
      onDragLeave: (event: DragEvent & { currentTarget: HTMLElement }): void => {
        if (!(event.relatedTarget instanceof Node) || !event.currentTarget.contains(event.relatedTarget))
          setOver(false);
      },
      onDrop: (event: DragEvent): void => {
        setOver(false);
        const ids = draggedBatches(event);
        if (ids.length === 0) return;
        event.preventDefault();
        event.stopPropagation();
        void actions.moveBatches(ids, topicId);
      },
    },
  };
}
