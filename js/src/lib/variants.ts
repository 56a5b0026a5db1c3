// Several prompts written as one: `a {red|blue} fox`. The kernel does the same in `_rules/variants.py`. Pure.

const MARK = /\\[{}]|[{}|]/g;
const ESCAPED = /\\([{}])/g;
/** A command of LaTeX. Braces after it hold its argument. */
const WORD = /\\[A-Za-z]+\*?/g;
/**
 * Braces that hold one of these signs are text, because JSON and LaTeX have the signs in their braces. The apostrophe of
 * a word such as "fox's" is no such sign.
 */
const DATA = /[{}":\\]|(^|[^\p{L}\p{N}])'/u;

/**
 * Return the prompts that a pattern stands for, the last choice changing first. A prompt that would be empty is left
 * out. Braces without a bar, braces in braces and unclosed braces stay as they are, and so do those of JSON and LaTeX;
 * `\{` and `\}` are plain braces. Call `countVariants` first: there may be more than any page can hold.
 */
export function variants(prompt: string): string[] {
  const found = piecesOf(prompt).reduce<string[]>(
    (begun, texts) => begun.flatMap((beginning) => texts.map((text) => beginning + text)),
    [""],
  );
  return found.length > 1 ? found.filter((text) => text.trim()) : found;
}

/** Return how many prompts a pattern stands for. A pattern without choices stands for one prompt. */
export function countVariants(prompt: string): number {
  let count = 1;
  let blank = 1;
  for (const texts of piecesOf(prompt)) {
    count *= texts.length;
    blank *= texts.filter((text) => !text.trim()).length;
  }
  return count > 1 ? count - blank : count;
}

/** Return the longest of the prompts. */
export function longestVariant(prompt: string): string {
  const longest = (texts: string[]): string =>
    texts.reduce((found, text) => (lengthOf(text) > lengthOf(found) ? text : found));
  return piecesOf(prompt).map(longest).join("");
}

/** Return the pattern that stands for this prompt alone. */
export function patternOf(prompt: string): string {
  const itself = countVariants(prompt) === 1 && variants(prompt)[0] === prompt;
  return itself ? prompt : prompt.replace(/[{}]/g, "\\$&");
}

/** Return the number of characters as Python and the providers count them. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** Return the pattern in parts: each has the texts to choose from, one or several. */
function piecesOf(prompt: string): string[][] {
  const marks = [...prompt.matchAll(MARK)].filter(([sign]) => sign.length === 1);
  const ends = endsOf(marks.map(([sign]) => sign));
  const words = new Set([...prompt.matchAll(WORD)].map(({ index, 0: word }) => index + word.length));
  const found: string[][] = [];
  let done = 0;
  // Where the last brace ended that is plain text.
  let textEnd = -1;
  for (let at = 0; at < marks.length; at++) {
    const end = ends.get(at);
    const cuts = marks.slice(at, (end ?? at) + 1).map(({ index }) => index);
    const [start = 0] = cuts;
    const last = (cuts.at(-1) ?? 0) + 1;
    const inner = prompt.slice(start + 1, last - 1).replace(ESCAPED, "_");
    const isChoice =
      cuts.length > 2 && !words.has(start) && start !== textEnd && /[^|\s]/.test(inner) && !DATA.test(inner);
    if (isChoice) {
      const texts = cuts.slice(1).map((cut, place) => prompt.slice((cuts[place] ?? 0) + 1, cut));
      found.push([prompt.slice(done, start)], texts);
      done = last;
    } else if (marks[end ?? at]?.[0] === "}") textEnd = last;
    // Braces that contain other braces stay as they are.
    at = end ?? at;
  }
  found.push([prompt.slice(done)]);
  return found.map((texts) => [...new Set(texts.map((text) => text.replace(ESCAPED, "$1")))]);
}

/** Return the index of the closing brace for the index of each opening brace that is closed. */
function endsOf(signs: readonly string[]): Map<number, number> {
  const ends = new Map<number, number>();
  const opened: number[] = [];
  for (const [place, sign] of signs.entries()) {
    if (sign === "{") opened.push(place);
    const start = sign === "}" ? opened.pop() : undefined;
    if (start !== undefined) ends.set(start, place);
  }
  return ends;
}
