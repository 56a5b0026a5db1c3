// The frame: three panels, their handles and drawers, and the notices above them.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Connection, connectionText, inertReason } from "../lib/connection";
import { focusOn } from "../lib/focus";
import { commandKey, focusedElement, isShortcut, isTyping, isUndoKey } from "../lib/keyboard";
import { t } from "../messages";
import { Boundary } from "./boundary";
import { ConfigPanel } from "./config-panel";
import { useActions, usePage, useStore } from "./context";
import { FilterButton } from "./filter-bar";
import { type Fold, useFold, useFullWindow, useHeight, useRoom } from "./frame";
import { Icon, type IconName } from "./icon";
import { Large } from "./large";
import type { LightboxTarget } from "./lightbox";
import { Notices, takeBack } from "./notices";
import { PartDialog, usePart } from "./part";
import { IconButton } from "./parts";
import { HeightHandle, ResizeHandle } from "./resize-handle";
import { TopicsPanel } from "./topics-panel";
import { Workspace } from "./workspace";

type Side = "left" | "right";

/** The panels that are drawers in each fold. The style sheet has the same table. */
const DRAWERS: Record<Fold, readonly Side[]> = { wide: [], medium: ["right"], narrow: ["left", "right"] };

/** The prompt and its buttons. */
const COMPOSER = ".ip-prompt";

/** So many that each is lower than any window. */
const STRIPS = Array.from({ length: 16 }, (_, index) => index);

/** @param root the element that all of it is drawn into, which may fill the window */
export function App({ root }: { root: HTMLElement }) {
  const frame = useRef<HTMLDivElement>(null);
  const panels = useStore((state) => state.config.panels);
  const shown = useStore((state) => state.shown);
  const live = useStore((state) => state.live);
  const readOnly = useStore((state) => !state.usable);
  const strips = useRef<HTMLDivElement>(null);
  const fold = useFold(frame);
  const tall = useRoom(root, strips);
  const full = useFullWindow(root);
  const height = useHeight(root);
  const [drawer, setDrawer] = useState<Side | null>(null);
  const [target, setTarget] = useState<LightboxTarget | null>(null);
  const [left, setLeft] = useState<LightboxTarget | null>(null);
  const [help, setHelp] = useState(false);
  const actions = useActions();
  const open = drawer && DRAWERS[fold].includes(drawer) ? drawer : null;
  const isOpen = (side: Side): boolean =>
    DRAWERS[fold].includes(side) ? open === side : side === "left" ? panels.leftOpen : panels.rightOpen;

  const leaveDrawer = (): void => {
    if (!open) return;
    setDrawer(null);
    focusOn(part(root, `toggle-${open}`));
  };
  const leaveLightbox = (): void => {
    setTarget(null);
    setLeft(target);
  };
  const toggle = (side: Side): void => {
    if (isOpen(side) && frame.current?.querySelector(`[data-panel="${side}"]`)?.contains(focusedElement()))
      focusOn(part(root, `toggle-${side}`));
    if (DRAWERS[fold].includes(side)) setDrawer(open === side ? null : side);
    else if (side === "left") actions.setPanels({ leftOpen: !panels.leftOpen });
    else actions.setPanels({ rightOpen: !panels.rightOpen });
  };

  useShortcuts(root, { open, isOpen, toggle, leaveDrawer, full, onHelp: () => setHelp(true) });
  // A drawer that opens takes the focus, so that the next key goes into it.
  useEffect(() => {
    if (open) focusOn(frame.current?.querySelector<HTMLElement>(`[data-panel="${open}"]`));
  }, [open]);
  useDrawerTop(frame, open !== null);

  /** Close the drawer when the focus goes to an element that it covers. */
  const onFocusIn = (event: FocusEvent): void => {
    const at = event.target as HTMLElement;
    if (open && !at.closest(`[data-panel="${open}"], header, ${COMPOSER}, dialog, [popover]:not(.imgplay)`))
      setDrawer(null);
  };

  return (
    <>
      <div
        ref={frame}
        class="ip-frame"
        data-live={live}
        data-read-only={readOnly}
        data-left={panels.leftOpen ? "open" : "closed"}
        data-right={panels.rightOpen ? "open" : "closed"}
        data-drawer={open ?? "none"}
        style={{ "--left": `${panels.left}px`, "--right": `${panels.right}px` }}
        onFocusIn={onFocusIn}
      >
        <SidePanel
          side="left"
          testid="config-panel"
          label={t.frame.config}
          inert={readOnly}
          onClose={DRAWERS[fold].includes("left") && leaveDrawer}
        >
          <Boundary name="configuration">
            <ConfigPanel />
          </Boundary>
        </SidePanel>
        <ResizeHandle side="left" width={panels.left} />
        <section
          class="ip-panel ip-center"
          data-testid="workspace"
          aria-label={t.frame.workspace}
          tabIndex={-1}
        >
          <Bar isOpen={isOpen} toggle={toggle} full={full} onHelp={() => setHelp(true)} />
          <ConnectionBar />
          {/* Below a large image nobody would see the notices: the large view shows them then. */}
          {!target && <Notices />}
          <Boundary name="workspace">
            {shown ? <Workspace left={left} onOpen={setTarget} /> : <Loading />}
          </Boundary>
        </section>
        <ResizeHandle side="right" width={panels.right} />
        <SidePanel
          side="right"
          testid="topics-panel"
          label={t.frame.topics}
          inert={readOnly}
          onClose={DRAWERS[fold].includes("right") && leaveDrawer}
        >
          <Boundary name="topics">
            <TopicsPanel onChosen={leaveDrawer} />
          </Boundary>
        </SidePanel>
        {tall && (
          <div ref={strips} class="ip-strips">
            {STRIPS.map((index) => (
              <i key={index} />
            ))}
          </div>
        )}
        {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: Escape does the same by keyboard */}
        <div class="ip-scrim" onClick={leaveDrawer} />
        {target && (
          <Boundary name="lightbox" onRetry={() => setTarget(null)}>
            <Large target={target} onMove={setTarget} onClose={leaveLightbox} />
          </Boundary>
        )}
        {help && (
          <PartDialog name="tools" label={t.frame.shortcuts} onClose={() => setHelp(false)}>
            {({ Shortcuts }) => <Shortcuts onClose={() => setHelp(false)} />}
          </PartDialog>
        )}
        <Announcer />
      </div>
      {!full.on && height !== "fill" && <HeightHandle height={height} frame={frame} />}
    </>
  );
}

