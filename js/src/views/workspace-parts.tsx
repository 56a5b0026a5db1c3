// What the workspace needs of the part that loads later, and of which nothing is seen at first.
import { LongPress } from "./long-press";
import { ReferenceDrop } from "./references-drop";
import { SizeKeys } from "./size-slider";

/** The target for dropped and pasted pictures, long presses, and the keys for the size of the tiles. */
export function WorkspaceParts() {
  return (
    <>
      <ReferenceDrop />
      <LongPress />
      <SizeKeys />
    </>
  );
}
