// The English texts of the large view.
import { added } from ".";

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
    version: "Version",
    copyRecipe: "Copy as JSON",
    recipeCopied: "Recipe copied.",
  },
};

/** The texts that are shown, with those of this part. */
export const t = added(english);
