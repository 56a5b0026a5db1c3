"""The measurement of what a user waits for, in JupyterLab and Chromium; it prints one line of JSON.

The page takes the times at each frame. The time of a file and the clock of the page come from one machine, so
that they can be subtracted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from scripts.lab import LabServer, Notebook, chromium

REPEATS = 5
LOADS = 3
"""Fresh loads of the page, each with its first click on an image."""
WAIT = 60_000
"""The longest wait for one change of the page, in ms."""

# The page offers only models of a catalog. So the bench uses the OpenAI provider with another base URL.
MAKE = """
import os
os.environ.update(OPENAI_BASE_URL={url!r}, OPENAI_API_KEY="none")
from imgplay_widget import ImagePlayground
pg = ImagePlayground({store!r}, model="openai:gpt-image-2")
"""
FILES = """
print({g.id: 1000 * g.path.stat().st_mtime for batch in pg.batches(limit=100) for g in batch})
"""

# What one frame finds is on the screen with the next frame.
_UNTIL = f"""const until = (found) => new Promise((resolve, reject) => {{
    const limit = performance.now() + {WAIT};
    const look = () => {{
      if (found()) requestAnimationFrame(() => resolve(performance.now()));
      else if (performance.now() > limit) reject(new Error(`waited in vain for ${{found}}`));
      else requestAnimationFrame(look);
    }};
    look();
  }});
  const part = (name) => document.querySelectorAll(`[data-testid="${{name}}"]`);"""
_DISPLAY = f"""async (index) => {{
  {_UNTIL}
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  const start = performance.now();
  void window.jupyterapp.commands.execute('notebook:run-cell');
  return await until(() => part('prompt').length && !part('config-panel')[0].inert) - start;
}}"""
GENERATE = f"""async () => {{
  {_UNTIL}
  // The feed draws only what is near the screen: a new tile is one that stands on top.
  const newestId = () => part('tile')[0]?.dataset.generationId;
  const before = newestId();
  await until(() => !part('generate')[0].disabled);
  const start = performance.now();
  part('generate')[0].click();
  const tile = await until(() => newestId() !== before);
  const newest = part('tile')[0];
  const shown = await until(() => newest.querySelector('[data-testid="tile-image"]')?.naturalWidth > 0);
  const id = newest.dataset.generationId;
  return {{ id, tile: tile - start, whole: shown - start, at: performance.timeOrigin + shown }};
}}"""

# Nothing is loaded before the click: the page would load its parts when the browser rests.
_NEVER_RESTS = "window.requestIdleCallback = () => 0;"
_OPEN = f"""async () => {{
  {_UNTIL}
  await until(() => part('tile-image')[0]?.naturalWidth > 0);
  // JupyterLab is still at work with the notebook that it has just opened.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const start = performance.now();
  part('tile-image')[0].parentElement.click();
  const shown = () => part('part-waits').length || part('lightbox').length;
  const acknowledged = await until(shown) - start;
  return {{ acknowledged, drawn: await until(() => part('lightbox').length) - start }};
}}"""


def first_opening(browser: Browser, server: LabServer, name: str, cells: Sequence[str]) -> dict[str, float]:
    """Return the times in ms from the first click on an image to an answer, and to the large view."""
    page = browser.new_page(viewport={"width": 1500, "height": 1000})
    page.add_init_script(_NEVER_RESTS)
    notebook = Notebook(page, server, name, cells)
    notebook.run(0)
    notebook.run(1)
    notebook.view(1)
    times = page.evaluate(_OPEN)
    page.close()
    return times


def measure(url: str, folder: Path) -> dict[str, float]:
    """Return the times in ms."""
    with (
        LabServer(folder / "lab") as server,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        cells = [MAKE.format(url=url, store=str(folder / "history.sqlite")), "pg", FILES]
        notebook = Notebook(page, server, "bench", cells)
        notebook.run(0)
        display = page.evaluate(_DISPLAY, 1)
        view = notebook.view(1)
        rounds: list[dict[str, float]] = []
        for number in range(REPEATS + 1):
            view.part("prompt").fill(f"a lighthouse on a cliff, number {number}")
            rounds.append(page.evaluate(GENERATE))
        notebook.run(2)
        written = eval(notebook.text(2))
        opened = [first_opening(browser, server, f"part-{number}", cells[:2]) for number in range(LOADS)]
        late = [r["at"] - written[r["id"]] for r in rounds]
    return {
        "display_ms": display,
        "part_acknowledged_ms": median(each["acknowledged"] for each in opened),
        "part_drawn_ms": median(each["drawn"] for each in opened),
        "first_click_to_tile_ms": rounds[0]["tile"],
        "click_to_tile_ms": median(r["tile"] for r in rounds[1:]),
        "file_to_thumbnail_ms": median(late[1:]),
        "click_to_thumbnail_ms": median(r["whole"] for r in rounds[1:]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as folder:
        print(json.dumps(measure(args.url, Path(folder))))


if __name__ == "__main__":
    main()
