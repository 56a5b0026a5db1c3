// What narrows the feed: words, model, status, stars, tags and scores; here or in all topics. And its order.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { t } from "../messages/tools";
import type { GenerationState, WantedScore } from "../protocol.gen";
import { isFiltering } from "../slices/filter";
import { loadUsedLabels, loadUsedModels } from "../slices/used";
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
  const page = usePage();
  const actions = useActions();
  // The gallery has an order of its own, and its own choice of topics.
  const gallery = useStore((state) => state.gallery);
  const { everywhere } = gallery ?? filter;
  useEffect(() => {
    if (!live) return;
    void loadUsedModels(page);
    void loadUsedLabels(page);
  }, [live, topicId, made, everywhere]);
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
      <LabelFields />
      {!gallery && (
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
      )}
      <IconButton
        icon="close"
        label={filtering ? t.filter.clear : t.filter.close}
        testid="filter-close"
        onClick={() => actions.clearFilter()}
      />
    </search>
  );
}

/** The fields for tags and scores, where there are some. */
function LabelFields() {
  const { tag, score, sort } = useStore((state) => state.filter);
  const used = useStore((state) => state.usedLabels);
  const gallery = useStore((state) => state.gallery !== null);
  const { setFilter } = useActions();
  const tags = withChosen(used.tags, tag);
  const scores = withChosen(used.scores, score?.name ?? sort?.name ?? null);
  return (
    <>
      {tags.length > 0 && (
        <select
          class="ip-input ip-select"
          aria-label={t.filter.tag}
          data-set={tag !== null}
          data-testid="filter-tag"
          value={tag ?? ""}
          onChange={(event) => setFilter({ tag: event.currentTarget.value || null })}
        >
          <option value="">{t.filter.anyTag}</option>
          {tags.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      {scores.length > 0 && (
        <>
          <select
            class="ip-input ip-select"
            aria-label={t.filter.score}
            data-set={score !== null}
            data-testid="filter-score"
            value={score?.name ?? ""}
            onChange={({ currentTarget: { value: name } }) =>
              setFilter({ score: name ? { name, atLeast: null, atMost: null } : null })
            }
          >
            <option value="">{t.filter.anyScore}</option>
            {scores.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          {score && (
            <>
              <Limit
                label={t.filter.atLeast(score.name)}
                sign="≥"
                value={score.atLeast}
                testid="filter-at-least"
                onChange={(atLeast) => setFilter({ score: { ...score, atLeast } })}
              />
              <Limit
                label={t.filter.atMost(score.name)}
                sign="≤"
                value={score.atMost}
                testid="filter-at-most"
                onChange={(atMost) => setFilter({ score: { ...score, atMost } })}
              />
            </>
          )}
          {!gallery && (
            <select
              class="ip-input ip-select"
              aria-label={t.filter.sort}
              data-set={sort !== null}
              data-testid="filter-sort"
              value={sort ? `${sort.lowestFirst ? LOWEST : HIGHEST}${sort.name}` : ""}
              onChange={({ currentTarget: { value } }) =>
                setFilter({
                  sort: value ? { name: value.slice(1), lowestFirst: value.startsWith(LOWEST) } : null,
                })
              }
            >
              <option value="">{t.filter.newest}</option>
              {scores.flatMap((name) => [
                <option key={`${HIGHEST}${name}`} value={`${HIGHEST}${name}`}>
                  {t.filter.highest(name)}
                </option>,
                <option key={`${LOWEST}${name}`} value={`${LOWEST}${name}`}>
                  {t.filter.lowest(name)}
                </option>,
              ])}
            </select>
          )}
        </>
      )}
    </>
  );
}

/** Stand before the name of a score in the value of an order. */
const HIGHEST = "-";
const LOWEST = "+";

interface LimitProps {
  label: string;
  sign: string;
  value: number | null;
  testid: string;
  onChange(value: number | null): void;
}

function Limit({ label, sign, value, testid, onChange }: LimitProps) {
  return (
    <input
      class="ip-input ip-limit"
      type="number"
      step="any"
      aria-label={label}
      data-tip={label}
      placeholder={sign}
      value={value ?? ""}
      data-testid={testid}
      onChange={({ currentTarget }) =>
        onChange(Number.isFinite(currentTarget.valueAsNumber) ? currentTarget.valueAsNumber : null)
      }
    />
  );
}

/** Return the names, with the chosen one among them. */
function withChosen(names: readonly string[], chosen: string | null): string[] {
  return chosen === null || names.includes(chosen) ? [...names] : [...names, chosen].sort();
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
  const actions = useActions();
  const gallery = useStore((state) => state.gallery);
  const here = useStore((state) => state.activeTopicId !== null);
  const everywhere = !here || (gallery ?? filter).everywhere;
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
        {filter.tag && <Chip text={filter.tag} onDrop={() => actions.setFilter({ tag: null })} />}
        {filter.score && (
          <Chip text={rangeText(filter.score)} onDrop={() => actions.setFilter({ score: null })} />
        )}
        {filter.starred && (
          <Chip text={t.filter.starred} onDrop={() => actions.setFilter({ starred: false })} />
        )}
      </ul>
      <div>
        {words.length > 1 && <p>{t.filter.hintWords}</p>}
        {filter.starred && <p>{t.filter.hintStarred}</p>}
        {!everywhere && <p>{t.filter.hintHere}</p>}
      </div>
      <div class="ip-nothing-next">
        {!everywhere && (
          <button
            type="button"
            class="ip-button"
            data-testid="look-everywhere"
            onClick={() => (gallery ? gallery.choose : actions.setFilter)({ everywhere: true })}
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

/** Return a range of a score: "clip ≥ 0.3 ≤ 0.5". */
function rangeText({ name, atLeast, atMost }: WantedScore): string {
  const limits = [atLeast === null ? [] : [`≥ ${atLeast}`], atMost === null ? [] : [`≤ ${atMost}`]].flat();
  return [name, ...limits].join(" ");
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
