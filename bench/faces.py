"""The measurement of the page over a socket and over a comm, in Chromium; it prints one line of JSON.

The same page is open on `imgplay serve`, where its messages go over a socket, and in JupyterLab, where they
go over a comm. The clicks alternate between both, so that the load of the machine is the same for both.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench.page import GENERATE, MAKE
from scripts.lab import LabServer, Notebook, View, chromium
from scripts.served import Served

PAIRS = 12
MODEL = "openai:gpt-image-2"

Round = dict[str, Any]


def open_in_lab(browser: Browser, server: LabServer, url: str, folder: Path) -> View:
    """Return the page in a notebook."""
    page = browser.new_page(viewport={"width": 1500, "height": 1000})
    notebook = Notebook(page, server, "bench", [MAKE.format(url=url, store=str(folder / "lab.sqlite")), "pg"])
    notebook.run(0)
    notebook.run(1)
    return notebook.view(1)


def open_served(browser: Browser, address: str) -> View:
    """Return the page of a server."""
    page = browser.new_page(viewport={"width": 1500, "height": 1000})
    page.goto(address)
    view = View(page, page.get_by_test_id("imgplay"))
    view.choose_model(MODEL)
    return view


def click(view: View, number: int) -> Round:
    """Generate an image, and return the times."""
    page: Page = view.page
    page.bring_to_front()
    view.part("prompt").fill(f"a lighthouse on a cliff, number {number}")
    return page.evaluate(GENERATE)


def measure(url: str, folder: Path) -> dict[str, float]:
    """Return the times in ms."""
    # The server of the page reads these variables when it starts, as the kernel does in its first cell.
    os.environ.update(OPENAI_BASE_URL=url, OPENAI_API_KEY="none")
    served = Served(folder / "served.sqlite")
    served.start()
    try:
        with (
            LabServer(folder / "lab") as server,
            sync_playwright() as playwright,
            chromium(playwright) as browser,
        ):
            views = {
                "comm": open_in_lab(browser, server, url, folder),
                "socket": open_served(browser, served.address),
            }
            found = rounds(lambda name, number: click(views[name], number))
    finally:
        served.kill()
    times = {
        f"{name}_{what}_ms": median(one[part] for one in each)
        for name, each in found.items()
        for what, part in (("tile", "tile"), ("thumbnail", "whole"))
    }
    pairs = zip(found["socket"], found["comm"], strict=True)
    return {**times, "tile_ratio": median(mine["tile"] / theirs["tile"] for mine, theirs in pairs)}


def rounds(take: Callable[[str, int], Round]) -> dict[str, list[Round]]:
    """Return the measured rounds of both pages, each after the other and in both orders."""
    found: dict[str, list[Round]] = {"comm": [], "socket": []}
    # The first pair loads what the pages and their servers load with the first request.
    for number in range(PAIRS + 1):
        for name in sorted(found, reverse=number % 2 == 1):
            taken = take(name, number)
            if number:
                found[name].append(taken)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as folder:
        print(json.dumps(measure(args.url, Path(folder))))


if __name__ == "__main__":
    main()
