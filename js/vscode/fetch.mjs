// Fetches VS Code's widget manager for the browser tests: the file of its package, and nothing on which the package
// depends. The argument names the file to write. Where npm cannot be reached, a note beside the file says so, and the
// tests that need the manager are skipped.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const PACKAGE = "@vscode/jupyter-ipywidgets8@1.0.9";
const INTEGRITY =
  "sha512-bocCThfa4JDIDd7qCFAfW3HpzHfTLYxOTpTbiDfw4DXOUjKHnr6ObkMBiIkuzYPRybh5bY4FhYLemuDuTvIbpQ==";
const MANAGER = "package/dist/ipywidgets.js";
/** The codes by which npm says that no registry answered. */
const UNREACHABLE =
  /^(EAI_AGAIN|ECONN\w+|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTCACHED|ERR_SOCKET_TIMEOUT|E50[234])$/;

const target = resolve(process.argv[2]);
const note = join(dirname(target), "not-fetched.txt");
mkdirSync(dirname(target), { recursive: true });
const folder = mkdtempSync(join(dirname(target), "fetch-"));
process.exitCode = fetchInto(folder);
rmSync(folder, { recursive: true });

function fetchInto(folder) {
  const words = ["pack", PACKAGE, "--json", "--pack-destination", folder, "--fetch-retries=1"];
  const { stdout, stderr, status } = spawnSync("npm", words, { encoding: "utf8" });
  if (status !== 0) return failed(stdout, stderr);
  const archive = join(folder, JSON.parse(stdout)[0].filename);
  const integrity = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (integrity !== INTEGRITY) {
    console.error(`${PACKAGE} from npm is not the package that the tests expect: ${integrity}`);
    return 1;
  }
  execFileSync("tar", ["-xzf", archive, "-C", folder, MANAGER]);
  renameSync(join(folder, MANAGER), target);
  // The date is that of the package; make compares it with the date of this script.
  execFileSync("touch", [target]);
  rmSync(note, { force: true });
  return 0;
}

function failed(stdout, stderr) {
  const code = codeIn(stdout);
  if (!UNREACHABLE.test(code)) {
    console.error(`npm could not pack ${PACKAGE}.\n${stderr}`);
    return 1;
  }
  writeFileSync(note, `${PACKAGE} could not be fetched, because npm reached no registry (${code})`);
  console.error(`${readFileSync(note, "utf8")}. The tests that need the package will be skipped.`);
  return 0;
}

function codeIn(stdout) {
  try {
    return JSON.parse(stdout).error.code;
  } catch {
    return "";
  }
}
