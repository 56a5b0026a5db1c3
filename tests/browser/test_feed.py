"""Keeping order in a long feed: stars, search, selection, and the undo of a deletion."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from scripts.lab import View

pytestmark = pytest.mark.browser

INSTANT = "demo:instant"


def test_stars_search_and_a_selection_that_is_deleted_and_comes_back(view: View) -> None:
    view.generate("a red fox", 2, model=INSTANT)
    view.expect_images(2)
    view.generate("a blue owl", 1)
    view.expect_images(3)

    owl = view.tiles("success").first
    owl.hover()
    owl.get_by_test_id("star").click()
    view.part("filter-button").click()
    view.part("filter-starred").click()
    expect(view.batches()).to_have_count(1)
    expect(view.batches().first).to_contain_text("a blue owl")
    view.part("filter-starred").click()
    view.part("filter-search").fill("FOX")
    expect(view.batches()).to_have_count(1)
    expect(view.batches().first).to_contain_text("a red fox")
    view.part("filter-search").fill("wolf")
    expect(view.part("nothing-found")).to_be_visible()
    view.part("filter-close").click()
    expect(view.batches()).to_have_count(2)

    view.tiles().first.hover()
    view.tiles().first.get_by_test_id("select").click()
    view.tiles().nth(2).hover()
    view.tiles().nth(2).get_by_test_id("select").click(modifiers=["Shift"])
    expect(view.part("selection")).to_contain_text("3")
    view.part("selection-delete").click()
    expect(view.tiles()).to_have_count(0)
    view.part("notice-action").click()
    expect(view.tiles("success")).to_have_count(3)
    view.expect_images(3)
