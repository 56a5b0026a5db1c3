import { afterEach, expect, it } from "vitest";
import { ownNames } from "../own-names.mjs";
import { speak, t } from "../src/messages";
import "../src/messages/tools";
import { zh } from "../src/messages/zh";

afterEach(() => speak("en"));

it("keep the names by which the kernel's things are found among the texts", async () => {
  const own = await ownNames();
  // A name that only our code uses is shortened.
  expect(own).toContain("moveBatches");
  for (const language of ["en", "zh"]) {
    speak(language, language === "zh" ? zh : undefined);
    const { choices, titles, helps } = t.parameter;
    const keys = [choices, titles, helps, t.errors.own, t.filter.statuses].flatMap(Object.keys);
    expect(keys.filter((key) => own.has(key))).toEqual([]);
  }
});

it("keep what the studio and the extension of JupyterLab call each other", async () => {
  const own = await ownNames();
  for (const name of [
    "imgplayLab",
    "openTab",
    "insertCode",
    "insertPicture",
    "drag",
    "alt",
    "picture",
    "code",
  ])
    expect(own).not.toContain(name);
});
