// Where the rows of a long list stand, and which of them are near the screen. Pure: keys and numbers.

/** A place in the list that stays the same when rows above it come, go or change their height. */
export interface Anchor {
  key: string;
  /** Pixels below the row's top. */
  within: number;
}

export class Rows {
  #keys: readonly string[] = [];
  /** The top of each row, and as the last entry the end of the list. */
  #tops: number[] = [0];
  readonly #indexes = new Map<string, number>();
  readonly #heights = new Map<string, number>();
  #estimate: (key: string) => number = () => 0;

  get total(): number {
    return this.#tops.at(-1) ?? 0;
  }

  /** Set the rows in their order. `estimate` returns the height of a row that was not measured. */
  show(keys: readonly string[], estimate: (key: string) => number): void {
    this.#keys = keys;
    this.#estimate = estimate;
    this.#indexes.clear();
    for (const [index, key] of keys.entries()) this.#indexes.set(key, index);
    this.#lay();
  }

  /** Take in measured heights. Return whether any row moved. */
  measure(heights: Iterable<readonly [string, number]>): boolean {
    let changed = false;
    for (const [key, height] of heights) {
      if (!this.#indexes.has(key) || Math.abs(this.heightOf(key) - height) < 0.5) continue;
      this.#heights.set(key, height);
      changed = true;
    }
    if (changed) this.#lay();
    return changed;
  }

  /** Forget the heights of all rows but these: the width changed, and only rows on the page are measured again. */
  keep(mounted: ReadonlySet<string>): void {
    for (const key of this.#heights.keys()) if (!mounted.has(key)) this.#heights.delete(key);
    this.#lay();
  }

  heightOf(key: string): number {
    return this.#heights.get(key) ?? this.#estimate(key);
  }

  topOf(index: number): number {
    return this.#tops[index] ?? 0;
  }

  indexOf(key: string): number {
    return this.#indexes.get(key) ?? -1;
  }

  /** Return the row that covers an offset. */
  at(offset: number): number {
    let low = 0;
    let high = this.#keys.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.topOf(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return Math.max(low, 0);
  }

  /** Return whether a row lies, in part at least, between two offsets. */
  meets(key: string, from: number, to: number): boolean {
    const top = this.topOf(this.indexOf(key));
    return top < to && top + this.heightOf(key) > from;
  }

  anchorAt(offset: number): Anchor | null {
    const index = this.at(offset);
    const key = this.#keys[index];
    return key === undefined ? null : { key, within: offset - this.topOf(index) };
  }

  /** Return the offset of an anchor now; null if its row is gone. */
  offsetOf({ key, within }: Anchor): number | null {
    const index = this.indexOf(key);
    return index < 0 ? null : this.topOf(index) + within;
  }

  #lay(): void {
    const tops = [0];
    let top = 0;
    for (const key of this.#keys) {
      top += this.heightOf(key);
      tops.push(top);
    }
    this.#tops = tops;
  }
}
