// Blob URLs with an end: the least recently used ones are revoked, and all of them with the page.

export class BlobUrls {
  // A Map keeps the order of insertion, so the first entry is the one that was not used for longest.
  readonly #urls = new Map<string, string>();
  readonly #watchers = new Map<string, Set<() => void>>();

  /** @param limit how many are kept, beside those that are watched */
  constructor(readonly limit: number) {}

  get size(): number {
    return this.#urls.size;
  }

  get(key: string): string | undefined {
    const url = this.#urls.get(key);
    if (url !== undefined) {
      this.#urls.delete(key);
      this.#urls.set(key, url);
    }
    return url;
  }

  put(key: string, bytes: DataView, type: string): string {
    this.#revoke(key);
    // The bytes are copied: the buffer that they came in may belong to a larger message.
    const url = URL.createObjectURL(new Blob([new Uint8Array(copy(bytes))], { type }));
    this.#urls.set(key, url);
    this.#shrink();
    this.#tell(key);
    return url;
  }

  delete(key: string): void {
    this.#revoke(key);
    this.#tell(key);
  }

  /** Calls back when the URL of a key changes. A watched URL is not revoked for room. */
  watch(key: string, changed: () => void): () => void {
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(changed));
    return () => {
      watchers.delete(changed);
      if (watchers.size === 0) this.#watchers.delete(key);
    };
  }

  clear(): void {
    for (const key of [...this.#urls.keys()]) this.#revoke(key);
  }

  #revoke(key: string): void {
    const url = this.#urls.get(key);
    if (url === undefined) return;
    URL.revokeObjectURL(url);
    this.#urls.delete(key);
  }

  #shrink(): void {
    for (const key of [...this.#urls.keys()]) {
      if (this.#urls.size <= this.limit) return;
      if (!this.#watchers.has(key)) this.#revoke(key);
    }
  }

  #tell(key: string): void {
    for (const changed of [...(this.#watchers.get(key) ?? [])]) changed();
  }
}

function copy(bytes: DataView): ArrayBuffer {
  const target = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(target).set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return target;
}
