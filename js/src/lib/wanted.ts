// Asks for things that are on screen, a few at a time; what left the screen before its turn is not asked for.

export const MAX_ASKED = 24;
/** Tiles come on screen in groups; so long a group is gathered, in milliseconds. */
export const GATHER = 30;

export class Wanted {
  /** What is wanted, and by how many. */
  readonly #ids = new Map<string, number>();
  /** Of it, what is not asked for yet, and what was refused. */
  readonly #waiting = new Set<string>();
  readonly #refused = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #closed = false;

  /** @param ask fetches the things; those that it was refused are asked for `again` */
  constructor(readonly ask: (ids: string[]) => Promise<void>) {}

  /** Wants a thing until the returned function is called. */
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

  /** Asks again for what was refused and is still wanted: whoever refused it may be there now. */
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
      // The tile keeps its skeleton.
      for (const id of ids) if (this.#ids.has(id)) this.#refused.add(id);
    } finally {
      this.#asking = false;
      this.#schedule();
    }
  }
}
