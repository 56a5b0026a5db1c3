// Pictures for the page without a kernel: a sky, a sun and hills, different for each seed.

const drawn = new Map<string, Promise<DataView>>();
/** ?plain: small ones, where nobody looks at them. */
const SCALE = new URLSearchParams(location.search).has("plain") ? 1 / 16 : 1;

/** Return a picture; the same one is drawn once. */
export function picture(seed: number, width: number, height: number): Promise<DataView> {
  const key = `${seed} ${width} ${height}`;
  const known = drawn.get(key) ?? draw(seed, width, height);
  if (drawn.size < 100) drawn.set(key, known);
  return known;
}

async function draw(seed: number, width: number, height: number): Promise<DataView> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * SCALE);
  canvas.height = Math.ceil(height * SCALE);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.scale(SCALE, SCALE);
  const hue = (seed * 67) % 360;
  const sky = context.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, `hsl(${hue} 60% 34%)`);
  sky.addColorStop(1, `hsl(${(hue + 50) % 360} 90% 76%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  context.fillStyle = `hsl(${(hue + 70) % 360} 100% 88%)`;
  context.beginPath();
  context.arc(width * (0.25 + (seed % 5) * 0.12), height * 0.38, Math.min(width, height) * 0.12, 0, 7);
  context.fill();
  for (let layer = 0; layer < 4; layer++) {
    context.fillStyle = `hsl(${(hue + layer * 14) % 360} ${40 + layer * 6}% ${40 - layer * 9}%)`;
    context.beginPath();
    context.moveTo(0, height);
    for (let x = 0; x <= width; x += 8) {
      const wave = Math.sin(x / (width / (3 + layer)) + seed * 1.7 + layer) * height * 0.05;
      context.lineTo(x, height * (0.55 + layer * 0.11) + wave);
    }
    context.lineTo(width, height);
    context.fill();
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/webp", 0.85));
  return new DataView(await (blob as Blob).arrayBuffer());
}
