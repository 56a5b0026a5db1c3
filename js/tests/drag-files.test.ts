// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { generation } from "../dev/fixtures";
import { carryFile, type Draggable } from "../src/lib/drag-files";

/** Return what a drag of an image carries. */
function carried(
  how: Draggable,
  prompt = "A red fox: asleep / in fresh snow",
  mediaType = "image/png",
): Record<string, string> {
  const data = new Map<string, string>();
  const dataTransfer = { setData: (type: string, text: string) => void data.set(type, text) };
  carryFile({ dataTransfer } as unknown as DragEvent, { prompt }, generation("b1", 1, { mediaType }), how);
  return Object.fromEntries(data);
}
const HELD = { url: "blob:http://here/1", fileName: "01-7-a red fox.png" };
const ADDRESS = "https://here.test/user/ann/api/image-playground/generations/g/image";

describe("a picture that is dragged out of the page", () => {
  it("carries the original that the page has, with its name and kind", () =>
    expect(carried({ held: HELD })).toEqual({
      DownloadURL: "image/png:01-7-a red fox.png:blob:http://here/1",
    }));
  it("carries the address of a server, which other programs can open too", () =>
    expect(carried({ address: ADDRESS })).toEqual({
      DownloadURL: `image/png:A-red-fox-asleep-in-fresh-2.png:${ADDRESS}?download=true`,
      "text/uri-list": ADDRESS,
    }));
  it.each([
    ["雪山下的小木屋，黄昏", "image/webp", "雪山下的小木屋-黄昏-2.webp"],
    ["?!", "image/jpeg", "image-2.jpg"],
    ["x".repeat(300), "image/svg+xml", `${"x".repeat(60)}-2.svg`],
    ["🦊🦊 fox", "image/png", "fox-2.png"],
  ])("has a name that every system takes: %s", (prompt, mediaType, name) =>
    expect(carried({ address: ADDRESS }, prompt, mediaType).DownloadURL).toBe(
      `${mediaType}:${name}:${ADDRESS}?download=true`,
    ),
  );
  it.each([{}, { held: { ...HELD, url: "data:image/png;base64,AAAA" } }])(
    "carries no file where it would have to wait, or would be an address of megabytes: %o",
    (how) => expect(carried(how)).toEqual({}),
  );
});
