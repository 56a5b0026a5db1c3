// Splits the page into its core, which travels with each widget, and parts, which load when they are needed.
import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The names of the entry points that hold the core: the one of widgets, and the one of a server's page. */
export const CORE = "index";
export const PAGE = "page";
/** Stands in a script where its style sheet will be. */
export const STYLES = "@styles@";
/** Marks an import that the core answers. */
const FROM_CORE = "core:";

/**
 * Return the scripts that hold the core, and those of each part. A part is a module whose default export takes the table of what
 * the core shares, and returns what the part exports and its style sheet: modules of the core are not loaded twice.
 *
 * @param outputs what esbuild wrote with `splitting`, unminified, with its `metafile`
 * @param options how the pieces are joined
 */
export async function split({ outputFiles, metafile }, options) {
  const texts = new Map(
    outputFiles.filter(({ path }) => path.endsWith(".js")).map(({ path, text }) => [path, text]),
  );
  const graph = new Map(
    Object.entries(metafile.outputs)
      .filter(([path]) => path.endsWith(".js"))
      .map(([path, output]) => [resolve(options.absWorkingDir, path), output]),
  );
  const entries = [...graph].filter(([, { entryPoint }]) => entryPoint).map(([path]) => path);
  const named = (name) => entries.find((path) => basename(path) === `${name}.js`);
  const core = named(CORE);
  const cores = [core, named(PAGE)].filter(Boolean);
  const shared = named("shared");
  const inCore = reached(core, graph);
  const parts = entries.filter((path) => !cores.includes(path) && path !== shared).sort();

  const wanted = new Map();
  const scripts = {};
  for (const path of parts) {
    const text = await join(texts, path, options, {
      entry: `export * from ${JSON.stringify(path)}`,
      outside: inCore,
    });
    scripts[basename(path, ".js")] = asPart(text, wanted);
  }
  const table = [...wanted].map(([key, { path, name }]) => ({ key, path, name }));
  const imports = table.map(
    ({ key, path, name }) => `import {${name} as ${key}} from ${JSON.stringify(path)}`,
  );
  const whole = (path) => {
    const entry = [
      // An entry point without an export runs.
      `${graph.get(path).exports.includes("default") ? "export {default} from" : "import"} ${JSON.stringify(path)}`,
      `import {shared} from ${JSON.stringify(shared)}`,
      ...imports,
      `Object.assign(shared, {${table.map(({ key }) => key)}})`,
    ].join("\n");
    return join(texts, path, options, { entry, outside: new Set() });
  };
  return { cores: await Promise.all(cores.map(whole)), parts: scripts };
}

/**
 * Resolves each icon to its own file. The package's list of icons imports all of them: through it, the core would hold
 * the icons of the parts.
 */
export const icons = {
  name: "icons",
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/views\/[a-z-]*icons?\.tsx?$/ }, async ({ path }) => {
      const list = fileURLToPath(new URL("../esm/lucide.mjs", import.meta.resolve("lucide")));
      const files = new Map();
      // A line may give one file several names.
      for (const [, names, file] of (await readFile(list, "utf8")).matchAll(
        /^export \{([^}]*)\} from '([^']+)'/gm,
      ))
        for (const [, name] of names.matchAll(/default as (\w+)/g))
          files.set(name, resolve(dirname(list), file));
      const imports = (_, names) =>
        pairs(names)
          .filter(([name]) => !name.startsWith("type "))
          .map(([name]) => `import ${name} from ${JSON.stringify(files.get(name))};`)
          .join("");
      const text = await readFile(path, "utf8");
      return { contents: text.replace(/import \{([^}]*)\} from "lucide";/, imports), loader: "tsx" };
    });
  },
};

/** Return every file that an entry point imports, itself included. */
function reached(entry, graph) {
  const found = new Set();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    for (const each of graph.get(path).imports)
      if (each.kind === "import-statement")
        waiting.push([...graph.keys()].find((other) => other.endsWith(`/${basename(each.path)}`)));
  }
  return found;
}

/** Join pieces of the first build into one script; what stands outside stays an import. */
async function join(texts, from, options, { entry, outside }) {
  const pieces = {
    name: "pieces",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point") return undefined;
        const whole = resolve(dirname(texts.has(importer) ? importer : from), path);
        return outside.has(whole)
          ? { path: FROM_CORE + whole, external: true }
          : { path: whole, namespace: "piece" };
      });
      onLoad({ filter: /.*/, namespace: "piece" }, ({ path }) => ({
        contents: texts.get(path),
        loader: "js",
      }));
    },
  };
  const stdin = { contents: entry, loader: "js", sourcefile: "entry.js" };
  const { outputFiles } = await build({
    ...options,
    entryPoints: undefined,
    outdir: undefined,
    inject: [],
    stdin,
    plugins: [pieces],
    splitting: false,
    write: false,
    metafile: false,
    minify: false,
  });
  return outputFiles[0].text;
}

const IMPORT = new RegExp(`^import (?:\\{([^}]*)\\} from )?"${FROM_CORE}([^"]+)";\\n`, "gm");
const EXPORT = /^export \{([^}]*)\};\n/m;

/** Turn a module into a function of what the core shares; `wanted` notes the names that it takes. */
function asPart(text, wanted) {
  const taken = [];
  const body = text
    .replace(IMPORT, (_, names, path) => {
      for (const [name, own] of pairs(names)) taken.push(`${keyOf(wanted, path, name)}: ${own}`);
      return "";
    })
    .replace(
      EXPORT,
      (_, names) =>
        `return {styles: "${STYLES}", module: {${pairs(names).map(([own, name]) => `${name}: ${own}`)}}};\n`,
    );
  if (/^(import|export) /m.test(body))
    throw new Error("A part has an import or an export that was not understood.");
  return `export default (core) => {\nconst {${taken}} = core;\n${body}};\n`;
}

function pairs(names = "") {
  return names
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean)
    .map((each) => {
      const [from, to = from] = each.split(" as ");
      return [from, to];
    });
}

/** Return the key under which the core shares a name, the same for all parts. */
function keyOf(wanted, path, name) {
  for (const [key, each] of wanted) if (each.path === path && each.name === name) return key;
  const key = `k${wanted.size}`;
  wanted.set(key, { path, name });
  return key;
}
