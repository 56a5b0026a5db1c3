// The large views: of results, with their details and comparison, and of references.
import "../views/part-icons";

export { Lightbox } from "../views/lightbox";
export { ReferencePreview, UsedReference } from "../views/references-preview";
