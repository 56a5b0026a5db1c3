"""Measures how a feed of 10,000 images opens and scrolls beside one of 24; prints one line of JSON.

It runs on the page without a notebook (``node build.mjs --dev`` in ``js/``), with a kernel that answers at
once, so that the page alone is measured. CPU times are those of the page's main thread; the time between
frames also counts the machine's other work and, without a GPU, the drawing of the whole page: compare it
with that of a page that rests.
"""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import CDPSession, sync_playwright

from scripts.lab import chromium

DEV = Path(__file__).resolve().parents[1] / "js" / "dev"
FRAMES = 200
STEPS = {"rests": 0, "scrolls": 60, "rushes": 300}
"""Pixels a frame."""
BATCHES = {"few": 2, "many": 2500}
"""Of four images each, after the four batches that each page begins with."""

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


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the output is one line of JSON."""


def _spent(session: CDPSession) -> dict[str, float]:
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def _busy(spent: dict[str, float]) -> float:
    return spent["ScriptDuration"] + spent["LayoutDuration"] + spent["RecalcStyleDuration"]


def measure(origin: str) -> dict[str, float]:
    """Gives CPU and frame times in ms, the heap in MB and the number of nodes."""
    found: dict[str, float] = {}
    with sync_playwright() as playwright, chromium(playwright) as browser:
        for name, batches in BATCHES.items():
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            session = page.context.new_cdp_session(page)
            session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
            session.send("Performance.enable")
            page.goto(f"{origin}/index.html?long={batches}")
            page.get_by_test_id("tile-image").first.wait_for()
            found[f"{name}_open_cpu_ms"] = 1000 * _busy(_spent(session))
            if name == "few":
                page.close()
                continue
            for way, step in STEPS.items():
                before = _spent(session)
                median, p95 = page.evaluate(_SCROLL, [step, FRAMES])
                after = _spent(session)
                found[f"{way}_cpu_ms_per_frame"] = 1000 * (_busy(after) - _busy(before)) / FRAMES
                found[f"{way}_frame_ms_median"] = median
                found[f"{way}_frame_ms_p95"] = p95
            session.send("HeapProfiler.collectGarbage")
            found["heap_mb"] = _spent(session)["JSHeapUsedSize"] / 1e6
            found["elements"] = page.evaluate("document.querySelectorAll('*').length")
    found["open_ratio"] = found["many_open_cpu_ms"] / found["few_open_cpu_ms"]
    return {name: round(value, 2) for name, value in found.items()}


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(DEV)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        print(json.dumps(measure(f"http://127.0.0.1:{server.server_address[1]}")))
    finally:
        server.shutdown()


if __name__ == "__main__":
    main()
