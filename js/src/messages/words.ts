// The names under which the kernel's words are looked up.
import type { KeyTaken, ProviderChecked } from "../protocol.gen";

/** Words by names that the kernel chooses. The kernel may use names that are missing here. */
export type Words = Record<string, string | undefined>;
/** The outcome of saving a key or of testing a connection. */
export type Said = ProviderChecked["outcome"] | KeyTaken["keptIn"];
