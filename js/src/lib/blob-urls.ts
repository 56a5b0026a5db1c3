// Blob URLs of limited number: the least recently used ones are revoked, and all of them when the page closes.
//
// If a host's content policy refuses pictures from blob:, as the one of VS Code may, the URLs are data: URLs.
// Those take a third more memory, so blob: is tried first, with the first picture.

/** Whether the host shows pictures from blob:; undefined until one picture was tried. */
let shown: boolean | undefined;
let trial: Promise<void> | undefined;

function tried(): Promise<void> {
  trial ??= new Promise((resolve) => {
    const image = new Image();
    const dot = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
    const url = URL.createObjectURL(new Blob([dot], { type: "image/svg+xml" }));
    const end = (loaded: boolean) => (): void => {
      shown = loaded;
      URL.revokeObjectURL(url);
      resolve();
    };
    image.onload = end(true);
    image.onerror = end(false);
    image.src = url;
  });
  return trial;
}

/**
 * Return the URL of a file: to be revoked after use, whatever it is. Rejects where it cannot be read, or is too
 * large.
 */
export async function urlOf(blob: Blob): Promise<string> {
  await tried();
  return shown ? URL.createObjectURL(blob) : dataUrl(new Uint8Array(await blob.arrayBuffer()), blob.type);
}

function dataUrl(bytes: Uint8Array, type: string): string {
  let text = "";
  // In pieces: the number of arguments of a call is limited.
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return `data:${type};base64,${btoa(text)}`;
}

export class BlobUrls {
  // A Map keeps the order of insertion, so the first entry is the one that was not used for longest.
  readonly #urls = new Map<string, string>();
  readonly #watchers = new Map<string, Set<() => void>>();

  /** @param limit how many URLs are kept, beside those that are watched */
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

  put(key: string, bytes: DataView, type: string): void {
    if (shown === undefined) void this.keep(key, bytes, type);
    else this.#put(key, bytes, type);
  }

  /** Keep the bytes under a key, and return their URL. */
  async keep(key: string, bytes: DataView, type: string): Promise<string> {
    await tried();
    return this.#put(key, bytes, type);
  }

  #put(key: string, bytes: DataView, type: string): string {
    this.#revoke(key);
    // The bytes are copied: the buffer that they came in may belong to a larger message.
    const own = new Uint8Array(copy(bytes));
    const url = shown ? URL.createObjectURL(new Blob([own], { type })) : dataUrl(own, type);
    this.#urls.set(key, url);
    this.#shrink();
    this.#tell(key);
    return url;
  }

  delete(key: string): void {
    this.#revoke(key);
    this.#tell(key);
  }

  /** Call back when the URL of a key changes. A watched URL is not revoked to save memory. */
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
