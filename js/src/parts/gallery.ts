// The gallery: only images, in an order of their own.
import "../views/part-icons";

export { GalleryView } from "../views/gallery";
