// Edges that are dragged or moved with the arrow keys: between two panels, and below the studio.
import { t } from "../messages";
import { useActions, usePage } from "./context";

const STEP = 16;
const PAGE = 64;
const LIMITS = { left: [220, 480], right: [160, 400] } as const;
const HEIGHTS = [320, 2000] as const;

interface EdgeProps {
  side: "left" | "right" | "bottom";
  label: string;
  value: number;
  limits: readonly [number, number];
  /** Whether moving the edge right or down makes the panel larger. */
  forward: boolean;
  /** Return the size that is shown, which may differ from the value. */
  measure?(handle: HTMLElement): number;
  /** Called while the edge is dragged, and once at the end (`kept`). */
  onResize(size: number, kept: boolean): void;
  onReset?(): void;
}

function Edge({ side, label, value, limits, forward, measure, onResize, onReset }: EdgeProps) {
  const [least, most] = limits;
  const direction = forward ? 1 : -1;
  const flat = side === "bottom";
  const now = (handle: HTMLElement): number => measure?.(handle) ?? value;
  const resize = (size: number, kept: boolean): void =>
    onResize(Math.round(Math.min(Math.max(size, least), most)), kept);

  const drag = (handle: HTMLElement, event: PointerEvent): void => {
    const at = (pointer: PointerEvent): number => (flat ? pointer.clientY : pointer.clientX);
    const start = at(event);
    const size = now(handle);
    event.preventDefault();
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    const ended = new AbortController();
    const { signal } = ended;
    let last = size;
    const follow = (move: PointerEvent): void => {
      last = size + direction * (at(move) - start);
      resize(last, false);
    };
    handle.addEventListener("pointermove", follow, { signal });
    for (const end of ["pointerup", "pointercancel"] as const) {
      handle.addEventListener(
        end,
        () => {
          ended.abort();
          if (last !== size) resize(last, true);
        },
        { signal },
      );
    }
  };
  const [less, more] = flat ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }): void => {
    const size = now(event.currentTarget);
    const step = event.shiftKey ? PAGE : STEP;
    if (event.key === more) resize(size + direction * step, true);
    else if (event.key === less) resize(size - direction * step, true);
    else if (event.key === "Home") resize(least, true);
    else if (event.key === "End") resize(most, true);
    else if (event.key === "Delete" && onReset) onReset();
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be focused or dragged
    <div
      class="ip-handle"
      data-side={side}
      data-testid={`resize-${side}`}
      role="separator"
      aria-orientation={flat ? "horizontal" : "vertical"}
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={least}
      aria-valuemax={most}
      tabIndex={0}
      data-tip={label}
      onPointerDown={(event) => drag(event.currentTarget, event)}
      onDblClick={onReset}
      onKeyDown={onKeyDown}
    />
  );
}

/** The edge between a side panel and the workspace. */
export function ResizeHandle({ side, width }: { side: "left" | "right"; width: number }) {
  const actions = useActions();
  return (
    <Edge
      side={side}
      label={side === "left" ? t.frame.leftWidth : t.frame.rightWidth}
      value={width}
      limits={LIMITS[side]}
      // Moving the edge away from the panel's own side makes the panel wider.
      forward={side === "left"}
      // Between wide panels the workspace keeps its room, so that a panel may be narrower than it was set.
      measure={(handle) =>
        (side === "left" ? handle.previousElementSibling : handle.nextElementSibling)?.clientWidth ?? width
      }
      onResize={(size) => actions.setPanels({ [side]: size })}
    />
  );
}

interface HeightHandleProps {
  /** Null is the automatic height. */
  height: number | null;
  frame: { current: HTMLElement | null };
}

/** The lower edge of the studio. A double click or Delete makes the height automatic again. */
export function HeightHandle({ height, frame }: HeightHandleProps) {
  const { setHeight } = usePage();
  const measure = (): number => frame.current?.offsetHeight || (height ?? HEIGHTS[0]);
  return (
    <Edge
      side="bottom"
      label={t.frame.height}
      value={height ?? measure()}
      limits={HEIGHTS}
      forward
      measure={measure}
      onResize={setHeight}
      onReset={() => setHeight(null, true)}
    />
  );
}
