// The names that the bundle may shorten.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** The files whose names travel: to the kernel and back, and between the page and the extension of JupyterLab. */
const CONTRACTS = ["protocol.gen.ts", "lib/jupyterlab.ts"];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Return the names of properties that only our own code knows: texts of the page and actions of the
 * store. A name that occurs in a contract, in the DOM or in any string is kept, and so are the keys of the tables of
 * texts whose names are in capitals: the kernel's names are looked up in them.
 */
export async function ownNames() {
  const files = (await readdir(here("src"), { recursive: true })).filter(
    // The extension of JupyterLab is a bundle of its own, whose names nothing shortens.
    (name) => /\.tsx?$/.test(name) && !/^(lab\/|messages\/lab\.ts)/.test(name),
  );
  const texts = new Map(
    await Promise.all(files.map(async (name) => [name, await readFile(here(`src/${name}`), "utf8")])),
  );
  const own = new Set();
  for (const [name, text] of texts) {
    const members = /^ {2,}(\w+)(?=: |\()/gm;
    if (/^(messages|slices)\//.test(name)) for (const [, member] of text.matchAll(members)) own.add(member);
  }
  const tables = [...texts].filter(([name]) => name.startsWith("messages/"));
  for (const [, text] of tables)
    for (const [table] of text.matchAll(/^const [A-Z_]+\b[\s\S]*?^\}/gm))
      for (const [, key] of table.matchAll(/^ {2}(\w+):/gm)) own.delete(key);
  for (const [name, text] of texts) {
    const known = CONTRACTS.includes(name) ? /(\w+)(?=\??[:(])/g : /(?<=["'`])(\w+)(?=["'`])/g;
    for (const [, word] of text.matchAll(known)) own.delete(word);
  }
  // Terser itself keeps the names of the DOM; the names of a component's tree belong to Preact.
  for (const name of ["preact", "preact/hooks", "preact/jsx-runtime"]) {
    const text = await readFile(fileURLToPath(import.meta.resolve(name)), "utf8");
    for (const [word] of text.matchAll(/\w+/g)) own.delete(word);
  }
  return own;
}
