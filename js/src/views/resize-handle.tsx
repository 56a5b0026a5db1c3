import { t } from "../messages";
import { useActions } from "./context";

const STEP = 16;
const LIMITS = { left: [220, 480], right: [160, 400] } as const;

/** The edge between two panels: dragged, or moved with the arrow keys. */
export function ResizeHandle({ side, width }: { side: "left" | "right"; width: number }) {
  const actions = useActions();
  const [least, most] = LIMITS[side];
  // Away from the panel's own side makes it wider.
  const direction = side === "left" ? 1 : -1;
  const resize = (next: number): void =>
    actions.setPanels({ [side]: Math.round(Math.min(Math.max(next, least), most)) });

  const drag = (handle: HTMLElement, event: PointerEvent): void => {
    const start = event.clientX;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const ended = new AbortController();
    const { signal } = ended;
    const follow = (move: PointerEvent): void => resize(width + direction * (move.clientX - start));
    handle.addEventListener("pointermove", follow, { signal });
    for (const end of ["pointerup", "pointercancel"] as const) {
      handle.addEventListener(end, () => ended.abort(), { signal });
    }
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be focused or dragged
    <div
      class="ip-handle"
      data-side={side}
      role="separator"
      aria-orientation="vertical"
      aria-label={side === "left" ? t.frame.leftWidth : t.frame.rightWidth}
      aria-valuenow={width}
      aria-valuemin={least}
      aria-valuemax={most}
      tabIndex={0}
      onPointerDown={(event) => drag(event.currentTarget, event)}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") resize(width + direction * STEP);
        else if (event.key === "ArrowLeft") resize(width - direction * STEP);
      }}
    />
  );
}
