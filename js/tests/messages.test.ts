// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from "vitest";
import { hostLanguage, language, speak, t } from "../src/messages";

afterEach(() => {
  document.documentElement.removeAttribute("lang");
  speak("en");
});

describe("the language of the page", () => {
  it("is Chinese for every way of writing it, and English else", () => {
    for (const name of ["zh", "zh-CN", "zh_CN", "ZH-Hant"]) {
      speak(name);
      expect(language).toBe("zh");
      expect(t.common.close).toBe("关闭");
    }
    for (const name of ["en", "de-DE", "zha", ""]) {
      speak(name);
      expect(t.common.close).toBe("Close");
    }
  });
  it("is that of the document before that of the browser", () => {
    document.documentElement.lang = "zh-CN";
    expect(hostLanguage()).toBe("zh-CN");
    document.documentElement.removeAttribute("lang");
    expect(hostLanguage()).toBe(navigator.language);
  });
});
