// Several prompts written as one: `a {red|blue} fox`. The kernel does the same in `_rules/variants.py`. Pure.

const MARK = /\\[{}]|[{}|]/g;

/**
 * Return the prompts that a pattern stands for, the last choice changing first. Braces without a bar, braces in
 * braces and unclosed braces stay as they are; `\{` and `\}` are plain braces. Call `countVariants` first: there
 * may be more than any page can hold.
 */
export function variants(prompt: string): string[] {
  return piecesOf(prompt).reduce<string[]>(
    (begun, texts) => begun.flatMap((beginning) => texts.map((text) => beginning + text)),
    [""],
  );
}

/** Return how many prompts a pattern stands for. A pattern without choices stands for one prompt. */
export function countVariants(prompt: string): number {
  return piecesOf(prompt).reduce((count, texts) => count * texts.length, 1);
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
  const found: string[][] = [];
  let done = 0;
  for (let at = 0; at < marks.length; at++) {
    const end = ends.get(at);
    if (end === undefined) continue;
    const bars = marks.slice(at + 1, end);
    if (bars.length > 0 && bars.every(([sign]) => sign === "|")) {
      const [first = 0, ...cuts] = marks.slice(at, end + 1).map(({ index }) => index);
      found.push([prompt.slice(done, first)]);
      done = first + 1;
      const texts: string[] = [];
      for (const cut of cuts) {
        texts.push(prompt.slice(done, cut));
        done = cut + 1;
      }
      found.push(texts);
    }
    // Braces that contain other braces stay as they are.
    at = end;
  }
  found.push([prompt.slice(done)]);
  return found.map((texts) => [...new Set(texts.map((text) => text.replace(/\\([{}])/g, "$1")))]);
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
