// What the extension of JupyterLab and Notebook offers to every studio in its window, and what it takes from the server's
// page.
//
// The extension and the studio come from two bundles, which may be of two versions. So the build keeps all names of this
// file, and a studio asks before it uses what is optional.

export interface LabOffers {
  /**
   * Open a tab of the main area. Absent where there is no such area, as in Notebook.
   *
   * @param show draws into the element of the tab until the signal, which comes when the tab is closed
   * @param until closes the tab
   */
  openTab?(label: string, show: (el: HTMLElement, signal: AbortSignal) => void, until: AbortSignal): void;
  /** Put code into a new cell below the active one. Return false if there is no notebook that takes a cell. */
  insertCode(code: string): boolean;
  /**
   * Put the thumbnail of an image into a new Markdown cell below the active one. Return false if there is no notebook
   * that takes a cell; reject where there is no picture.
   */
  insertPicture(image: DraggedImage): Promise<boolean>;
  /** Tell which image is dragged; null at the end of the drag. */
  drag(image: DraggedImage | null): void;
}

/** A finished image. Both calls reject where there is nothing; then the studio tells the user why. */
export interface DraggedImage {
  /** What the image shows. */
  alt: string;
  /** Return the thumbnail. */
  picture(): Promise<Blob>;
  /** Return Python code that opens the file of the image. */
  code(): Promise<string>;
}

/** The studio of a server, in the window of a host. */
export interface HostedStudio {
  /**
   * Show one more view of the studio in an element, until the signal.
   *
   * @param openTab shows the studio in a tab of the host; absent in such a tab
   */
  showIn(el: HTMLElement, signal: AbortSignal, openTab?: () => void): void;
  /** Show a topic in all views, once the server has answered. */
  openTopic(topicId: string): void;
}

declare global {
  interface Window {
    imgplayLab?: LabOffers;
  }
}

/** Return what the extension offers; undefined in every other host. */
export function labOffers(): LabOffers | undefined {
  return window.imgplayLab;
}
