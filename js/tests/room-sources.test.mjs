import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

/** Return the lines of the sources in a folder that match. */
function lines(folder, files, wanted) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => files.test(name))
    .flatMap((name) =>
      readFileSync(join(folder, name), "utf8")
        .split("\n")
        .filter((line) => wanted.test(line))
        .map((line) => `${name}: ${line.trim()}`),
    );
}

it("moves the focus and scrolls by the functions that leave a host in its place", () => {
  expect(
    lines(
      "src",
      /^(?!lib.focus).*\.tsx?$/,
      /(?<!window)\.focus\((?!\{ preventScroll: true \})|scrollIntoView\(/,
    ),
  ).toEqual([]);
});

it("takes sizes and places from the room, and not from a window that the user may not see", () => {
  const sizes = lines("src/styles", /\.css$/, /\d[dsl]?v[hw]\b/);
  expect(sizes.filter((line) => !/ --ip-(w|h|height): |var\(--ip-[xy]\)/.test(line))).toEqual([]);
  expect(lines("src", /\.tsx?$/, /innerHeight/).filter((line) => !/^lib.(room|place)/.test(line))).toEqual(
    [],
  );
});
