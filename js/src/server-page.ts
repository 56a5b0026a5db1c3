// What a server's script does: in the document of the server it fills the window; a host such as JupyterLab imports it,
// and shows the studio in panels of its own.
import type { HostedStudio } from "./lib/jupyterlab";
import { partsFromServer } from "./parts/from-server";
import { showDocument } from "./server-document";
import { openStudio, showTopic } from "./server-studio";
import { mount } from "./views/mount";

const parts = partsFromServer(new URL("parts/", import.meta.url));

/**
 * Open the studio of a server in the window of a host, whose document stays as it is.
 *
 * @param base the path below which the server has the page and its socket
 */
export default (base: string): HostedStudio => {
  const page = openStudio(base, parts);
  return {
    showIn: (el, signal, openTab) => {
      page.watch(el, signal);
      mount(el, openTab ? { ...page, openTab } : page, signal);
    },
    openTopic: (topicId) => showTopic(page, topicId),
  };
};

// A heading of a notebook may have the same id.
const studio = document.querySelector<HTMLElement>("body > #studio[data-base]");
if (studio) showDocument(studio, studio.dataset.base ?? "/", parts, new AbortController().signal);
