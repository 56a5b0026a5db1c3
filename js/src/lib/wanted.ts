// Asks for things that are on screen, a few at a time; what left the screen before its turn is not asked for.

export const MAX_ASKED = 24;
/** Tiles come on screen in groups; so long a group is gathered, in milliseconds. */
export const GATHER = 30;

export class Wanted {
  readonly #ids = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #closed = false;

  /** @param ask fetches the things; those it could not get are wanted again when they come on screen */
  constructor(readonly ask: (ids: string[]) => Promise<void>) {}

  /** Wants a thing until the returned function is called. */
  want(id: string): () => void {
    this.#ids.set(id, (this.#ids.get(id) ?? 0) + 1);
    this.#schedule();
    return () => {
      const count = (this.#ids.get(id) ?? 0) - 1;
      if (count > 0) this.#ids.set(id, count);
      else this.#ids.delete(id);
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#ids.clear();
  }

  #schedule(): void {
    if (this.#closed || this.#asking) return;
    this.#timer ??= setTimeout(() => void this.#flush(), GATHER);
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    const ids = [...this.#ids.keys()].slice(0, MAX_ASKED);
    if (ids.length === 0) return;
    for (const id of ids) this.#ids.delete(id);
    this.#asking = true;
    try {
      await this.ask(ids);
    } catch {
      // The tile keeps its skeleton; coming on screen again asks again.
    } finally {
      this.#asking = false;
      if (this.#ids.size > 0) this.#schedule();
    }
  }
}
