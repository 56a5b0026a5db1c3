// What the extension of JupyterLab and Notebook says. It is a script of its own, apart from the other texts of the page.
import type { Language } from ".";

/** Why the panel has no studio to show. */
export type Problem = "missing" | "login" | "offline" | "failed";

interface LabTexts {
  name: string;
  caption: string;
  inBrowser: string;
  inBrowserCaption: string;
  dropPicture: string;
  dropCode: string;
  opening: string;
  again: string;
  /** What is wrong, and the next step. */
  problems: Record<Problem, readonly [string, string]>;
}

export const LAB_TEXTS: Record<Language, LabTexts> = {
  en: {
    name: "Image Playground",
    caption: "Generate images, and see all that you have made",
    inBrowser: "Open Image Playground in Browser Tab",
    inBrowserCaption: "Open the image playground in a tab of the browser",
    dropPicture: "Insert the picture · Alt: code",
    dropCode: "Insert code that opens the image",
    opening: "The studio is opening…",
    again: "Try again",
    problems: {
      missing: [
        "This Jupyter Server does not run the image playground.",
        "Run “jupyter server extension enable imgplay_widget.server” in the environment of the server, and start the server again.",
      ],
      login: [
        "You are no longer logged in to this Jupyter Server.",
        "Log in again, for example by loading this page again. Then try again.",
      ],
      offline: [
        "The Jupyter Server does not answer.",
        "Start the server, or wait until it answers. Then try again.",
      ],
      failed: ["The studio could not be loaded.", "Try again. If it happens again, load this page again."],
    },
  },
  zh: {
    name: "图像工作室",
    caption: "生成图片，查看你的全部作品",
    inBrowser: "在浏览器标签页中打开图像工作室",
    inBrowserCaption: "在浏览器的标签页中打开图像工作室",
    dropPicture: "插入图片 · Alt：代码",
    dropCode: "插入打开图片的代码",
    opening: "正在打开工作室…",
    again: "重试",
    problems: {
      missing: [
        "此 Jupyter 服务器没有运行图像工作室。",
        "请在服务器的环境中运行“jupyter server extension enable imgplay_widget.server”，然后重新启动服务器。",
      ],
      login: ["你已不再登录此 Jupyter 服务器。", "请重新登录，例如重新载入此页面，然后重试。"],
      offline: ["Jupyter 服务器没有应答。", "请启动服务器，或等到服务器应答，然后重试。"],
      failed: ["无法载入工作室。", "请重试；如果仍然出现，请重新载入此页面。"],
    },
  },
};

/** Return the texts for a language of JupyterLab, such as `zh_CN`. */
export function labTexts(tag: string): LabTexts {
  return LAB_TEXTS[/^zh(?![a-z])/i.test(tag) ? "zh" : "en"];
}
