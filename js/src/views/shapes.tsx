// Choices of the shape of a picture, each drawn as its shape.
import { useState } from "preact/hooks";
import { presetOf } from "../lib/dimensions";
import { t } from "../messages";

const BOX = 20;
const LONGER_EDGE = 16;
/** The least thickness of a drawn shape, so that even 8:1 is a shape. */
const THINNEST = 3;
/** The most columns, and the least width of each in pixels, by the length of the longest text in letters. */
const COLUMNS = [
  [5, 7, 32],
  [7, 4, 46],
  [Number.POSITIVE_INFINITY, 3, 70],
] as const;
/** With more shapes than this, the usual ones are shown first, and the others on demand. */
const MANY = 12;

export interface Shape {
  text: string;
  /** Width divided by height, or null if the choice has no shape ("auto"). */
  ratio: number | null;
  chosen: boolean;
  onChoose(): void;
}

export function Shapes({ label, shapes }: { label: string; shapes: readonly Shape[] }) {
  const [all, setAll] = useState(false);
  const usual = ({ ratio, chosen }: Shape): boolean => chosen || ratio === null || presetOf(ratio) >= 0;
  const many = shapes.length > MANY;
  const shown = many && !all ? shapes.filter(usual) : shapes;
  const places = shown.length + (many ? 1 : 0);
  const longest = Math.max(...shown.map(({ text }) => text.length));
  const [, most, least] = COLUMNS.find(([letters]) => longest <= letters) ?? COLUMNS[2];
  // Rows of about the same length, also where the panel is so narrow that there must be one more.
  const rows = Math.ceil(places / most);
  const sizes = {
    "--columns": Math.ceil(places / rows),
    "--fewer": Math.ceil(places / (rows + 1)),
    "--least": `${least}px`,
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a frame and a legend that cannot be laid out
    <div class="ip-ratios" role="group" aria-label={label} style={sizes}>
      {shown.map(({ text, ratio, chosen, onChoose }) => (
        <button key={text} type="button" class="ip-ratio" aria-pressed={chosen} onClick={onChoose}>
          <Drawing ratio={ratio} />
          <span>{text}</span>
        </button>
      ))}
      {many && (
        <button type="button" class="ip-ratio" aria-expanded={all} onClick={() => setAll(!all)}>
          <span class="ip-ratio-more">{all ? "–" : "+"}</span>
          <span>{all ? t.size.fewer : t.size.more}</span>
        </button>
      )}
    </div>
  );
}

function Drawing({ ratio }: { ratio: number | null }) {
  const width = Math.max(LONGER_EDGE * Math.min(ratio ?? 1, 1), THINNEST);
  const height = Math.max(LONGER_EDGE * Math.min(1 / (ratio ?? 1), 1), THINNEST);
  return (
    <svg width={BOX} height={BOX} viewBox={`0 0 ${BOX} ${BOX}`} aria-hidden="true">
      <rect
        x={(BOX - width) / 2}
        y={(BOX - height) / 2}
        width={width}
        height={height}
        rx="2"
        stroke-dasharray={ratio === null ? "3 2.4" : undefined}
      />
    </svg>
  );
}
