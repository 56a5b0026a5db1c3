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
    foundInside: (tool: string) => `This image tells how ${tool} made it.`,
    useRecipe: "Use its prompt and settings",
    onlyPrompt: (model: string) =>
      `${model || "Its model"} is not offered here; only the prompt was taken over.`,
    onlySize: (model: string) =>
      `${model || "Its model"} is not offered here; the prompt and the size were taken over.`,
    flowAdded: (name: string) => `The workflow is a model now: ${name}`,
    flowInside: (name: string) => `${name} holds a workflow of ComfyUI.`,
    flowAdd: "Add as a model",
    flowFailed: (name: string, why: string) => `${name} was not added. ${why}`,
    flowLarge: "The file is too large for a workflow.",
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
