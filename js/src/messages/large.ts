// The English texts of the large view.
import { added } from ".";
import type { Words } from "./words";

// The build keeps the keys of a table whose name is in capitals: the keys are names that the kernel chooses.
const EN_ACTIONS: Words = {
  edit: "Edit",
  vary: "Variation",
  upscale: "Upscaled",
  remove_background: "Background removed",
  outpaint: "Extended",
  inpaint: "A part edited",
};

export const english = {
  common: {
    copy: "Copy",
  },
  references: {
    close: "Close",
    before: "Move earlier",
    after: "Move later",
    size: (width: number, height: number) => `${width} × ${height}`,
    useAgain: "Use as a reference again",
  },
  mask: {
    remove: "Remove the mask",
  },
  lightbox: {
    label: (number: number) => `Image ${number}`,
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    actual: "Actual size or whole image",
    compare: "How to compare",
    startCompare: "Compare with another image",
    endCompare: "End the comparison",
    sides: "Side by side",
    slider: "Slider",
    line: "Divider between the images",
    first: "A",
    second: "B",
    chooseOther: "Go to another image to compare it with this one.",
    gone: "The image you were comparing with is gone.",
    before: "Previous image",
    after: "Next image",
    seed: (seed: number) => `seed ${seed}`,
    prompt: "Prompt",
    reuse: "Reuse",
    reuseSeed: "Reuse seed",
    image: "Image",
    parameters: "Parameters",
    origin: "Origin",
    model: "Model",
    modelName: "Name",
    servedBy: "Answered by",
    size: "Size",
    seedName: "Seed",
    kind: "Kind",
    bytes: "File",
    made: "Created",
    took: "Duration",
    cost: "Cost",
    requestId: "Request",
    attempt: "Attempt",
    references: "References",
    path: "Path",
    labels: "Scores and tags",
    tags: "Tags",
    version: "Version",
    copyRecipe: "Copy as JSON",
    recipeCopied: "Recipe copied.",
  },
  versions: {
    label: "Versions of this image",
    open: (number: number, prompt: string) => `Version, image ${number}: ${prompt}`,
    gone: "This version was deleted.",
    coming: "This version is on its way.",
    earlier: "Earlier versions …",
    more: (count: number) => `${count} more`,
    compare: "Compare with the version before",
    quoted: (words: string) => `“${words}”`,
    further: (count: number) => (count === 1 ? "with 1 more image" : `with ${count} more images`),
    mask: "with a mask",
    actions: EN_ACTIONS,
  },
};

/** The texts that are shown, with those of this part. */
export const t = added(english);
