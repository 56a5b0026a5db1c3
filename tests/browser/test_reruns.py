"""A cell that shows the studio is run again and again, as users do."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT
from tests.browser.conftest import OpenNotebook

pytestmark = pytest.mark.browser

RUNS = 6


def test_the_studios_of_earlier_runs_of_a_cell_cost_nothing(
    open_notebook: OpenNotebook, studio_cells: list[str]
) -> None:
    notebook = open_notebook(studio_cells)
    session = notebook.page.context.new_cdp_session(notebook.page)
    received: list[int] = []

    def note(event: dict[str, Any]) -> None:
        received.append(len(event["response"]["payloadData"]))

    session.on("Network.webSocketFrameReceived", note)
    session.send("Network.enable")

    def cost(prompt: str) -> int:
        """Return the bytes that reach the browser for one request of four images with previews."""
        view = notebook.view()
        expect(view.root.locator("[data-live=true]")).to_be_visible(timeout=WAIT)
        received.clear()
        view.generate(prompt, 4, model="demo:slow")
        expect(view.batches().first.get_by_test_id("tile-image")).to_have_count(4, timeout=WAIT)
        # The state comes a second after the last image, and once at most.
        notebook.run(1)
        return sum(received)

    notebook.run(0)
    first = cost("a sunset over the sea")
    for _ in range(RUNS):
        notebook.run(0)
    last = cost("a quiet forest")
    # Each run would add as much as the first request cost.
    assert last < 2 * first, (first, last)
