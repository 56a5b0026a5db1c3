// The centre: the feed of the topic, or the "new topic" screen, and the prompt.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isComposing } from "../lib/keyboard";
import { modelOf } from "../lib/parameters";
import { estimateText } from "../lib/price";
import { sizeOf } from "../slices/config";
import type { State } from "../store";
import { BatchCard } from "./batch-card";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import type { LightboxTarget } from "./lightbox";

interface WorkspaceProps {
  onOpen(target: LightboxTarget): void;
}

export function Workspace({ onOpen }: WorkspaceProps) {
  const topicId = useStore((state) => state.activeTopicId);
  return (
    <>
      <Prompt />
      {topicId === null ? <NewTopic /> : <TopicFeed key={topicId} topicId={topicId} onOpen={onOpen} />}
    </>
  );
}

const NEAR_LIMIT = 0.8;

function Prompt() {
  const prompt = useStore((state) => state.prompt);
  const busy = useStore((state) => state.busy);
  const live = useStore((state) => state.live);
  const refusal = useStore((state) => state.refusal);
  const model = useStore((state) => modelOf(state.models, state.config.model));
  const count = useStore((state) => state.config.count);
  const estimate = useStore(estimateOf);
  const actions = useActions();
  const area = useRef<HTMLTextAreaElement>(null);
  const limit = model?.maxPrompt ?? null;
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [prompt]);
  const tooLong = limit !== null && prompt.trim().length > limit;
  const ready = live && !busy && model !== undefined && prompt.trim() !== "" && !tooLong;
  return (
    <form
      class="ip-prompt"
      onSubmit={(event) => {
        event.preventDefault();
        void actions.generate();
      }}
    >
      <div class="ip-prompt-box">
        <textarea
          ref={area}
          rows={2}
          value={prompt}
          placeholder="Describe a picture…"
          aria-label="Prompt"
          data-testid="prompt"
          onInput={(event) => actions.setPrompt(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
            event.preventDefault();
            if (ready) void actions.generate();
          }}
        />
        <div class="ip-prompt-foot">
          {limit !== null && prompt.length > limit * NEAR_LIMIT && (
            <span class={tooLong ? "ip-count ip-count-bad" : "ip-count"}>
              {prompt.trim().length} / {limit}
            </span>
          )}
          {estimate && (
            <span class="ip-count" title={model?.price?.note || undefined} data-testid="estimate">
              {estimate}
            </span>
          )}
          <button
            type="submit"
            class="ip-button ip-generate"
            disabled={!ready}
            aria-busy={busy}
            data-testid="generate"
          >
            <Icon name={busy ? "spinner" : "generate"} />
            {busy ? "Sending…" : count > 1 ? `Generate ${count}` : "Generate"}
          </button>
        </div>
      </div>
      {refusal && (
        <p class="ip-note ip-note-bad" role="alert" data-testid="refusal">
          <Icon name="alert" />
          <span>
            <strong>{refusal.message}</strong> {refusal.nextStep}
          </span>
        </p>
      )}
    </form>
  );
}

function estimateOf(state: State): string {
  const { models, config, maxCount } = state;
  const size = sizeOf(state)?.current ?? null;
  return estimateText(modelOf(models, config.model), Math.min(config.count, maxCount), size);
}

const EXAMPLES = [
  "A red fox asleep in fresh snow, soft morning light",
  "A lighthouse on a cliff above a stormy sea at dusk",
  "A paper-cut city of warm windows under a violet night",
] as const;

function NewTopic() {
  const notice = useStore((state) => modelOf(state.models, state.config.model)?.notice ?? "");
  const actions = useActions();
  return (
    <div class="ip-empty">
      <span class="ip-empty-mark">
        <Icon name="images" size={28} />
      </span>
      <h3>Describe a picture…</h3>
      <p>Each topic keeps its pictures, prompts and settings together.</p>
      <ul class="ip-examples">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button type="button" class="ip-chip" onClick={() => actions.setPrompt(example)}>
              {example}
            </button>
          </li>
        ))}
      </ul>
      {notice && (
        <p class="ip-note">
          <Icon name="notice" />
          <span>{notice}</span>
        </p>
      )}
    </div>
  );
}

function TopicFeed({ topicId, onOpen }: WorkspaceProps & { topicId: string }) {
  const feed = useStore((state) => state.feeds[topicId]);
  const actions = useActions();
  const live = useStore((state) => state.live);
  const made = useStore((state) => state.madeBatchId);
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (made) list.current?.scrollTo({ top: 0 });
  }, [made]);
  const missing = !feed?.loaded;
  useEffect(() => {
    if (missing && live) void actions.loadFeed(topicId);
  }, [missing, live, topicId, actions]);
  const batches = feed?.batches ?? [];
  return (
    <div ref={list} class="ip-feed">
      {batches.length === 0 && feed?.loaded && (
        <p class="ip-feed-empty">This topic is empty. What you generate now comes here.</p>
      )}
      <ul class="ip-batches" aria-label="Batches">
        {batches.map((batch) => (
          <BatchCard key={batch.id} batch={batch} onOpen={onOpen} />
        ))}
      </ul>
      {feed?.before && <More key={feed.before} topicId={topicId} />}
    </div>
  );
}

/** The end of what is loaded: coming near it loads the next page. */
function More({ topicId }: { topicId: string }) {
  const mark = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  const live = useStore((state) => state.live);
  const actions = useActions();
  useEffect(() => {
    if (!mark.current) return undefined;
    const observer = new IntersectionObserver(([entry]) => setNear(entry?.isIntersecting ?? false), {
      rootMargin: "600px",
    });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (near && live) void actions.loadMore(topicId);
  }, [near, live, topicId, actions]);
  return (
    <div ref={mark} class="ip-more" role="status">
      <Icon name="spinner" /> Loading older pictures…
    </div>
  );
}