/** Keep the place for the upper edge of an open drawer: below the prompt, however high that is. */
function useDrawerTop(frame: { current: HTMLElement | null }, open: boolean): void {
  useLayoutEffect(() => {
    const composer = frame.current?.querySelector<HTMLElement>(COMPOSER);
    if (!open || !composer) return undefined;
    const observer = new ResizeObserver(() => {
      const { offsetTop, offsetHeight } = composer;
      // With the edge of the frame.
      frame.current?.style.setProperty("--ip-drawer-top", `${offsetTop + offsetHeight + 8}px`);
    });
    observer.observe(composer);
    return () => observer.disconnect();
  }, [frame, open]);
}

interface FrameActions {
  /** The drawer that is open. */
  open: Side | null;
  isOpen(side: Side): boolean;
  toggle(side: Side): void;
  leaveDrawer(): void;
  full: ReturnType<typeof useFullWindow>;
  onHelp(): void;
}

/** Listen for the shortcuts that work everywhere in the widget. */
function useShortcuts(
  root: HTMLElement,
  { open, isOpen, toggle, leaveDrawer, full, onHelp }: FrameActions,
): void {
  const actions = useActions();
  const { store } = usePage();
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      if (event.defaultPrevented || event.isComposing || inLayer(event)) return;
      if (open) leaveDrawer();
      else if (full.on) full.set(false);
      else return;
      event.preventDefault();
      return;
    }
    if (isUndo(event)) {
      // The browser would undo the last typing, wherever that was.
      event.preventDefault();
      const notice = store
        .getState()
        .notices.filter(({ action }) => action && !action.offer)
        .at(-1);
      if (notice) takeBack(notice, actions);
      return;
    }
    if (!isShortcut(event)) return;
    if (event.key === "?") onHelp();
    else if (event.key === "f") full.set(!full.on);
    else if (event.key === "[") toggle("left");
    else if (event.key === "]") toggle("right");
    else if (event.key === "p") focusOn(part(root, "prompt"));
    else if (event.key === "s") focusOn(part(root, "selection-zip"));
    else if (event.key === "t") {
      if (!isOpen("right")) toggle("right");
      // The panel appears with the next drawing.
      requestAnimationFrame(() =>
        focusOn(root.querySelector<HTMLElement>('[data-row][tabindex="0"]') ?? part(root, "new-topic")),
      );
    } else return;
    event.preventDefault();
  };
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => latest.current(event);
    root.addEventListener("keydown", listen);
    return () => root.removeEventListener("keydown", listen);
  }, [root]);
}

/** Return the part of the widget with a test id. */
function part(root: HTMLElement, testid: string): HTMLElement | null {
  return root.querySelector<HTMLElement>(`[data-testid="${testid}"]`);
}

