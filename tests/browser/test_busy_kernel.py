"""The notebook never waits, and neither does the widget."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from scripts.lab import WAIT

pytestmark = pytest.mark.browser

BUSY = {
    "asleep": "import time\nprint('busy', flush=True)\nwhile True:\n    time.sleep(1)",
    "computing": "print('busy', flush=True)\nwhile True:\n    sum(range(1000))",
}


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    """A browser that never rests: nothing of the page is loaded before it is opened."""
    context.add_init_script("window.requestIdleCallback = () => 0;")
    return context


@pytest.mark.parametrize("kind", BUSY)
def test_a_click_is_answered_and_images_appear_while_a_cell_runs(
    open_notebook, studio_cells: list[str], kind: str
) -> None:
    # The cell runs until the test interrupts it.
    notebook = open_notebook([studio_cells[0], BUSY[kind]])
    notebook.run(0)
    view = notebook.view()
    notebook.start(1)
    expect(notebook.cell(1)).to_contain_text("busy", timeout=WAIT)

    view.generate("a sunset over the sea", 4, model="demo:instant")
    view.expect_images(4)
    assert notebook.is_running(1)
    expect(view.part("connection")).to_have_count(0)

    view.tiles("success").first.get_by_role("button").first.click()
    expect(view.part("lightbox")).to_be_visible(timeout=WAIT)
    view.expect_decoded(view.part("lightbox-image"))
    view.page.keyboard.press("Escape")
    assert notebook.is_running(1)

    notebook.interrupt()
    notebook.wait_for_end(1)
