// The widget as anywidget loads it: one page for each model, one tree for each view.
import type { AnyModel, AnyWidget } from "@anywidget/types";
import { widgetChannel } from "./host";
import { labOffers } from "./lib/jupyterlab";
import { t } from "./messages";
import { type OpenPage, openPage } from "./page";
import { partsFromKernel } from "./parts/from-kernel";
import type { Page } from "./views/context";
import { mount } from "./views/mount";

/** Milliseconds that a page is kept without a view: a cell that is run again may show it again. */
export const KEPT_FOR = 10_000;

/** anywidget calls this once for each model. A model without a view has no page. */
export default (() => {
  let page: OpenPage | undefined;
  /** The model as long as it lives: the host takes what a view's own model listens to away with the view. */
  let whole: AnyModel | undefined;
  let views = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    clearTimeout(timer);
    page?.end();
    page = undefined;
  };
  /** End the page when it was without a view for a while and waits for no answer, such as that to an upload. */
  const rest = (): void => {
    timer = setTimeout(() => (page?.isIdle() ? end() : rest()), KEPT_FOR);
  };
  return {
    initialize({ model, signal }) {
      whole = model;
      signal?.addEventListener("abort", end, { once: true });
      return end;
    },
    render({ model, el, signal }) {
      clearTimeout(timer);
      page ??= openPage(widgetChannel(whole ?? model), partsFromKernel);
      const shown = page;
      const show = (own: Partial<Page>, into: HTMLElement, until: AbortSignal): (() => void) => {
        views += 1;
        shown.watch(into, until);
        until.addEventListener("abort", () => {
          views -= 1;
          if (views === 0 && page) rest();
        });
        return mount(into, { ...shown, ...own }, until);
      };
      const lab = labOffers();
      const openTab =
        lab?.openTab &&
        ((): void => {
          lab.openTab?.(
            t.frame.studio,
            (into, until) => void show({ height: "fill" }, into, until),
            shown.signal,
          );
        });
      return show(openTab ? { openTab } : {}, el, signal);
    },
  };
}) satisfies AnyWidget;
