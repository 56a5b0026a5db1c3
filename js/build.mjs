// Builds the page into the Python package: static/index.js and static/index.css.
// --watch builds again on each change; --dev builds the page of dev/ (without Jupyter) into dev/dist.
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";

const MAX_BYTES = 120 * 1024;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const flags = new Set(process.argv.slice(2));

const shared = {
  bundle: true,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  minify: true,
  // The first ones with whole CSS nesting: for older ones each rule would carry the root's name.
  target: ["es2022", "chrome120", "firefox117", "safari17.2"],
};
const page = {
  ...shared,
  entryPoints: [
    { in: here("src/index.ts"), out: "index" },
    { in: here("src/styles/index.css"), out: "index" },
  ],
  outdir: here("../src/imgplay_widget/static"),
  plugins: [{ name: "report", setup: ({ onEnd }) => onEnd(report) }],
};
const dev = {
  ...shared,
  minify: false,
  sourcemap: "inline",
  entryPoints: [
    { in: here("dev/mock-host.ts"), out: "dev" },
    { in: here("src/styles/index.css"), out: "dev" },
  ],
  outdir: here("dev/dist"),
};

function report(result) {
  for (const [path, { bytes }] of Object.entries(result.metafile?.outputs ?? {})) {
    console.log(`${path.split("/").at(-1).padEnd(10)} ${(bytes / 1024).toFixed(1).padStart(7)} KB`);
    if (path.endsWith("index.js") && bytes > MAX_BYTES) {
      console.error(
        `index.js is larger than ${MAX_BYTES / 1024} KB: it travels with every widget and is saved in notebooks.`,
      );
      process.exitCode = 1;
    }
  }
}

const options = flags.has("--dev") ? dev : page;
if (flags.has("--watch")) await (await context(options)).watch();
else await build(options);
