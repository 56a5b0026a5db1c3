// What the feed is narrowed to: words of the prompt, a model, a status, stars, a tag, a score, here or in all topics;
// and the score by which it is sorted.
import type { BatchState, Feed as FeedCall, FeedOrder, GenerationState, WantedScore } from "../protocol.gen";
import type { Slice, State } from "./state";

export interface Filter {
  search: string;
  model: string | null;
  status: GenerationState["status"] | null;
  starred: boolean;
  tag: string | null;
  score: WantedScore | null;
  sort: FeedOrder | null;
  /** All topics, not the one that is shown. */
  everywhere: boolean;
}

export interface FilterSlice {
  filter: Filter;
  /** The bar is open. */
  filterShown: boolean;
  /** The names of the models that were used where the filter searches. */
  usedModels: string[];
  /** The scores and tags of the images where the filter searches. */
  usedLabels: { scores: string[]; tags: string[] };

  /** Change the filter. While words are being typed, the search waits for a pause. */
  setFilter(patch: Partial<Filter>): void;
  showFilter(shown: boolean): void;
  clearFilter(): void;
}

/** The key of the feed that the filter finds. */
export const FOUND = "found";
export const SEARCH_DELAY = 250;
/** The question for all batches of a feed, in the order of time. */
export const UNFILTERED = {
  search: "",
  model: null,
  status: null,
  starred: false,
  tag: null,
  scores: [] as WantedScore[],
  sort: null,
} satisfies Partial<FeedCall>;
export const NO_FILTER: Filter = {
  search: "",
  model: null,
  status: null,
  starred: false,
  tag: null,
  score: null,
  sort: null,
  everywhere: false,
};

export const createFilterSlice: Slice<FilterSlice> = (set, get) => {
  let timer: ReturnType<typeof setTimeout> | undefined;

  return {
    filter: NO_FILTER,
    filterShown: false,
    usedModels: [],
    usedLabels: { scores: [], tags: [] },

    setFilter: (patch) => {
      const typed = Object.keys(patch).every((key) => key === "search");
      const words = (text: string): string => text.trim();
      const same = typed && words(patch.search ?? "") === words(get().filter.search);
      set((state) => ({ filter: { ...state.filter, ...patch } }));
      // The search for these words still waits, or is on its way already.
      if (same) return;
      clearTimeout(timer);
      if (!isFiltering(get()) || !get().live || get().gallery) return;
      if (typed) timer = setTimeout(() => void get().loadFeed(FOUND), SEARCH_DELAY);
      else void get().loadFeed(FOUND);
    },
    showFilter: (filterShown) => {
      if (filterShown) set({ filterShown });
      else get().clearFilter();
    },
    clearFilter: () => {
      clearTimeout(timer);
      set((state) => {
        const { [FOUND]: _, ...feeds } = state.feeds;
        return { filter: NO_FILTER, filterShown: false, feeds };
      });
    },
  };
};

/** Return whether the feed is narrowed, or widened to all topics. */
export function isFiltering({ filter }: Pick<State, "filter">): boolean {
  const { search, ...others } = filter;
  return search.trim() !== "" || Object.values(others).some((part) => part !== null && part !== false);
}

/** Return whether the filter finds a batch, by the same rules as the kernel. */
export function matches(
  { filter, activeTopicId }: Pick<State, "filter" | "activeTopicId">,
  batch: BatchState,
): boolean {
  const { search, model, status, starred, tag, score, everywhere } = filter;
  const prompt = batch.prompt.toLowerCase();
  return (
    (everywhere || batch.topicId === activeTopicId) &&
    (model === null || batch.model === model) &&
    (status === null || batch.generations.some((generation) => generation.status === status)) &&
    (!starred || batch.generations.some((generation) => generation.starred)) &&
    (tag === null || batch.generations.some(({ tags }) => tags.includes(tag))) &&
    (score === null || batch.generations.some(({ scores }) => isIn(score, scores[score.name]))) &&
    search
      .toLowerCase()
      .split(/\s+/)
      .every((word) => prompt.includes(word))
  );
}

/** Return whether a score is in a range. */
function isIn({ atLeast, atMost }: WantedScore, value: number | undefined): boolean {
  return value !== undefined && value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
}
