// The parts as a server hands them over: each is a file of its own, beside the page's script.
import type { Loaded, LoadPart } from ".";
import { shared } from "./shared";

/** The name of this build, written here by the build: the files of another build do not fit this page. */
declare const BUILD: string;

/** Return a function that loads a part from a folder. */
export function partsFromServer(folder: URL): LoadPart {
  let failed = 0;
  return async (name) => {
    // Some browsers remember an address that failed, and never ask for it again.
    const again = failed > 0 ? `?${failed}` : "";
    const file = [name, BUILD].join("-");
    const address = new URL(`${file}.js${again}`, folder).href;
    try {
      const part = (await import(/* @vite-ignore */ address)) as { default(core: typeof shared): unknown };
      return part.default(shared) as Loaded<typeof name>;
    } catch (cause) {
      failed += 1;
      throw cause;
    }
  };
}
