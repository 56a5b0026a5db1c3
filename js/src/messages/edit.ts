// The English texts about images that are edited.
import { added } from ".";

export const english = {
  edit: {
    image: "Edit this image",
    short: "Edit",
    begun: (number: number) =>
      `Image ${number} is the reference now, with its model and seed. Describe what to change.`,
    use: (model: string) => `Use ${model}`,
    modelGone: (model: string) => `${model} is no longer offered.`,
    nobody: "Choose a model that takes images. Those that are offered need a key first.",
  },
  follow: {
    title: "Follow up",
    others: "Other models",
    back: "Back",
    paint: "Paint over the image what shall change, and describe it.",
    /** The sides on which an image is extended, in the order of the menu. */
    sides: ["On all sides", "Left and right", "Top and bottom", "Left", "Right", "Top", "Bottom"],
  },
};

/** The texts that are shown, with those about images that are edited. */
export const t = added(english);
