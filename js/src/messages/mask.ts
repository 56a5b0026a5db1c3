// The English texts of the mask painter.
import { added } from ".";

export const english = {
  mask: {
    title: "Paint a mask",
    explain: "Paint over the area that may change. The rest stays as it is.",
    area: "Painting area. The arrow keys move the brush, Space lowers and lifts it.",
    brush: "Brush",
    eraser: "Eraser",
    size: "Size",
    opacity: "Opacity",
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    fit: "Fit",
    clear: "Clear",
    save: "Use mask",
    saving: "Saving…",
    cancel: "Cancel",
    keep: "Keep painting",
    discard: "Discard",
    unsaved: "The mask is not saved.",
    empty: "Nothing is painted yet.",
    tooBig: "This browser cannot make a mask of this size.",
    loading: "Loading the image…",
    down: "Brush down",
    up: "Brush up",
  },
};

/** The texts that are shown, with those of this part. */
export const t = added(english);
