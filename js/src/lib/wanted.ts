// The requests for things on the screen, such as thumbnails, a few at a time. A thing that left the screen before
// its turn is not requested.

export const MAX_ASKED = 24;
/** How long a group of tiles that come on screen together is gathered, in milliseconds. */
export const GATHER = 30;

export class Wanted {
  /** How many callers want each thing. */
  readonly #ids = new Map<string, number>();
  /** The wanted things that were not asked for yet or were refused. */
  readonly #waiting = new Set<string>();
  readonly #refused = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #closed = false;

  /** @param ask fetches things; if it rejects, they count as refused until `again` is called */
  constructor(readonly ask: (ids: string[]) => Promise<void>) {}

  /** Want a thing until the returned function is called. */
  want(id: string): () => void {
    this.#ids.set(id, (this.#ids.get(id) ?? 0) + 1);
    this.#waiting.add(id);
    this.#refused.delete(id);
    this.#schedule();
    return () => {
      const count = (this.#ids.get(id) ?? 0) - 1;
      if (count > 0) {
        this.#ids.set(id, count);
        return;
      }
      for (const known of [this.#ids, this.#waiting, this.#refused]) known.delete(id);
    };
  }

  /** Ask again for the things that were refused and are still wanted: the kernel may be there now. */
  again(): void {
    for (const id of this.#refused) this.#waiting.add(id);
    this.#refused.clear();
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const known of [this.#ids, this.#waiting, this.#refused]) known.clear();
  }

  #schedule(): void {
    if (this.#closed || this.#asking || this.#waiting.size === 0) return;
    this.#timer ??= setTimeout(() => void this.#flush(), GATHER);
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    const ids = [...this.#waiting].slice(0, MAX_ASKED);
    if (ids.length === 0) return;
    for (const id of ids) this.#waiting.delete(id);
    this.#asking = true;
    try {
      await this.ask(ids);
    } catch {
      // The tile keeps showing its skeleton.
      for (const id of ids) if (this.#ids.has(id)) this.#refused.add(id);
    } finally {
      this.#asking = false;
      this.#schedule();
    }
  }
}
