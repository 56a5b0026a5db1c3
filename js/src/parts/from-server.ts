// The parts as a server hands them over: each is a file of its own, beside the page's script.
import type { Loaded, LoadPart } from ".";
import { shared } from "./shared";

/** The name of this build, written here by the build: the files of another build do not fit this page. */
declare const BUILD: string;

/** What the file of a part exports. */
interface PartFile {
  /** Return the part, from what the page shares. */
  default(core: typeof shared): unknown;
}

const byBrowser = (address: string): Promise<PartFile> => import(/* @vite-ignore */ address);

/** Return a function that imports a part from a folder. */
export function partsFromServer(folder: URL, importFile = byBrowser): LoadPart {
  let failed = 0;
  return async (name) => {
    // Some browsers remember an address that failed, and never ask for it again.
    const again = failed > 0 ? `?${failed}` : "";
    // Joined when the page runs, so that the build finds the mark whole.
    const file = [name, BUILD].join("-");
    try {
      const part = await importFile(new URL(`${file}.js${again}`, folder).href);
      return part.default(shared) as Loaded<typeof name>;
    } catch (cause) {
      failed += 1;
      throw cause;
    }
  };
}
