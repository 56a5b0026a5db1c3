// The texts of the page, in the language that is shown. English is there from the start; Chinese is a part.
import { en, type Messages } from "./en";

/** The languages of the page, as `lang` names them. */
export type Language = "en" | "zh";

/** The texts of the language that is shown. Read `t` when drawing: `speak` changes it. */
export const t = { ...en };
let shown: Language = "en";
/** All English texts that are loaded. */
const english: Texts = { ...en };

type Texts = Record<string, object>;

/** Return the language that is shown. */
export function language(): Language {
  return shown;
}

/** Show the page in a language, with its texts: those of the parts too, also of parts that load later. */
export function speak(wanted: "zh", texts: Messages): void;
export function speak(wanted: "en"): void;
export function speak(wanted: Language, texts: Texts = english): void {
  shown = wanted;
  // The table stays the same one: parts have it from the core.
  Object.assign(t, texts);
}

/** Add the English texts of a part, and return the texts that are shown with them. */
export function added<Own extends Texts>(own: Own): typeof t & Own {
  for (const [section, texts] of Object.entries(own)) english[section] = { ...english[section], ...texts };
  if (shown === "en") Object.assign(t, english);
  return t as typeof t & Own;
}

/**
 * Return the language of the page that suits the host: Chinese where the host's language is Chinese, else English.
 * The document names the host's language (JupyterLab sets it); where it does not, the browser does.
 */
export function hostLanguage(): Language {
  const tag = document.documentElement.lang || navigator.language;
  return /^zh(?![a-z])/i.test(tag) ? "zh" : "en";
}