interface SidePanelProps {
  side: Side;
  testid: string;
  label: string;
  inert: boolean;
  /** Close the drawer; false if the panel is none. */
  onClose: false | (() => void);
  children: ComponentChildren;
}

function SidePanel({ side, testid, label, inert, onClose, children }: SidePanelProps) {
  const reason = useStore((state) => inertReason(state));
  const left = side === "left";
  return (
    <section
      class={left ? "ip-panel ip-left" : "ip-panel ip-right"}
      data-panel={side}
      data-testid={testid}
      aria-label={label}
      tabIndex={-1}
      title={reason}
    >
      {onClose && (
        <div class="ip-drawer-head">
          <h2>{label}</h2>
          <IconButton icon="close" label={t.common.close} testid="close-drawer" onClick={onClose} />
        </div>
      )}
      <div class={left ? "ip-panel-body ip-stack" : "ip-panel-fill"} inert={inert}>
        {children}
      </div>
    </section>
  );
}

/** The buttons above the workspace. */
function Bar({ isOpen, toggle, full, onHelp }: Pick<FrameActions, "isOpen" | "toggle" | "full" | "onHelp">) {
  const { openTab } = usePage();
  // Only a kernel has the images of the gallery, so there is one to load the part.
  const { module } = usePart("tools");
  return (
    <header class="ip-bar">
      <IconButton
        icon="panelLeft"
        label={t.frame.config}
        expanded={isOpen("left")}
        testid="toggle-left"
        onClick={() => toggle("left")}
      />
      <Title />
      {module && <module.GalleryButton />}
      <FilterButton />
      <IconButton icon="keyboard" label={t.frame.shortcuts} testid="show-shortcuts" onClick={onHelp} />
      <IconButton
        icon={full.on ? "leave" : "fill"}
        label={full.on ? t.frame.leave : t.frame.fill}
        testid="full-window"
        onClick={() => full.set(!full.on)}
      />
      {openTab && <IconButton icon="tab" label={t.frame.openTab} testid="open-tab" onClick={openTab} />}
      <IconButton
        icon="panelRight"
        label={t.frame.topics}
        expanded={isOpen("right")}
        testid="toggle-right"
        onClick={() => toggle("right")}
      />
    </header>
  );
}

function isUndo(event: KeyboardEvent): boolean {
  return isUndoKey(event) && !event.defaultPrevented && !isTyping(event);
}

/** Return whether a key belongs to a dialog or to a popover other than the widget itself. */
function inLayer(event: KeyboardEvent): boolean {
  return event.target instanceof Element && event.target.closest("dialog, [popover]:not(.imgplay)") !== null;
}

function Title() {
  const fresh = useStore((state) => state.usable && state.activeTopicId === null);
  const title = useStore((state) => state.topics.find((topic) => topic.id === state.activeTopicId)?.title);
  return <h2 class="ip-title">{title || (fresh ? t.frame.newTopic : t.frame.studio)}</h2>;
}

const CONNECTION_ICONS: Record<Connection, IconName> = {
  ready: "check",
  connecting: "spinner",
  waiting: "waiting",
  busy: "waiting",
  gone: "gone",
  offline: "offline",
  none: "readOnly",
};

/** The bar that tells of the connection, as long as it is not well. */
function ConnectionBar() {
  const connection = useStore((state) => state.connection);
  const usable = useStore((state) => state.usable);
  const clicks = useStore((state) => state.clicks);
  const shown = useStore((state) => state.shown);
  const told = connectionText({ connection, usable, clicks });
  if (!told) return null;
  const { text, next, lost } = told;
  // Where nothing else can be shown, the bar has the room.
  const large = lost && !shown;
  return (
    <p
      class={large ? "ip-lost" : "ip-connection"}
      role="status"
      data-testid="connection"
      data-connection={connection}
      data-lost={lost}
    >
      <Icon name={CONNECTION_ICONS[connection]} size={large ? 28 : 16} />
      <span>
        <strong>{text}</strong> {next}
      </span>
    </p>
  );
}

function Loading() {
  const lost = useStore((state) => connectionText(state)?.lost ?? false);
  if (lost) return null;
  return (
    <div class="ip-loading" role="status" aria-label={t.common.loading}>
      <div class="ip-skeleton" />
      <div class="ip-skeleton" />
    </div>
  );
}

/** The texts for a screen reader. Each is read once, when it is added. */
function Announcer() {
  const announcements = useStore((state) => state.announcements);
  return (
    <div class="ip-hidden" role="log" aria-live="polite" data-testid="announcements">
      {announcements.map(({ id, text, undoable }) => (
        <p key={id}>
          {text} {undoable && t.notice.undoKey(commandKey())}
        </p>
      ))}
    </div>
  );
}
