// The parts of the page that load when they are needed. Each is loaded once and kept.
import type * as Gallery from "./gallery";
import type * as Large from "./large";
import type * as Mask from "./mask";
import type * as Picker from "./picker";
import type * as Sweep from "./sweep";
import type * as Tools from "./tools";
import type * as Chinese from "./zh";

export interface PartModules {
  gallery: typeof Gallery;
  large: typeof Large;
  mask: typeof Mask;
  picker: typeof Picker;
  sweep: typeof Sweep;
  tools: typeof Tools;
  zh: typeof Chinese;
}
export type PartName = keyof PartModules;

/** What a part brings: what it exports, and its style sheet. */
export interface Loaded<Name extends PartName> {
  module: PartModules[Name];
  styles: string;
}

/** Loads a part from wherever its file is. */
export type LoadPart = <Name extends PartName>(name: Name) => Promise<Loaded<Name>>;

export class Parts {
  readonly #load: LoadPart;
  readonly #loaded: { [Name in PartName]?: Loaded<Name> } = {};
  readonly #asked = new Map<PartName, Promise<void>>();
  readonly #watchers = new Set<() => void>();

  constructor(load: LoadPart) {
    this.#load = load;
  }

  /** Return what a part exports; undefined until the part is loaded. */
  get<Name extends PartName>(name: Name): PartModules[Name] | undefined {
    return this.#loaded[name]?.module;
  }

  /**
   * Load a part, unless it is loaded. Callers at the same time wait for one load. A load that failed can be tried
   * again.
   */
  want(name: PartName): Promise<void> {
    const asked = this.#asked.get(name) ?? this.#fetch(name);
    this.#asked.set(name, asked);
    return asked;
  }

  async #fetch<Name extends PartName>(name: Name): Promise<void> {
    try {
      const loaded: Partial<Record<PartName, unknown>> = this.#loaded;
      loaded[name] = await this.#load(name);
    } catch (cause) {
      this.#asked.delete(name);
      throw cause;
    }
    for (const tell of this.#watchers) tell();
  }

  /** The style sheets of all parts that are loaded. */
  get styles(): string {
    return Object.values(this.#loaded)
      .map(({ styles }) => styles)
      .join("");
  }

  /** Call back whenever a part was loaded, until the returned function is called. */
  watch(tell: () => void): () => void {
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }
}
