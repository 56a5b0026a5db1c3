// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { hostLanguage, language, speak, t } from "../src/messages";
import { zh } from "../src/messages/zh";

afterEach(() => {
  document.documentElement.removeAttribute("lang");
  vi.unstubAllGlobals();
  speak("en");
});

describe("the language of the page", () => {
  it("is Chinese for every way of writing it, and English else", () => {
    for (const name of ["zh", "zh-CN", "zh_CN", "ZH-Hant"]) {
      document.documentElement.lang = name;
      expect(hostLanguage()).toBe("zh");
    }
    for (const name of ["en", "de-DE", "zha"]) {
      document.documentElement.lang = name;
      expect(hostLanguage()).toBe("en");
    }
  });
  it("is the browser's where the document names none", () => {
    vi.stubGlobal("navigator", { language: "zh-CN" });
    expect(hostLanguage()).toBe("zh");
    document.documentElement.lang = "en";
    expect(hostLanguage()).toBe("en");
  });
  it("chooses the texts", () => {
    speak("zh", zh);
    expect([language(), t.common.close]).toEqual(["zh", "关闭"]);
    speak("en");
    expect([language(), t.common.close]).toEqual(["en", "Close"]);
  });
});
