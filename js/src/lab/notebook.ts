// New cells in the notebooks of JupyterLab and Notebook. What is used of their interfaces is declared here.

/** JupyterLab's INotebookTracker. */
export interface Notebooks {
  /** The notebook that had the focus last. */
  readonly currentWidget: NotebookPanel | null;
  find(test: (panel: NotebookPanel) => boolean): NotebookPanel | undefined;
}
export interface NotebookPanel {
  readonly content: NotebookView;
  readonly context: { readonly contentsModel: { readonly writable: boolean } | null };
}
export interface NotebookView {
  readonly node: HTMLElement;
  readonly widgets: readonly CellView[];
  readonly model: {
    readonly readOnly: boolean;
    readonly sharedModel: { insertCell(index: number, cell: NewCell): unknown };
  } | null;
  activeCellIndex: number;
  deselectAll(): void;
  scrollToItem(index: number): Promise<void>;
}
export interface CellView {
  readonly node: HTMLElement;
}

/** A cell in the form of notebook files. */
export type NewCell =
  | { cell_type: "code"; source: string; metadata: { trusted: true } }
  | { cell_type: "markdown"; source: string; attachments: Record<string, Record<string, string>> };

/** Return a cell of code that the user put into the notebook, so that the notebook may show what it draws. */
export function codeCell(source: string): NewCell {
  return { cell_type: "code", source, metadata: { trusted: true } };
}

/** Return whether a notebook takes new cells. */
export function takesCells({ content, context }: NotebookPanel): boolean {
  return content.model !== null && !content.model.readOnly && context.contentsModel?.writable !== false;
}

/** Put a cell into a notebook, make it the active one, and scroll to it. One undo of the notebook takes it away. */
export function insertCell({ content }: NotebookPanel, index: number, cell: NewCell): void {
  content.model?.sharedModel.insertCell(index, cell);
  content.activeCellIndex = index;
  content.deselectAll();
  // Rejects where the notebook is closed meanwhile.
  content.scrollToItem(index).catch(() => undefined);
}

/**
 * Put code into a new cell below the active one of the notebook that had the focus last.
 *
 * @returns false if there is no notebook that takes a cell
 */
export function insertCode(notebooks: Notebooks, code: string): boolean {
  const panel = notebooks.currentWidget;
  if (!panel || !takesCells(panel)) return false;
  insertCell(panel, panel.content.activeCellIndex + 1, codeCell(code));
  return true;
}
