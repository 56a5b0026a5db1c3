// The frame: three panels, their handles and drawers, and what is said above them.
import { useRef, useState } from "preact/hooks";
import { t } from "../messages";
import { ConfigPanel } from "./config-panel";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";
import { Lightbox, type LightboxTarget } from "./lightbox";
import { IconButton } from "./parts";
import { ResizeHandle } from "./resize-handle";
import { TopicsPanel } from "./topics-panel";
import { Workspace } from "./workspace";

/** Below these widths a side panel becomes a drawer; the style sheet says the same. */
const RIGHT_DRAWER_BELOW = 900;
const LEFT_DRAWER_BELOW = 620;

type Side = "left" | "right";

export function App() {
  const frame = useRef<HTMLDivElement>(null);
  const panels = useStore((state) => state.config.panels);
  const shown = useStore((state) => state.shown);
  const live = useStore((state) => state.live);
  // For the moment before the first answer the panels stay open to the focus: it would fall to the notebook.
  const readOnly = useStore((state) => !state.live && state.connection === "waiting");
  const [drawer, setDrawer] = useState<Side | null>(null);
  const [target, setTarget] = useState<LightboxTarget | null>(null);
  const actions = useActions();

  const toggle = (side: Side): void => {
    const below = side === "left" ? LEFT_DRAWER_BELOW : RIGHT_DRAWER_BELOW;
    if ((frame.current?.clientWidth ?? 0) < below) setDrawer(drawer === side ? null : side);
    else if (side === "left") actions.setPanels({ leftOpen: !panels.leftOpen });
    else actions.setPanels({ rightOpen: !panels.rightOpen });
  };

  return (
    <div
      ref={frame}
      class="ip-frame"
      data-live={live}
      data-left={panels.leftOpen ? "open" : "closed"}
      data-right={panels.rightOpen ? "open" : "closed"}
      data-drawer={drawer ?? "none"}
      style={{ "--left": `${panels.left}px`, "--right": `${panels.right}px` }}
    >
      <aside class="ip-panel ip-left" data-testid="config-panel" aria-label={t.frame.config} inert={readOnly}>
        <div class="ip-panel-body ip-stack">
          <ConfigPanel />
        </div>
      </aside>
      <ResizeHandle side="left" width={panels.left} />
      <main class="ip-panel ip-center" data-testid="workspace" aria-label={t.frame.workspace}>
        <header class="ip-bar">
          <IconButton icon="panelLeft" label={t.frame.config} onClick={() => toggle("left")} />
          <Connection />
          <IconButton icon="panelRight" label={t.frame.topics} onClick={() => toggle("right")} />
        </header>
        <Notices />
        {shown ? <Workspace onOpen={setTarget} /> : <Loading />}
      </main>
      <ResizeHandle side="right" width={panels.right} />
      <aside
        class="ip-panel ip-right"
        data-testid="topics-panel"
        aria-label={t.frame.topics}
        inert={readOnly}
      >
        <TopicsPanel onChosen={() => setDrawer(null)} />
      </aside>
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: the buttons of the bar do the same by keyboard */}
      <div class="ip-scrim" onClick={() => setDrawer(null)} />
      {target && <Lightbox target={target} onMove={setTarget} onClose={() => setTarget(null)} />}
      <Announcer />
    </div>
  );
}

function Connection() {
  const connection = useStore((state) => state.connection);
  const live = useStore((state) => state.live);
  const title = useStore((state) => state.topics.find((topic) => topic.id === state.activeTopicId)?.title);
  if (connection === "waiting") {
    return (
      <p class="ip-waiting" role="status" data-testid="connection">
        <Icon name="waiting" />
        {t.states.waiting} {!live && t.states.waitingNext}
      </p>
    );
  }
  return <h2 class="ip-title">{title ?? (live ? t.frame.newTopic : "")}</h2>;
}

function Notices() {
  const notices = useStore((state) => state.notices);
  const actions = useActions();
  return (
    <>
      {notices.map(({ id, level, message, action }) => (
        <p key={id} class="ip-note ip-notice" data-level={level}>
          <span>{message}</span>
          {action && (
            <button
              type="button"
              class="ip-button"
              data-testid="notice-action"
              onClick={() => {
                actions.dismissNotice(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <IconButton icon="close" label={t.notice.dismiss} onClick={() => actions.dismissNotice(id)} />
        </p>
      ))}
    </>
  );
}

function Loading() {
  return (
    <div class="ip-loading" role="status" aria-label={t.common.loading}>
      <div class="ip-skeleton" />
      <div class="ip-skeleton" />
    </div>
  );
}

function Announcer() {
  const announcement = useStore((state) => state.announcement);
  return (
    <div class="ip-hidden" role="status" aria-live="polite">
      {announcement}
    </div>
  );
}
