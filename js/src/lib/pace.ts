// How fast a list is scrolled: where nobody can look at a row, it need not be drawn. Pure: places and times.

/** Faster than this one sees only that rows pass, in pixels a millisecond: ten screens a second. */
const RUSH = 8;
/** So long is measured at least: single frames come late, and the next ones early. In milliseconds. */
const SPAN = 40;
/** So long after the last step it is at rest, in milliseconds. */
export const SETTLE = 90;

export class Pace {
  #steps: { place: number; at: number }[] = [];
  #rushing = false;

  get rushing(): boolean {
    return this.#rushing;
  }

  /**
   * Takes a step; gives whether the list rushes by, which it does until it is said to rest.
   * @param place where the list is scrolled to, in pixels
   * @param at the time of it, in milliseconds
   */
  rushes(place: number, at: number): boolean {
    const last = this.#steps.at(-1);
    // One jump from rest is no rush: what it shows will be looked at.
    if (last && at - last.at >= SETTLE) this.#steps = [];
    this.#steps.push({ place, at });
    while (this.#steps[1] && at - this.#steps[1].at >= SPAN) this.#steps.shift();
    const first = this.#steps[0];
    const took = first ? at - first.at : 0;
    if (first && took >= SPAN && Math.abs(place - first.place) / took > RUSH) this.#rushing = true;
    return this.#rushing;
  }

  rest(): void {
    this.#rushing = false;
    this.#steps = [];
  }
}
