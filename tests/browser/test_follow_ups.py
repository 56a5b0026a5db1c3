"""What can be done with a finished image, on its tile and in the large view."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from scripts.lab import WAIT, View
from scripts.served import Served
from tests.browser.served import opened

pytestmark = pytest.mark.browser


@pytest.fixture
def view(page: Page, tmp_path: Path) -> Iterator[View]:
    # A follow-up can choose another model, which the next test must not find.
    server = Served(tmp_path / "follow-ups.sqlite")
    server.start()
    yield opened(page, server.address)
    server.kill()


def generate(view: View, prompt: str) -> Locator:
    view.part("prompt").fill(prompt)
    view.part("generate").click()
    expect(view.tiles().first.locator("img")).to_be_visible(timeout=WAIT)
    return view.tiles().first


def follow_ups(view: View, tile: Locator) -> Locator:
    tile.hover()
    tile.get_by_test_id("tile-menu").click()
    view.page.get_by_test_id("follow-up").click()
    return view.page.get_by_test_id("menu")


def test_an_image_is_enlarged_by_one_click_in_its_topic(view: View) -> None:
    tile = generate(view, "a lighthouse for follow-ups")
    menu = follow_ups(view, tile)
    for name in ("Upscale", "Vary", "Extend", "Edit part"):
        expect(menu.get_by_role("menuitem", name=name).first).to_be_visible()
    # No model of a key that is set removes backgrounds.
    expect(menu.get_by_role("menuitem", name="Remove background")).to_have_count(0)
    menu.get_by_test_id("follow-upscale").first.click()
    batch = view.batches().first
    expect(batch).to_contain_text("Upscale")
    expect(batch).to_contain_text("Demo Upscale")
    expect(batch.locator("img").first).to_be_visible(timeout=WAIT)
    expect(view.batches()).to_have_count(2)


def test_the_menu_is_walked_by_keys_and_an_image_is_extended(view: View) -> None:
    tile = generate(view, "a dune for follow-ups")
    keyboard = view.page.keyboard
    menu = follow_ups(view, tile)
    menu.get_by_test_id("follow-outpaint").focus()
    keyboard.press("ArrowRight")
    expect(menu.get_by_test_id("extend-all")).to_be_focused()
    keyboard.press("ArrowLeft")
    expect(menu.get_by_test_id("follow-upscale")).to_be_visible()
    menu.get_by_test_id("follow-outpaint").click()
    menu.get_by_test_id("extend-left-right").click()
    batch = view.batches().first
    expect(batch).to_contain_text("Extend")
    expect(batch.locator("img").first).to_be_visible(timeout=WAIT)
    # Escape goes back one list at a time, and then leaves.
    follow_ups(view, tile)
    keyboard.press("Escape")
    expect(menu.get_by_test_id("follow-up")).to_be_visible()
    keyboard.press("Escape")
    expect(menu).to_have_count(0)


def test_a_part_is_painted_over_in_the_painter_that_opens(view: View) -> None:
    tile = generate(view, "a harbour for follow-ups")
    follow_ups(view, tile).get_by_test_id("follow-inpaint").click()
    expect(view.page.get_by_test_id("mask-painter")).to_be_visible(timeout=WAIT)


def test_the_large_view_offers_the_same(view: View) -> None:
    tile = generate(view, "a glacier for follow-ups")
    tile.locator("[data-select]").first.click()
    dialog = view.page.get_by_test_id("lightbox")
    dialog.get_by_test_id("lightbox-follow-up").click()
    view.page.get_by_test_id("menu").get_by_test_id("follow-vary").click()
    expect(dialog).to_have_count(0)
    expect(view.batches()).to_have_count(2)
    expect(view.batches().first).to_contain_text(re.compile("Demo Slow"))


def test_a_model_without_words_says_so_in_the_prompt_box(view: View) -> None:
    tile = generate(view, "a meadow for follow-ups")
    follow_ups(view, tile).get_by_test_id("follow-upscale").click()
    expect(view.batches()).to_have_count(2)
    batch = view.batches().first
    expect(batch.locator("img").first).to_be_visible(timeout=WAIT)
    batch.hover()
    batch.get_by_test_id("reuse").click()
    expect(view.part("prompt")).to_have_attribute("placeholder", re.compile("takes no words"))
    expect(view.part("generate")).to_be_enabled()
