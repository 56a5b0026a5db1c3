// Every text of the page, in English and in Chinese. `t` is the one of the host's language.
// What the kernel says (errors, the help of parameters) comes as it is.

const en = {
  notice: {
    undo: "Undo",
    dismiss: "Dismiss",
  },
};

/** The texts; a language has all of them. */
export type Messages = typeof en;

const zh: Messages = {
  notice: {
    undo: "撤销",
    dismiss: "关闭",
  },
};

/** The texts of the language that is shown. */
export let t: Messages = en;

/** Shows the page in the host's language: that of the document, else the browser's, else English. */
export function speak(language: string): void {
  t = language.toLowerCase().startsWith("zh") ? zh : en;
}
