// The English texts of the gallery.
import { added } from ".";

export const english = {
  gallery: {
    images: "Images",
    where: "Whose images are shown",
    here: "This topic",
    everywhere: "All topics",
    sort: "Sort",
    newest: "Newest first",
    starred: "Starred first",
    highest: (name: string) => `Highest ${name} first`,
    lowest: (name: string) => `Lowest ${name} first`,
    found: (count: number, more: boolean) =>
      count === 0 ? "No images" : count === 1 ? "1 image" : `${more ? "More than " : ""}${count} images`,
    waits: "Loading this image again…",
    none: "No images yet",
    noneMore: "An image appears here when it is finished.",
  },
};

/** The texts that are shown, with those of this part. */
export const t = added(english);
