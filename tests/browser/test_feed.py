"""Keeping order in a long feed: ZIP, stars, search, selection, and taking a deletion back."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT, View

pytestmark = pytest.mark.browser

INSTANT = "demo:instant"


def test_a_batch_is_downloaded_as_a_zip_with_its_recipes(view: View, store: Path) -> None:
    view.generate("a lighthouse at night", 2, model=INSTANT)
    view.expect_images(2)
    batch = view.batches().first
    batch.hover()
    batch.get_by_test_id("batch-menu").click()
    with view.page.expect_download(timeout=WAIT) as saved:
        view.part("zip-batch").click()
    assert saved.value.suggested_filename.endswith(".zip")
    with zipfile.ZipFile(saved.value.path()) as pack:
        recipes = json.loads(pack.read("recipes.json"))
        images = [name for name in pack.namelist() if name != "recipes.json"]
        assert len(images) == len(set(images)) == len(recipes) == 2
        assert {recipe["prompt"] for recipe in recipes} == {"a lighthouse at night"}
        originals = {path.read_bytes() for path in store.parent.rglob("*.png")}
        assert {pack.read(name) for name in images} <= originals


def test_stars_search_and_a_selection_that_is_deleted_and_comes_back(view: View) -> None:
    view.generate("a red fox", 2, model=INSTANT)
    view.expect_images(2)
    view.generate("a blue owl", 1)
    view.expect_images(3)

    owl = view.tiles("success").first
    owl.hover()
    owl.get_by_test_id("favourite").click()
    view.part("filter-button").click()
    view.part("filter-favourites").click()
    expect(view.batches()).to_have_count(1)
    expect(view.batches().first).to_contain_text("a blue owl")
    view.part("filter-favourites").click()
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
