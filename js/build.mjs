// Builds the page into the Python package: static/index.js, which holds its style sheet too.
// --watch builds again on each change; --dev builds the page of dev/ (without Jupyter) into dev/dist.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { build, context } from "esbuild";
import { minify } from "terser";
import { ownNames } from "./own-names.mjs";

const MAX_BYTES = 150 * 1024;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const flags = new Set(process.argv.slice(2));

const shared = {
  bundle: true,
  // Chinese as it is: escapes would take twice the room.
  charset: "utf8",
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
  // The first ones with whole CSS nesting: for older ones each rule would carry the root's name.
  target: ["es2022", "chrome120", "firefox117", "safari17.2"],
};
/** Stands in the script where the style sheet will be. */
const STYLES = "@styles@";
const page = {
  ...shared,
  entryPoints: [
    { in: here("src/index.ts"), out: "index" },
    { in: here("src/styles/index.css"), out: "index" },
  ],
  outdir: here("../src/imgplay_widget/static"),
  write: false,
  define: { STYLES: JSON.stringify(STYLES) },
  plugins: [{ name: "finish", setup: ({ onEnd }) => onEnd(finish) }],
};
const dev = {
  ...shared,
  minify: false,
  define: { STYLES: '""' },
  sourcemap: "inline",
  entryPoints: [
    { in: here("dev/mock-host.ts"), out: "dev" },
    { in: here("src/styles/index.css"), out: "dev" },
  ],
  outdir: here("dev/dist"),
};

// ---- The bundle is saved with each notebook: what esbuild leaves is made shorter.

const NAME = /(?<![\w-])(?:--)?ip-[a-z]+(?:-[a-z]+)*(?![\w-])/g;
// A name that is put together when the page runs would keep its length, and its rule would not.
const BUILT = /(?<![\w-])ip-[a-z-]*(?:\$\{|["'`]\s*\+|-["'`\s])/;

/** Gives the texts with short names, the same ones in all of them. */
function shorten(texts) {
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

/** Gives the script with what a second minifier still finds, and quotes that JSON need not escape. */
async function smaller(script) {
  const { code } = await minify(script, {
    module: true,
    ecma: 2020,
    compress: { passes: 2 },
    mangle: { properties: { regex: new RegExp(`^(?:${[...(await ownNames())].join("|")})$`) } },
    format: { quote_style: 1 },
  });
  return code;
}

/**
 * Gives a module that unpacks the script and is it: less than half as long, in each notebook that saves it and
 * on each way to a page. It is loaded by a blob's address, as anywidget loads the module itself.
 */
function packed(script) {
  const text = deflateRawSync(script, { level: 9 }).toString("base64");
  return [
    `const p=Uint8Array.from(atob('${text}'),c=>c.charCodeAt(0)),`,
    "s=new Blob([p]).stream().pipeThrough(new DecompressionStream('deflate-raw')),",
    "u=URL.createObjectURL(new Blob([await new Response(s).text()],{type:'text/javascript'})),",
    "m=await import(u);URL.revokeObjectURL(u);export default m.default",
  ].join("");
}

async function finish({ outputFiles }) {
  if (!outputFiles) return;
  await mkdir(page.outdir, { recursive: true });
  const [script, style] = shorten(
    [".js", ".css"].map((end) => outputFiles.find(({ path }) => path.endsWith(end)).text),
  );
  const whole = await smaller(script.replace(JSON.stringify(STYLES), () => JSON.stringify(style.trim())));
  const bytes = Buffer.from(packed(whole));
  await writeFile(`${page.outdir}/index.js`, bytes);
  const size = (count) => `${(count / 1024).toFixed(1)} KB`;
  const sizes = [whole.length - style.length, style.length].map(size);
  console.log(`index.js ${size(bytes.length)}: packed, of ${sizes[0]} of script and ${sizes[1]} of style`);
  if (bytes.length > MAX_BYTES) {
    console.error(
      `index.js is larger than ${MAX_BYTES / 1024} KB: it travels with every widget and is saved in notebooks.`,
    );
    process.exitCode = 1;
  }
}

const options = flags.has("--dev") ? dev : page;
if (flags.has("--watch")) await (await context(options)).watch();
else await build(options);
