// Builds the page into the Python package: static/index.js, its core with the style sheet in it; static/page.js, the
// same core for the page of a server; and static/parts/, the parts that load when they are needed. The extension of
// JupyterLab goes to jupyter/labextension.
// --watch builds again on each change; --dev builds the page of dev/ (without Jupyter) into dev/dist; --out names
// another folder, and --most another limit in bytes.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, context, transform } from "esbuild";
import { packed, shorten, smaller } from "./smaller.mjs";
import { CORE, icons, PAGE, STYLES, split } from "./split.mjs";

/** The most bytes of the core, which travels with every widget and is saved in notebooks. */
const MAX_BYTES = 90_000;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    watch: { type: "boolean" },
    dev: { type: "boolean" },
    out: { type: "string" },
    most: { type: "string" },
  },
});
const dev = flags.dev ?? false;
const most = Number(flags.most ?? MAX_BYTES);

/** The parts: for each a script of src/parts and, for some, a sheet of src/styles/parts. */
const PARTS = ["gallery", "large", "mask", "picker", "sweep", "tools", "zh"];
const SHEETS = ["gallery", "large", "mask", "picker", "sweep", "tools"];
/** The name of the extension of JupyterLab, and the folder of its files. */
const EXTENSION = "imgplay-widget";
const extension = flags.out ? `${flags.out}/labextension` : here("../jupyter/labextension");
/** Stands in the core where the name of the build will be. */
const BUILD = "@build@";

const options = {
  absWorkingDir: here("."),
  bundle: true,
  minifySyntax: true,
  // Chinese signs stay as they are: escapes would be twice as long.
  charset: "utf8",
  format: "esm",
  // Calls of `h` say the same as those of the automatic runtime in fewer signs.
  tsconfigRaw: { compilerOptions: { jsx: "react", jsxFactory: "h", jsxFragmentFactory: "Fragment" } },
  inject: [here("src/jsx.ts")],
  legalComments: "none",
  logLevel: "warning",
  // The first browsers with complete CSS nesting: for older ones each rule would repeat the root's name.
  target: ["es2022", "chrome120", "firefox117", "safari17.2"],
  entryPoints: [
    { in: here(dev ? "dev/mock-host.ts" : "src/index.ts"), out: CORE },
    ...(dev ? [] : [{ in: here("src/server-page.ts"), out: PAGE }]),
    { in: here("src/parts/shared.ts"), out: "shared" },
    { in: here("src/styles/index.css"), out: CORE },
    ...PARTS.map((name) => ({ in: here(`src/parts/${name}.ts`), out: name })),
    ...SHEETS.map((name) => ({ in: here(`src/styles/parts/${name}.css`), out: name })),
  ],
  outdir: flags.out ?? here(dev ? "dev/dist" : "../src/imgplay_widget/static"),
  write: false,
  metafile: true,
  splitting: true,
  define: { STYLES: JSON.stringify(STYLES), BUILD: JSON.stringify(BUILD) },
  plugins: [icons, { name: "finish", setup: ({ onEnd }) => onEnd(finish) }],
};

async function finish(result) {
  if (result.errors.length > 0) return;
  const { cores, parts } = await split(result, options);
  const names = Object.keys(parts);
  const sheets = await Promise.all([...cores.map(() => CORE), ...names].map((name) => sheet(result, name)));
  let scripts = [...cores, ...names.map((name) => parts[name])];
  if (!dev) scripts = await smaller(shortened(scripts, sheets));
  scripts = scripts.map((script, index) => filled(script, STYLES, sheets[index]));
  // Files of one build belong together: a part of another build would take other things from the core.
  const digest = createHash("sha256").update(scripts.join("\0")).digest("hex").slice(0, 12);
  const done = scripts.map((script) => filled(script, BUILD, digest));
  const [whole, page] = done;
  const rest = done.slice(cores.length);
  const index = Buffer.from(dev ? whole : await packed(whole));
  // Several runs of tests build the page for themselves at once: none takes a file away, or shows half of one.
  if (!dev) await rm(`${options.outdir}/parts`, { recursive: true, force: true });
  await mkdir(`${options.outdir}/parts`, { recursive: true });
  await put(`${options.outdir}/index.js`, index);
  if (!dev) {
    await writeFile(`${options.outdir}/page.js`, page);
    await copyFile(here("src/icon.svg"), `${options.outdir}/icon.svg`);
    await buildExtension(digest);
  }
  for (const [at, name] of names.entries())
    await put(`${options.outdir}/parts/${name}-${digest}.js`, rest[at]);
  if (!dev) report(index, whole, sheets[0], ["page.js", ...names], [page, ...rest]);
}

