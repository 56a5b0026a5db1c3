// The texts inside a PNG file: programs that make images write there how they did it.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Return the texts of a PNG file by their names; none where the file is no PNG, or damaged. */
export async function pngTexts(file: Blob): Promise<Record<string, string>> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const texts: Record<string, string> = {};
  if (SIGNATURE.some((byte, place) => bytes[place] !== byte)) return texts;
  const view = new DataView(bytes.buffer);
  let at = SIGNATURE.length;
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const kind = latin(bytes.subarray(at + 4, at + 8));
    if (kind === "IEND" || at + 12 + length > bytes.length) break;
    const found = await textOf(kind, bytes.subarray(at + 8, at + 8 + length)).catch(() => null);
    if (found) texts[found.name] = found.text;
    at += 12 + length;
  }
  return texts;
}

async function textOf(
  kind: string,
  data: Uint8Array<ArrayBuffer>,
): Promise<{ name: string; text: string } | null> {
  const end = data.indexOf(0);
  if (end < 1) return null;
  const name = latin(data.subarray(0, end));
  switch (kind) {
    case "tEXt":
      return { name, text: latin(data.subarray(end + 1)) };
    case "zTXt":
      // A byte for the method stands before the compressed text.
      return { name, text: latin(await inflated(data.subarray(end + 2))) };
    case "iTXt": {
      const packed = data[end + 1] === 1;
      // The language and the translated name stand before the text, each with a zero behind it.
      const start = data.indexOf(0, data.indexOf(0, end + 3) + 1) + 1;
      const own = data.subarray(start);
      return { name, text: new TextDecoder().decode(packed ? await inflated(own) : own) };
    }
    default:
      return null;
  }
}

async function inflated(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function latin(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
