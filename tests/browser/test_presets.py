"""Presets in a real JupyterLab: saved, applied, renamed and deleted on the page, and seen by code."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from scripts.lab import WAIT, Notebook, View

pytestmark = pytest.mark.browser

PRESETS = "print(sorted(pg.presets.items()))"
SENT = "print([batch.prompt for batch in pg.batches()], pg.batches()[0].params.get('vivid'))"
FROM_CODE = "pg.presets['night'] = {'suffix': 'at night'}"


@pytest.fixture
def notebook(open_notebook, store: Path) -> Notebook:
    show = (
        "from imgplay_widget import ImagePlayground\n"
        f"pg = ImagePlayground(store={str(store)!r}, model='demo:instant')\npg"
    )
    notebook = open_notebook([show, PRESETS, SENT, FROM_CODE])
    notebook.run(0)
    return notebook


def printed(notebook: Notebook, cell: int) -> str:
    notebook.run(cell)
    return notebook.text(cell)


def row(view: View, name: str) -> Locator:
    return view.part("preset-list").locator(f'[data-name="{name}"]')


def test_a_preset_is_saved_applied_renamed_and_deleted(notebook: Notebook, view: View) -> None:
    vivid = view.part("config-panel").get_by_role("slider", name="Vivid")
    vivid.fill("0.5")
    view.part("presets").click()
    expect(view.part("preset-list")).to_be_visible(timeout=WAIT)
    view.part("preset-prefix").fill("A poster:")
    view.part("preset-suffix").fill(", flat colours")
    view.part("preset-name").fill("poster")
    view.part("save-preset").click()
    expect(row(view, "poster").get_by_test_id("preset")).to_have_attribute("aria-current", "true")
    # The words stand around the prompt at once.
    expect(view.part("words-prefix")).to_contain_text("A poster:")
    notebook.page.keyboard.press("Escape")
    expect(view.part("preset-list")).to_have_count(0)
    expect(view.part("presets")).to_be_focused()
    known = printed(notebook, 1)
    for text in ("poster", "demo:instant", "'vivid': 0.5", "A poster:", ", flat colours"):
        assert text in known

    # The page sends the words that it shows.
    view.generate("a fox", 1)
    view.expect_images(1)
    assert printed(notebook, 2).strip() == "['A poster: a fox, flat colours'] 0.5"
    view.part("drop-prefix").click()
    view.part("drop-suffix").click()
    expect(view.part("words-suffix")).to_have_count(0)
    vivid.fill("1")

    # A preset of code is there while the list is open, and the words outlive a reload.
    view.part("presets").click()
    notebook.run(3)
    view.part("presets").click()
    expect(row(view, "night")).to_be_visible(timeout=WAIT)
    row(view, "poster").get_by_test_id("preset").click()
    expect(view.part("words-suffix")).to_contain_text(", flat colours")
    expect(vivid).to_have_value("0.5")
    notebook.reload()
    view = notebook.view()
    expect(view.part("words-suffix")).to_contain_text(", flat colours", timeout=WAIT)

    view.part("presets").click()
    row(view, "night").get_by_test_id("rename-preset").click()
    view.part("preset-new-name").fill("late")
    view.part("preset-new-name").press("Enter")
    expect(row(view, "late")).to_be_visible(timeout=WAIT)
    expect(row(view, "late").get_by_test_id("rename-preset")).to_be_focused()
    row(view, "late").get_by_test_id("delete-preset").click()
    expect(row(view, "late")).to_have_count(0)
    notebook.page.keyboard.press("Escape")
    view.root.get_by_role("button", name="Undo").click()
    assert "late" in printed(notebook, 1)