/** Write a file whole: a reader gets the old one or the new one. */
async function put(path, content) {
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, content);
  await rename(fresh, path);
}

/**
 * Build the extension of JupyterLab. It imports the page of a server by an address with the digest of the page.
 * Browsers keep the extension's own script by its name, so the name holds the digest of the script.
 */
async function buildExtension(page) {
  const { target, charset, legalComments, logLevel } = options;
  const { outputFiles } = await build({
    absWorkingDir: options.absWorkingDir,
    entryPoints: [here("src/lab/index.ts")],
    bundle: true,
    minify: true,
    format: "iife",
    define: { BUILD: JSON.stringify(page) },
    write: false,
    ...{ target, charset, legalComments, logLevel },
  });
  const [{ contents }] = outputFiles;
  const script = `static/remoteEntry.${createHash("sha256").update(contents).digest("hex").slice(0, 20)}.js`;
  const { version, license } = JSON.parse(await readFile(here("package.json"), "utf8"));
  const settings = {
    name: EXTENSION,
    version,
    license,
    description: "A studio for generating images.",
    jupyterlab: { extension: true, _build: { load: script, extension: "./extension" } },
  };
  // JupyterLab's list of extensions tells by this file who can remove the extension.
  const install = {
    packageManager: "python",
    packageName: EXTENSION,
    uninstallInstructions: `Run: pip uninstall ${EXTENSION}`,
  };
  await rm(extension, { recursive: true, force: true });
  await mkdir(`${extension}/static`, { recursive: true });
  await writeFile(`${extension}/${script}`, contents);
  await writeFile(`${extension}/install.json`, JSON.stringify(install));
  // Last: with this file, the extension is complete.
  await writeFile(`${extension}/package.json`, JSON.stringify(settings));
  console.log(`extension of JupyterLab ${size(contents.length)}`);
}

/** Return the scripts with short names, and shorten the names in the sheets too. */
function shortened(scripts, sheets) {
  const texts = shorten([...scripts, ...sheets]);
  sheets.splice(0, sheets.length, ...texts.slice(scripts.length));
  return texts.slice(0, scripts.length);
}

/** Return the style sheet of an entry point, minified; empty where there is none. */
async function sheet({ outputFiles }, name) {
  const found = outputFiles.find(({ path }) => path.endsWith(`/${name}.css`));
  if (!found) return "";
  const { target, charset } = options;
  return (await transform(found.text, { loader: "css", minify: true, target, charset })).code.trim();
}

/** Return a script with a text in the place that a mark keeps for it. */
function filled(script, mark, text) {
  const done = script.replaceAll(new RegExp(`["']${mark}["']`, "g"), () => JSON.stringify(text));
  // The minifier may have joined the mark with another text.
  if (done.includes(mark))
    throw new Error(`A script has ${mark} inside of a text, where nothing fills it in.`);
  return done;
}

function size(count) {
  return `${(count / 1000).toFixed(1)} kB`;
}

function report(index, whole, style, names, parts) {
  const sizes = [whole.length - style.length, style.length].map(size);
  console.log(`index.js ${size(index.length)}: packed, of ${sizes[0]} of script and ${sizes[1]} of style`);
  console.log(names.map((name, at) => `${name} ${size(Buffer.byteLength(parts[at]))}`).join(", "));
  if (index.length <= most) return;
  console.error(
    `index.js is larger than ${size(most)}: it travels with every widget and is saved in notebooks. ` +
      "Move what a click opens into a part (src/parts/).",
  );
  process.exitCode = 1;
}

if (flags.watch) await (await context(options)).watch();
else await build(options);
