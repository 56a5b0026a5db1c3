// The place of the filter, and the button that opens it.
import { useEffect, useRef } from "preact/hooks";
import { focusOn } from "../lib/focus";
import { isShortcut } from "../lib/keyboard";
import { t } from "../messages";
import { useActions, usePage, useStore } from "./context";
import { PartHere } from "./part";
import { IconButton } from "./parts";

/** The button that opens and closes the bar. */
export function FilterButton() {
  const shown = useStore((state) => state.filterShown);
  const any = useStore((state) => state.topics.length > 0);
  const actions = useActions();
  if (!any) return null;
  return (
    <IconButton
      icon="search"
      label={shown ? t.filter.close : t.filter.open}
      pressed={shown}
      testid="filter-button"
      onClick={() => actions.showFilter(!shown)}
    />
  );
}

export function FilterBar() {
  const place = useRef<HTMLDivElement>(null);
  const { store } = usePage();
  const shown = useStore((state) => state.filterShown);
  // "/" opens the bar from anywhere in the widget but a text field.
  useEffect(() => {
    const root = place.current?.closest(".imgplay");
    const onKey = (event: Event): void => {
      if (!isShortcut(event as KeyboardEvent) || (event as KeyboardEvent).key !== "/") return;
      if (store.getState().topics.length === 0) return;
      event.preventDefault();
      store.getState().showFilter(true);
      focusOn(place.current?.querySelector("input"));
    };
    root?.addEventListener("keydown", onKey);
    return () => root?.removeEventListener("keydown", onKey);
  }, [store]);
  // When the user chooses another topic or generates, the page shows that instead of what the filter found.
  const topicId = useStore((state) => state.activeTopicId);
  const made = useStore((state) => state.madeBatchId);
  const before = useRef({ topicId, made });
  useEffect(() => {
    const changed = before.current.topicId !== topicId || before.current.made !== made;
    before.current = { topicId, made };
    if (changed) store.getState().clearFilter();
  }, [topicId, made, store]);
  return (
    <div ref={place} class="ip-filter-place">
      {shown && (
        <PartHere name="tools" class="ip-filter">
          {({ FilterFields }) => <FilterFields />}
        </PartHere>
      )}
    </div>
  );
}
