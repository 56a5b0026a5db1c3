// The parts as the kernel hands them over.
import type { Send } from "../lib/answer";
import type { Loaded, LoadPart, PartName } from ".";
import { shared } from "./shared";

/** The name of this build, written here by the build: the files of another build do not fit this core. */
declare const BUILD: string;

/** What the file of a part exports. */
interface PartFile {
  /** Return the part, from what the core shares. */
  default(core: typeof shared): unknown;
}

/** The parts that run already. The browser never frees a module, so the pages of all models share the parts. */
const running = new Map<PartName, Loaded<PartName>>();

/** Return a function that asks the kernel for the file of a part and runs it, unless the part runs already. */
export function partsFromKernel(send: Send): LoadPart {
  return async (name) => {
    if (!running.has(name)) {
      const { buffers } = await send({ method: "part", name, build: BUILD });
      const file = await run(buffers);
      running.set(name, file.default(shared) as Loaded<PartName>);
    }
    return running.get(name) as Loaded<typeof name>;
  };
}

/** Run a script as a module, by a blob's address: anywidget loads the page itself in the same way. */
async function run(script: DataView[]): Promise<PartFile> {
  const address = URL.createObjectURL(new Blob(script as BlobPart[], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ address);
  } finally {
    URL.revokeObjectURL(address);
  }
}
