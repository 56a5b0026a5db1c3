// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SETTLE } from "../src/lib/pace";
import { useRows } from "../src/views/use-rows";

const KEYS = Array.from({ length: 500 }, (_, index) => `row ${index}`);
const estimate = () => 100;

function List() {
  const { scroller, rows } = useRows(KEYS, estimate);
  return (
    <div ref={scroller}>
      {rows.map(({ key, passing }) => (
        <p key={key} data-passing={passing} />
      ))}
    </div>
  );
}

let list: HTMLElement;
const passing = () => [...list.querySelectorAll("p")].map((row) => row.dataset.passing === "true");

/** Scroll by so many pixels in each of the frames. */
async function scroll(step: number, frames: number): Promise<void> {
  for (let frame = 0; frame < frames; frame++) {
    await vi.advanceTimersByTimeAsync(16);
    list.scrollTop += step;
    const event = new Event("scroll");
    Object.defineProperty(event, "timeStamp", { value: Date.now() });
    list.dispatchEvent(event);
    await vi.advanceTimersByTimeAsync(0);
  }
}

beforeEach(async () => {
  vi.useFakeTimers();
  render(<List />, document.body);
  list = document.body.firstElementChild as HTMLElement;
  Object.defineProperty(list, "clientHeight", { value: 600 });
  await scroll(1, 1);
});
afterEach(() => {
  render(null, document.body);
  vi.useRealTimers();
});

it("draws rows whole at the pace of a wheel", async () => {
  await scroll(60, 30);
  expect(passing().length).toBeGreaterThan(6);
  expect(passing()).not.toContain(true);
});

it("draws only the places of rows that rush by, and the rows when it rests", async () => {
  await scroll(400, 30);
  expect(passing().length).toBeGreaterThan(6);
  expect(passing()).not.toContain(false);
  await vi.advanceTimersByTimeAsync(SETTLE + 1);
  expect(passing().length).toBeGreaterThan(6);
  expect(passing()).not.toContain(true);
});

it("keeps a row that is drawn, however it is scrolled", async () => {
  await scroll(60, 5);
  const before = list.querySelector("p");
  await scroll(-60, 2);
  expect(list.contains(before)).toBe(true);
  expect(passing()).not.toContain(true);
});
