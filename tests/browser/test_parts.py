"""What a click opens loads when it is needed, from the kernel; without one, the page says so."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from scripts.lab import WAIT, LabServer, Notebook, View
from tests.browser.conftest import OpenNotebook

pytestmark = pytest.mark.browser

IDLE = "window.requestIdleCallback = () => 0;"


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    """A browser that never rests: nothing of the page is loaded before it is opened."""
    context.add_init_script(IDLE)
    return context


def test_a_part_opens_with_the_focus_in_it_and_gives_the_focus_back(notebook: Notebook, view: View) -> None:
    view.generate("a sunset over the sea", 1, model="demo:instant")
    view.expect_images(1)
    tile = view.tiles("success").first.get_by_role("button").first
    for opened in ("first", "again"):
        tile.focus()
        notebook.page.keyboard.press("Enter")
        large = view.part("lightbox")
        expect(large, opened).to_be_visible(timeout=WAIT)
        expect(view.part("part-waits"), opened).to_have_count(0)
        assert large.evaluate("dialog => dialog.contains(document.activeElement)")
        view.expect_decoded(view.part("lightbox-image"))
        notebook.page.keyboard.press("Escape")
        expect(large).to_have_count(0)
        expect(tile).to_be_focused()

    help_button = view.part("show-shortcuts")
    help_button.focus()
    notebook.page.keyboard.press("?")
    expect(view.part("shortcuts")).to_be_visible(timeout=WAIT)
    notebook.page.keyboard.press("Escape")
    expect(view.part("shortcuts")).to_have_count(0)
    expect(help_button).to_be_focused()


def test_the_parts_are_dressed_and_speak_the_language_of_the_host(
    open_notebook: OpenNotebook, studio_cells: list[str]
) -> None:
    notebook = open_notebook(studio_cells)
    notebook.page.evaluate("document.documentElement.lang = 'zh-CN'")
    notebook.run(0)
    view = notebook.view()
    expect(view.root).to_have_attribute("lang", "zh", timeout=WAIT)
    view.part("show-shortcuts").click()
    expect(view.part("shortcuts")).to_contain_text("键盘快捷键", timeout=WAIT)
    # The sheet of the part is there: the groups stand in columns.
    groups = view.part("shortcuts").locator("section")
    first, second = groups.first.bounding_box(), groups.last.bounding_box()
    assert first
    assert second
    assert first["x"] != second["x"]


def test_without_a_kernel_the_page_says_that_this_needs_one(
    notebook: Notebook, view: View, lab: LabServer
) -> None:
    view.generate("a sunset over the sea", 1, model="demo:instant")
    view.expect_images(1)
    tile = view.tiles("success").first.get_by_role("button").first
    lab.end_sessions()
    expect(view.part("connection")).to_have_attribute("data-lost", "true", timeout=WAIT)

    tile.focus()
    notebook.page.keyboard.press("Enter")
    said = view.part("part-needs-kernel")
    expect(said).to_contain_text(re.compile("This needs a running kernel. .*[Rr]un the cell"))
    # The page still shows the pictures that it has already.
    view.expect_decoded(view.part("large-still"))
    notebook.page.keyboard.press("Escape")
    expect(view.part("part-waits")).to_have_count(0)
    expect(tile).to_be_focused()
