export { MaskPainter } from "../views/mask-painter";
