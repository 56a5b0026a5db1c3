// The texts of the page, in the language that is shown. Only this file imports the texts of a language.
import { en, type Messages } from "./en";
import { zh } from "./zh";

/** The languages of the page, as `lang` names them. */
export type Language = "en" | "zh";

/** The language that is shown. */
export let language: Language = "en";
/** The texts of the language that is shown. Read `t` when drawing: `speak` sets it before the first drawing. */
export let t: Messages = en;

/** Show the page in a language, with the given texts. */
export function speak(wanted: Language, texts = wanted === "zh" ? zh : en): void {
  language = wanted;
  t = texts;
}

/**
 * Return the language of the page that suits the host: Chinese where the host's language is Chinese, else English.
 * The document names the host's language (JupyterLab sets it); where it does not, the browser does.
 */
export function hostLanguage(): Language {
  const tag = document.documentElement.lang || navigator.language;
  return /^zh(?![a-z])/i.test(tag) ? "zh" : "en";
}
