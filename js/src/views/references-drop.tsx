// Pictures that are dropped on the widget or pasted into it become references; workflows become models.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { draggedGeneration, isGenerationDrag } from "../lib/drag-references";
import { modelOf } from "../lib/parameters";
import { t } from "../messages/tools";
import { addImage, addLink, type NamedBlob } from "../slices/adding";
import { batchOf } from "../slices/batches";
import { takeFiles } from "../slices/recipes";
import { type Page, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { dropFiles, holdsFlow } from "./workflow-drop";

type Dragged = "files" | "generation" | "link";

/** The mark over its parent while a picture is dragged over the widget: the picture can be dropped. */
export function ReferenceDrop() {
  const mark = useRef<HTMLDivElement>(null);
  const page = usePage();
  const [over, setOver] = useState(false);
  const [flow, setFlow] = useState(false);
  const model = useStore((state) => modelOf(state.models, state.config.model));
  useLayoutEffect(() => {
    const root = mark.current?.closest<HTMLElement>(".imgplay");
    if (!root) return undefined;
    const ended = new AbortController();
    const { signal } = ended;
    // When a picture of the page itself is dragged, the browser offers it as a file.
    let ours = false;
    const draggedIn = (event: DragEvent): Dragged | null => {
      if (isGenerationDrag(event)) return "generation";
      const types = event.dataTransfer?.types ?? [];
      if (ours) return null;
      return types.includes("Files") ? "files" : types.includes("text/uri-list") ? "link" : null;
    };
    const { store } = page;
    const takes = (): boolean => {
      const { usable, models, config } = store.getState();
      return usable && Boolean(modelOf(models, config.model)?.references);
    };
    root.addEventListener(
      "dragstart",
      () => {
        ours = true;
      },
      { signal },
    );
    // The drag may end over another window.
    document.addEventListener(
      "dragend",
      () => {
        ours = false;
        setOver(false);
      },
      { signal },
    );
    root.addEventListener(
      "dragover",
      (event) => {
        if (!draggedIn(event)) return;
        // Otherwise the browser would leave the notebook and show the picture.
        event.preventDefault();
        event.stopPropagation();
        const kind = draggedIn(event);
        const wanted = kind === "files" ? store.getState().usable : takes();
        if (event.dataTransfer) event.dataTransfer.dropEffect = wanted ? "copy" : "none";
        setOver(true);
        setFlow(holdsFlow(event.dataTransfer));
      },
      { signal },
    );
    root.addEventListener(
      "dragleave",
      ({ relatedTarget }) => {
        if (!(relatedTarget instanceof Node && root.contains(relatedTarget))) setOver(false);
      },
      { signal },
    );
    root.addEventListener(
      "drop",
      (event) => {
        setOver(false);
        const kind = draggedIn(event);
        if (!kind || !event.dataTransfer) return;
        event.preventDefault();
        event.stopPropagation();
        drop(page, kind, event);
      },
      { signal },
    );
    root.addEventListener(
      "paste",
      (event) => {
        const { clipboardData, target } = event;
        const images = clipboardData ? imagesIn(clipboardData) : [];
        const writing = target instanceof Element && target.closest("input, textarea") !== null;
        // Office programs paste a picture of the text beside the text.
        if (images.length === 0 || (writing && clipboardData?.types.includes("text/plain"))) return;
        event.preventDefault();
        void takeFiles(page, images);
      },
      { signal },
    );
    return () => ended.abort();
  }, [page]);
  return (
    <div
      ref={mark}
      class="ip-drop"
      data-shown={over}
      data-testid="drop"
      data-takes={flow || Boolean(model?.references)}
      aria-hidden="true"
    >
      <p>
        <Icon name={flow || model?.references ? "addImage" : "cancelled"} size={22} />
        {flow
          ? t.references.dropFlow
          : model?.references
            ? t.references.drop
            : t.references.dropNone(model?.title ?? "")}
      </p>
    </div>
  );
}

function drop(page: Page, kind: Dragged, event: DragEvent): void {
  const data = event.dataTransfer;
  const state = page.store.getState();
  if (kind === "files") {
    dropFiles(
      page,
      [...(data?.files ?? [])].map((blob) => ({ name: blob.name, blob })),
    );
  } else if (kind === "link") {
    const problem = addLink(page, data?.getData("text/uri-list") ?? "");
    if (problem) state.addNotice("warning", problem);
  } else {
    const [batchId, id] = draggedGeneration(event) ?? [];
    const found = batchOf(state, batchId ?? "")?.generations.find((generation) => generation.id === id);
    if (found) addImage(page, found);
  }
}

function imagesIn(data: DataTransfer): NamedBlob[] {
  return [...data.files]
    .filter(({ type }) => type.startsWith("image/"))
    .map((blob) => ({ name: blob.name, blob }));
}
