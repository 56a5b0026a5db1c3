import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

it("fails where the core is larger than the limit", { timeout: 180_000 }, () => {
  const out = mkdtempSync(join(tmpdir(), "imgplay-build-"));
  const arguments_ = ["build.mjs", `--out=${out}`, "--most=1000"];
  const { status, stderr } = spawnSync("node", arguments_, { encoding: "utf8" });
  rmSync(out, { recursive: true });
  expect([status, stderr]).toEqual([1, expect.stringContaining("index.js is larger than 1.0 kB")]);
});
