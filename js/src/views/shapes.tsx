// Choices that are shapes of a picture, drawn as such.

const BOX = 18;
const LONGER_EDGE = 14;
/** More letters than this need more than one place of the grid. */
const SHORT = 5;

interface Shape {
  text: string;
  /** Width divided by height, or null where the choice is none ("auto"). */
  ratio: number | null;
  chosen: boolean;
  onChoose(): void;
}

export function Shapes({ label, shapes }: { label: string; shapes: readonly Shape[] }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a frame and a legend that cannot be laid out
    <div class="ip-ratios" role="group" aria-label={label}>
      {shapes.map(({ text, ratio, chosen, onChoose }) => (
        <button
          key={text}
          type="button"
          class="ip-ratio"
          title={ratio === null ? text : undefined}
          aria-pressed={chosen}
          style={text.length > SHORT ? { gridColumn: `span ${text.length > 2 * SHORT ? 3 : 2}` } : undefined}
          onClick={onChoose}
        >
          <Drawing ratio={ratio} />
          <span>{text}</span>
        </button>
      ))}
    </div>
  );
}

function Drawing({ ratio }: { ratio: number | null }) {
  const width = LONGER_EDGE * Math.min(ratio ?? 1, 1);
  const height = LONGER_EDGE * Math.min(1 / (ratio ?? 1), 1);
  return (
    <svg width={BOX} height={BOX} viewBox={`0 0 ${BOX} ${BOX}`} aria-hidden="true">
      <rect
        x={(BOX - width) / 2}
        y={(BOX - height) / 2}
        width={width}
        height={height}
        rx="2"
        stroke-dasharray={ratio === null ? "3 2" : undefined}
      />
    </svg>
  );
}
