// An image on the clipboard.
import { write } from "./clipboard";

/** Copy an image as PNG, the one format that every clipboard takes. Return false if that fails. */
export function copyPicture(url: Promise<string>): Promise<boolean> {
  return write({ "image/png": url.then(asPng) });
}

async function asPng(url: string): Promise<Blob> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d")?.drawImage(image, 0, 0);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"),
  );
}
