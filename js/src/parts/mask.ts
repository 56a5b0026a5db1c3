// Painting over a reference what may change.
import "../views/part-icons";

export { MaskPainter } from "../views/mask-painter";
