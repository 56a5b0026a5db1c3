// Images large: results with their details and comparison, and references.
export { Lightbox } from "../views/lightbox";
export { ReferenceDialog, ReferencePreview } from "../views/references-preview";
