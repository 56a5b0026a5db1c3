"""The measurement of a history of 10,000 images in JupyterLab, beside one of 10; it prints one line of JSON.

Opening counts from the run of the cell to the pictures on the screen. The two histories take turns in one
kernel, and begin with the same ten images. The times between frames also hold the rest of the page and,
without a GPU, all the drawing. So the times of the same page at rest are measured too.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from imgplay_widget import Studio
from imgplay_widget._studio.api import core_of
from scripts.lab import LabServer, Notebook, chromium

IMAGES = 10_000
NEWEST = (4, 4, 2)
"""The images of the newest batches, which are the small history and the top of the large one."""
PATTERNS = 12
"""The number of different batches of four that the large history repeats."""
REPEATS = 7
FRAMES = 240
STEPS = {"rest": 0, "scroll": 60, "rush": 300}
"""The pixels of each frame: at rest, with a fast wheel (3,600 a second), with a dragged scroll bar."""
SIZE = {"width": 1500, "height": 1000}

_CELLS = [
    "from imgplay_widget import ImagePlayground\npg = None",
    "if pg is not None: pg.close()\npg = ImagePlayground({few!r})\npg",
    "if pg is not None: pg.close()\npg = ImagePlayground({many!r})\npg",
]
_OPEN = """async (index) => {
  const { commands, shell } = window.jupyterapp;
  const notebook = shell.currentWidget.content;
  await commands.execute('notebook:clear-all-cell-outputs');
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  const start = performance.now();
  void commands.execute('notebook:run-cell');
  for (;;) {
    await new Promise(requestAnimationFrame);
    const feed = document.querySelector('[data-testid="feed"]')?.getBoundingClientRect();
    const seen = [...document.querySelectorAll('[data-testid="tile"]')].filter(
      (tile) => tile.getBoundingClientRect().top < feed.bottom);
    const shown = (tile) => tile.querySelector('[data-testid="tile-image"]')?.naturalWidth > 0;
    if (seen.length > 3 && seen.every(shown)) return performance.now() - start;
    if (performance.now() - start > 60_000) throw new Error('the images did not appear');
  }
}"""
_SCROLL = """async ([step, frames]) => {
  const feed = document.querySelector('[data-testid=feed]');
  const times = [];
  let last = performance.now();
  for (let frame = 0; frame < frames; frame++) {
    feed.scrollTop += step;
    const now = await new Promise((shown) => requestAnimationFrame(() => shown(performance.now())));
    times.push(now - last);
    last = now;
  }
  times.sort((a, b) => a - b);
  return [times[frames >> 1], times[Math.floor(frames * 0.95)]];
}"""


def make_store(path: Path, images: int) -> None:
    """Make a history with one topic of a number of images, which share the files of a few."""
    with Studio(path, titles="off") as studio:
        copies = images - sum(NEWEST)
        patterns = [4] * PATTERNS if copies else []
        for number, count in enumerate([*patterns, *NEWEST]):
            batch = studio.generate(
                f"a lighthouse on a cliff, study {number}",
                n=count,
                model="demo:instant",
                topic="Lighthouses",
                width=1024,
                height=(1024, 768, 1344)[number % 3],
            )
            batch.result(timeout=60)
        # The history also stores which topic is open.
        core_of(studio).start(core_of(studio).topics.select, studio.topics[0].id).result()
    if copies:
        repeat(path, (copies - 4 * PATTERNS) // 4)


def repeat(path: Path, count: int) -> None:
    """Write older copies of the first batches, an hour apart, each with ids of its own."""
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row

        def rows(table: str, where: str = "") -> list[dict[str, Any]]:
            return [dict(row) for row in database.execute(f"SELECT * FROM {table} {where} ORDER BY id")]

        batches = rows("image_generation_batches")[:PATTERNS]
        generations = rows("image_generations")
        tasks = {row["id"]: row for row in rows("image_async_tasks")}
        first = datetime.fromisoformat(batches[0]["created_at"])
        for number in range(count):
            at = first - timedelta(hours=number + 1)
            batch = batches[number % PATTERNS]
            made = old_id(at, 0)
            insert(database, "image_generation_batches", {**batch, "id": made, "created_at": text(at)})
            for each in (row for row in generations if row["batch_id"] == batch["id"]):
                task = tasks[each["async_task_id"]]
                slot = each["position"] + 1
                times = {name: text(at) for name in task if name.endswith("_at") and task[name]}
                ids = {"id": old_id(at, slot), "batch_id": made}
                insert(database, "image_async_tasks", {**task, **ids, **times})
                own = {"id": old_id(at, 64 + slot), "async_task_id": ids["id"], "created_at": text(at)}
                insert(database, "image_generations", {**each, "batch_id": made, **own})
        database.execute("UPDATE image_generation_topics SET images = images + ?", [4 * count])


def insert(database: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    """Write one row."""
    names = ", ".join(f'"{name}"' for name in row)
    database.execute(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values())
    )


def text(at: datetime) -> str:
    """Return a time in the form of the store."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def old_id(at: datetime, number: int) -> str:
    """Return a UUID of version 7 of a time."""
    digits = f"{int(at.timestamp() * 1000):012x}7{number:03x}8{number:015x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def busy(session: CDPSession) -> float:
    """Return the ms that the page's main thread has worked."""
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return 1000 * found["TaskDuration"]


def scroll(page: Page) -> dict[str, float]:
    """Return the times between frames and the work of the main thread, in ms, and the memory."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    session.send("Performance.enable")
    page.evaluate(_SCROLL, [STEPS["scroll"], FRAMES])
    found: dict[str, float] = {}
    for way, step in STEPS.items():
        before = busy(session)
        found[f"{way}_frame_ms"], found[f"{way}_frame_p95_ms"] = page.evaluate(_SCROLL, [step, FRAMES])
        found[f"{way}_cpu_ms_per_frame"] = (busy(session) - before) / FRAMES
    session.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    found["heap_mb"] = metrics["JSHeapUsedSize"] / 1e6
    found["feed_elements"] = page.evaluate(
        "document.querySelector('[data-testid=feed]').querySelectorAll('*').length"
    )
    return found


def measure(folder: Path) -> dict[str, float]:
    """Return the times in ms, and their ratios."""
    stores = {"few": folder / "few.sqlite", "many": folder / "many.sqlite"}
    make_store(stores["few"], sum(NEWEST))
    make_store(stores["many"], IMAGES)
    cells = [cell.format(**{name: str(path) for name, path in stores.items()}) for cell in _CELLS]
    with (
        LabServer(folder / "lab") as server,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        page = browser.new_page(viewport={"width": SIZE["width"], "height": SIZE["height"]})
        notebook = Notebook(page, server, "history", cells)
        notebook.run(0)
        opened: dict[str, list[float]] = {"few": [], "many": []}
        # The first round does not count, because it also loads what every later round has.
        for number in range(REPEATS + 1):
            for index, times in enumerate(opened.values(), start=1):
                took = page.evaluate(_OPEN, index)
                notebook.wait_for_end(index)
                if number:
                    times.append(took)
        found = {f"open_{name}_ms": median(times) for name, times in opened.items()}
        return {**found, "open_ratio": found["open_many_ms"] / found["open_few_ms"], **scroll(page)}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as folder:
        print(json.dumps({name: round(value, 2) for name, value in measure(Path(folder)).items()}))


if __name__ == "__main__":
    main()
