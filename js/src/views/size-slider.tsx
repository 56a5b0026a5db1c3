// How large the tiles of the feed are: automatic, or from small to one a row.
import { useLayoutEffect, useRef } from "preact/hooks";
import { SIZES } from "../lib/arrange";
import { isShortcut } from "../lib/keyboard";
import { t } from "../messages/tools";
import { useActions, usePage, useStore } from "./context";
import { Icon } from "./icon";

export function SizeSlider() {
  const size = useStore(({ config }) => config.panels.tileSize);
  const actions = useActions();
  const text = t.feed.sizes[size];
  return (
    <label class="ip-tile-size" data-tip={`${t.feed.size}: ${text}`}>
      <Icon name="size" size={14} />
      <input
        class="ip-slider"
        type="range"
        max={SIZES - 1}
        value={size}
        style={{ "--share": `${(size / (SIZES - 1)) * 100}%` }}
        aria-label={t.feed.size}
        aria-valuetext={text}
        data-testid="tile-size"
        onInput={(event) => actions.setPanels({ tileSize: event.currentTarget.valueAsNumber })}
      />
    </label>
  );
}

/** The keys for the size, in the workspace that this stands in. */
export function SizeKeys() {
  const mark = useRef<HTMLElement>(null);
  const { store } = usePage();
  useLayoutEffect(() => {
    const root = mark.current?.parentElement;
    const onKey = (event: KeyboardEvent): void => {
      const step = { "+": 1, "-": -1 }[event.key];
      if (!step || !isShortcut(event)) return;
      event.preventDefault();
      const { config, setPanels } = store.getState();
      setPanels({ tileSize: Math.min(Math.max(config.panels.tileSize + step, 0), SIZES - 1) });
    };
    root?.addEventListener("keydown", onKey);
    return () => root?.removeEventListener("keydown", onKey);
  }, [store]);
  return <i ref={mark} hidden />;
}
