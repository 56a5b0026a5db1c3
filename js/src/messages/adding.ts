// The English texts about references that are added.
import { added } from ".";

export const english = {
  references: {
    one: "The image",
    badLink: "This is not an https:// link.",
    result: (position: number) => `result ${position}`,
    movedTo: (place: number, count: number) => `Moved to position ${place} of ${count}.`,
    unreadable: "The file could not be read. Choose it again.",
    twice: "This image is already a reference.",
    madeHere: "This image was made here.",
    useSettings: "Use its settings",
    refused: (names: string[], why: string) =>
      names.length === 1
        ? `${names[0]} was not added. ${why}`
        : names.length > 3
          ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more were not added. ${why}`
          : `${names.join(", ")} were not added. ${why}`,
  },
};

/** The texts that are shown, with those about references that are added. */
export const t = added(english);
