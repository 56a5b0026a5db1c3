// What narrows the feed: words, model, status, stars; here or in all topics.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { t } from "../messages/tools";
import type { GenerationState } from "../protocol.gen";
import { isFiltering } from "../slices/filter";
import { useActions, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { IconButton } from "./parts";

const STATUSES = ["success", "processing", "pending", "error", "cancelled"] as const;

export function FilterFields() {
  const filter = useStore((state) => state.filter);
  const here = useStore((state) => state.activeTopicId !== null);
  const filtering = useStore(isFiltering);
  const live = useStore((state) => state.live);
  const usable = useStore((state) => state.usable);
  const models = useModels();
  const topicId = useStore((state) => state.activeTopicId);
  const made = useStore((state) => state.madeBatchId);
  const actions = useActions();
  useEffect(() => {
    if (live) void actions.loadUsedModels();
  }, [live, topicId, made, filter.everywhere]);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    focusOn(field.current);
    // On the screen of a new topic there is nothing else to look through.
    if (!here) actions.setFilter({ everywhere: true });
  }, []);
  return (
    <search
      class="ip-filter"
      aria-label={t.filter.open}
      inert={!usable}
      data-testid="filter"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        const feed = event.currentTarget
          .closest("[data-testid=workspace]")
          ?.querySelector<HTMLElement>("[data-testid=feed]");
        actions.clearFilter();
        focusOn(feed);
      }}
    >
      <label class="ip-filter-words">
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          value={filter.search}
          placeholder={t.filter.search}
          aria-label={t.filter.search}
          maxLength={500}
          data-testid="filter-search"
          onInput={(event) => actions.setFilter({ search: event.currentTarget.value })}
        />
      </label>
      <select
        class="ip-input ip-select"
        aria-label={t.filter.model}
        data-set={filter.model !== null}
        data-testid="filter-model"
        value={filter.model ?? ""}
        onChange={(event) => actions.setFilter({ model: event.currentTarget.value || null })}
      >
        <option value="">{t.filter.anyModel}</option>
        {models.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
      <select
        class="ip-input ip-select"
        aria-label={t.filter.status}
        data-set={filter.status !== null}
        data-testid="filter-status"
        value={filter.status ?? ""}
        onChange={(event) =>
          actions.setFilter({
            status: (event.currentTarget.value || null) as GenerationState["status"] | null,
          })
        }
      >
        <option value="">{t.filter.anyStatus}</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {t.filter.statuses[status]}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="ip-button ip-toggle"
        aria-pressed={filter.starred}
        data-testid="filter-starred"
        onClick={() => actions.setFilter({ starred: !filter.starred })}
      >
        <Icon name="star" size={14} /> {t.filter.starred}
      </button>
      <button
        type="button"
        class="ip-button ip-toggle"
        aria-pressed={filter.everywhere}
        disabled={!here}
        data-testid="filter-everywhere"
        onClick={() => actions.setFilter({ everywhere: !filter.everywhere })}
      >
        <Icon name="images" size={14} /> {t.filter.everywhere}
      </button>
      <IconButton
        icon="close"
        label={filtering ? t.filter.clear : t.filter.close}
        testid="filter-close"
        onClick={() => actions.clearFilter()}
      />
    </search>
  );
}

/** Return the models that were used where the filter looks, with their titles; the chosen one is among them. */
function useModels(): [string, string][] {
  const { store } = usePage();
  const used = useStore((state) => state.usedModels);
  const { batches, filter, models } = store.getState();
  const known = new Map(Object.values(batches).map(({ model, modelTitle }) => [model, modelTitle]));
  const names = new Set(filter.model === null ? used : [...used, filter.model]);
  const title = (name: string): string =>
    models.find((model) => model.name === name)?.title ?? known.get(name) ?? name;
  return [...names]
    .map((name): [string, string] => [name, title(name)])
    .sort(([, a], [, b]) => a.localeCompare(b));
}

/** The filter finds nothing: what it looks for, each part to be dropped, and what else may be tried. */
export function NothingFound() {
  const filter = useStore((state) => state.filter);
  const model = useStore((state) => state.models.find(({ name }) => name === filter.model)?.title);
  const here = useStore((state) => state.activeTopicId !== null);
  const actions = useActions();
  const words = filter.search.trim().split(/\s+/).filter(Boolean);
  return (
    <div class="ip-nothing" data-testid="nothing-found">
      <Icon name="search" size={24} />
      <h3>{t.filter.nothing}</h3>
      <ul class="ip-chips">
        {words.map((word, index) => (
          <Chip
            key={index}
            text={word}
            onDrop={() =>
              actions.setFilter({ search: words.filter((_, other) => other !== index).join(" ") })
            }
          />
        ))}
        {filter.model && (
          <Chip text={model ?? filter.model} onDrop={() => actions.setFilter({ model: null })} />
        )}
        {filter.status && (
          <Chip text={t.filter.statuses[filter.status]} onDrop={() => actions.setFilter({ status: null })} />
        )}
        {filter.starred && (
          <Chip text={t.filter.starred} onDrop={() => actions.setFilter({ starred: false })} />
        )}
      </ul>
      <div>
        {words.length > 1 && <p>{t.filter.hintWords}</p>}
        {filter.starred && <p>{t.filter.hintStarred}</p>}
        {!filter.everywhere && <p>{t.filter.hintHere}</p>}
      </div>
      <div class="ip-nothing-next">
        {here && !filter.everywhere && (
          <button
            type="button"
            class="ip-button"
            data-testid="look-everywhere"
            onClick={() => actions.setFilter({ everywhere: true })}
          >
            {t.filter.lookEverywhere}
          </button>
        )}
        <button type="button" class="ip-button" onClick={() => actions.clearFilter()}>
          {t.filter.clear}
        </button>
      </div>
    </div>
  );
}

function Chip({ text, onDrop }: { text: string; onDrop(): void }) {
  return (
    <li>
      <button type="button" class="ip-chip" aria-label={t.filter.drop(text)} onClick={onDrop}>
        {text} <Icon name="close" size={12} />
      </button>
    </li>
  );
}
