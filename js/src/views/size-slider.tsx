// How large the tiles of the feed are: automatic, or from small to one a row.
import { SIZES } from "../lib/arrange";
import { t } from "../messages";
import { useActions, useStore } from "./context";
import { Icon } from "./icon";

export function SizeSlider() {
  const size = useStore(({ config }) => config.panels.tileSize);
  const actions = useActions();
  const text = t.feed.sizes[size];
  return (
    <label class="ip-tile-size" title={`${t.feed.size}: ${text}`}>
      <Icon name="images" size={14} />
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
