// How fast a list is scrolled: a row that nobody can look at need not be drawn. Pure: places and times.

/** At this speed the user sees only that rows pass by, in pixels a millisecond: ten screens a second. */
const RUSH = 8;
/** The shortest time to measure over, in milliseconds: a single frame may come late, and the next one early. */
const SPAN = 40;
/** Milliseconds after the last step until the list is at rest. */
export const SETTLE = 90;

export class Pace {
  #steps: { place: number; at: number }[] = [];
  #rushing = false;

  get rushing(): boolean {
    return this.#rushing;
  }

  /**
   * Note a step. Return whether the list rushes by; once it does, it rushes until `rest` is called.
   * @param place the place that the list is scrolled to, in pixels
   * @param at the time of the step, in milliseconds
   */
  rushes(place: number, at: number): boolean {
    const last = this.#steps.at(-1);
    // A single jump from rest is not a rush: the user will look at the rows that it shows.
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
