"""Scores and tags on tiles, in the large view, and as a filter and an order of the feed."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST = """
from imgplay_widget import ImagePlayground

pg = ImagePlayground(store={!r}, model="demo:instant")
pg
"""

MAKE = """
prompts = ("a low tide", "a high tide", "no tide")
made = [pg.generate(prompt).result(60, progress=False)[0] for prompt in prompts]
made[0].scores["clip"], made[1].scores["clip"] = 0.125, 0.75
made[0].tags.add("poster")
"""


def test_scores_and_tags_are_shown_and_the_feed_filters_and_sorts_by_them(open_notebook, store: Path) -> None:
    notebook = open_notebook([FIRST.format(str(store)), MAKE])
    notebook.run(0)
    view = notebook.view()
    notebook.run(1)
    expect(view.part("labels")).to_have_count(2)
    low = view.batches().filter(has_text="a low tide").get_by_test_id("labels")
    expect(low).to_contain_text("clip 0.125")
    expect(low).to_contain_text("poster")
    # Filter and sort.
    view.part("filter-button").click()
    view.part("filter-sort").select_option(label="Highest clip first")
    expect(view.batches()).to_have_count(3)
    expect(view.batches().nth(0)).to_contain_text("a high tide")
    expect(view.batches().nth(1)).to_contain_text("a low tide")
    view.part("filter-tag").select_option("poster")
    expect(view.batches()).to_have_count(1)
    view.part("filter-tag").select_option("")
    view.part("filter-score").select_option("clip")
    view.part("filter-at-least").fill("0.5")
    view.part("filter-at-least").press("Enter")
    expect(view.batches()).to_have_count(1)
    expect(view.batches().first).to_contain_text("a high tide")
    # All of them stand in the large view.
    view.tiles().first.locator("[data-select]").first.click()
    dialog = notebook.page.locator("dialog[open]")
    if not dialog.get_by_test_id("scores-and-tags").is_visible():
        notebook.page.keyboard.press("i")
    expect(dialog.get_by_test_id("scores-and-tags")).to_contain_text("0.75")
