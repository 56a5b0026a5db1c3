// What makes the page's files small: short names, a second minifier, and packing.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { minify } from "terser";
import { ownNames } from "./own-names.mjs";

const NAME = /(?<![\w-])(?:--)?ip-[a-z]+(?:-[a-z]+)*(?![\w-])/g;
// A name that is put together when the page runs would stay long, while its style rule gets a short name.
const BUILT = /(?<![\w-])ip-[a-z-]*(?:\$\{|["'`]\s*\+|-["'`\s])/;

/** Return the texts with short names of classes and variables, the same ones in all of them. */
export function shorten(texts) {
  const counts = new Map();
  for (const text of texts) {
    const built = BUILT.exec(text);
    if (built) throw new Error(`A class must be written whole to be shortened: ${built[0]}`);
    for (const [name] of text.matchAll(NAME)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const byUse = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name]) => name);
  const short = new Map(
    byUse.map((name, index) => [name, `${name.startsWith("--") ? "--" : ""}i${index.toString(36)}`]),
  );
  return texts.map((text) => text.replace(NAME, (name) => short.get(name)));
}

/**
 * Return the scripts as a second minifier shortens them, with quotes that JSON need not escape. Names of our own
 * properties are shortened, the same in all scripts.
 */
export async function smaller(scripts) {
  const regex = new RegExp(`^(?:${[...(await ownNames())].join("|")})$`);
  const options = { module: true, ecma: 2020, format: { quote_style: 1 } };
  const nameCache = {};
  // One look at all of them together: a short name must be free in each.
  const together = Object.fromEntries(scripts.map((script, index) => [`${index}.js`, script]));
  await minify(together, { ...options, compress: false, mangle: { properties: { regex } }, nameCache });
  const done = [];
  for (const script of scripts) {
    const cache = { props: structuredClone(nameCache.props) };
    const { code } = await minify(script, {
      ...options,
      compress: { passes: 2 },
      mangle: { properties: { regex } },
      nameCache: cache,
    });
    done.push(code);
  }
  return done;
}

// Printable signs that a notebook writes as they are. "<" is left out, because HTML could read it as the begin of a
// tag.
const FIRST = 32;
const SKIPPED = ['"', "'", "<", "\\"].map((sign) => sign.charCodeAt(0));
const SIGNS = Array.from({ length: 127 - FIRST }, (_, index) => index + FIRST)
  .filter((code) => !SKIPPED.includes(code))
  .map((code) => String.fromCharCode(code));
/** Two of 91 signs hold 13 bits: an eighth less than base64, where three hold 16. */
const BITS = 13;

/** Return bytes as text of 91 signs. */
function written(bytes) {
  let text = "";
  let held = 0;
  let count = 0;
  const write = () => {
    const value = held & ((1 << BITS) - 1);
    text += SIGNS[value % SIGNS.length] + SIGNS[Math.floor(value / SIGNS.length)];
    held >>>= BITS;
    count -= BITS;
  };
  for (const byte of bytes) {
    held |= byte << count;
    count += 8;
    if (count >= BITS) write();
  }
  if (count > 0) write();
  return text;
}

/**
 * Return a module that unpacks the script and exports what it exports. The module is less than half as long, in
 * each notebook and on each way to a page. The script is loaded by a blob's address, as anywidget loads the module
 * itself.
 */
export async function packed(script) {
  // A 25th less than zlib makes of it. Loaded here: once loaded, it prints itself with each error of the build.
  const { default: zopfli } = await import("@gfx/zopfli");
  const bytes = await promisify(zopfli.deflate)(Buffer.from(script), { numiterations: 15 });
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const skipped = SKIPPED.map((code) => `(c>${code})`).join("-");
  return [
    // One address for each model of a page: the browser never frees a module, so all models share the core.
    `export default(await(globalThis['imgplay ${digest}']??=(async()=>{`,
    `const t='${written(bytes)}',b=new Uint8Array(${bytes.length}),`,
    `g=i=>{const c=t.charCodeAt(i);return c-${FIRST}-${skipped}};`,
    `for(let i=0,h=0,n=0,k=0;k<b.length;){h|=g(i++)+${SIGNS.length}*g(i++)<<n;n+=${BITS};`,
    "for(;n>7&&k<b.length;n-=8,h>>>=8)b[k++]=h}",
    "const s=new Blob([b]).stream().pipeThrough(new DecompressionStream('deflate-raw')),",
    "u=URL.createObjectURL(new Blob([await new Response(s).text()],{type:'text/javascript'})),",
    "m=await import(u);URL.revokeObjectURL(u);return m})())).default",
  ].join("");
}
