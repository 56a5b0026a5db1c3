// Where the bar of a selection stands, and how far a ZIP is.
import { useStore } from "./context";
import { PartHere } from "./part";

export function Selection() {
  const some = useStore((state) => state.selected.size > 0);
  const packing = useStore((state) => state.packing !== null);
  if (!some && !packing) return null;
  return (
    <PartHere name="tools" class="ip-selection">
      {({ Packing, SelectionBar }) => (
        <>
          <Packing />
          {some && <SelectionBar />}
        </>
      )}
    </PartHere>
  );
}
