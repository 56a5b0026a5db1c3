// The English texts about images that leave the page.
import { added } from ".";

export const english = {
  tile: {
    imageCopied: "Image copied.",
    save: "Download",
    kept: "The file is kept as it came.",
    kindHidden: (kind: string) => `${kind} images are not shown here.`,
    unknownKind: "An image of this kind is not shown here.",
    tooLarge: "This image is too large to be shown here.",
    unreadable: "This image is damaged and cannot be shown.",
    gone: "The file of this image is gone from the store.",
  },
  selection: {
    saved: (images: number) => (images === 1 ? "1 image is in the ZIP." : `${images} images are in the ZIP.`),
    nothing: "None of these images is finished yet, so there is nothing to download.",
    tooLarge: "Too large for this window to save. Select fewer images, or use pg.save_zip in a cell.",
  },
};

/** The texts that are shown, with those about images that leave the page. */
export const t = added(english);
