// What the workspace needs of the part that loads later, and of which nothing is seen at first.
import { useStore } from "./context";
import { LongPress } from "./long-press";
import { usePart } from "./part";
import { ReferenceDrop } from "./references-drop";
import { SizeKeys } from "./size-slider";

/**
 * The target for dropped and pasted pictures, long presses, the keys for the size of the tiles, and the grid of a sweep
 * over all of the studio.
 */
export function WorkspaceParts() {
  const large = useStore(({ sweeps }) => (sweeps?.large ?? null) !== null);
  return (
    <>
      <ReferenceDrop />
      <LongPress />
      <SizeKeys />
      {large && <LargeSweep />}
    </>
  );
}

/** Its card has loaded the part already. */
function LargeSweep() {
  const { module } = usePart("sweep");
  return module ? <module.SweepLarge /> : null;
}
