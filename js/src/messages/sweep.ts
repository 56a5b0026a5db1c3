// The English texts of sweeps.
import { added } from ".";

export const english = {
  sweep: {
    label: (template: string) => `Sweep: ${template}`,
    grid: (axes: string) => `Images by ${axes}`,
    image: (values: string, number: number) => (values ? `${values}, image ${number}` : `Image ${number}`),
    images: (done: number, all: number) =>
      done < all ? `${done} of ${all} images` : all === 1 ? "1 image" : `${all} images`,
    models: (first: string, more: number) => (more > 0 ? `${first} +${more}` : first),
    deleted: "Deleted",
    deletedHelp: "Call the sweep again to request this image again.",
    waits: "Loading…",
    swap: "Swap rows and columns",
    large: "Show the grid large",
    small: "Close the large grid",
    more: "More actions for this sweep",
    drag: "Drag onto a topic to move this sweep",
    cancel: "Cancel all of this sweep",
    failed: (count: number) => (count === 1 ? "1 image failed" : `${count} images failed`),
    retry: (count: number) => (count === 1 ? "Retry the failed image" : `Retry ${count} failed images`),
    retryAll: "Retry failed images",
    template: "Copy the template",
    templateCopied: "Template copied.",
    reuse: "Use as a prompt with choices",
    select: "Select all images",
    zip: "Download all as ZIP",
    move: "Move to topic…",
    delete: "Delete sweep",
    zoom: "Size of the images",
    fit: "Fit",
    fitHelp: "Show all of the grid",
    axis: (name: string) => `Where the values of ${name} stand`,
    sides: {
      columns: "Columns",
      rows: "Rows",
      facets: "A grid for each",
    },
  },
};

/** The texts that are shown, with those of this part. */
export const t = added(english);
