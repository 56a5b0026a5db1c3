// The large views: of results, with their details and comparison, and of references.
export { Lightbox } from "../views/lightbox";
export { ReferenceDialog, ReferencePreview } from "../views/references-preview";
