// Lists of ids in the order of a feed, the newest first: the ids sort by time. Pure.

/** Return the ids in the order of a feed. */
export function newestFirst(ids: readonly string[]): string[] {
  return [...ids].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
}

/** Return the ids of both lists, each once, in the order of a feed. */
export function union(old: readonly string[], fresh: readonly string[]): string[] {
  return newestFirst([...new Set([...old, ...fresh])]);
}

/** Return the index of an id in a list in the order of a feed, or -1. */
export function indexIn(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const other = ids[middle] as string;
    if (other === id) return middle;
    if (other > id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
