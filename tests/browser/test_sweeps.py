"""A sweep on the page: one card with its grid, small and large, with all that a batch can do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scripts.lab import WAIT, View
from scripts.page_states import page_server

pytestmark = pytest.mark.browser

FIRST = """
from imgplay_widget import ImagePlayground

pg = ImagePlayground(store={!r}, model="demo:instant")
pg
"""
CALL = (
    'grid = pg.sweep("a {animal} in {style}", animal=["fox", "owl"], style=["oil", "ink", "chalk"])\n'
    "grid.result(60, progress=False)"
)
ONE = 'pg.delete(grid[{"animal": "owl", "style": "ink"}])'
MORE = 'pg.generate("alone", topic=grid.topic_id).result(60, progress=False)'


def cell(view: View | Page, name: str) -> Locator:
    root = view.root if isinstance(view, View) else view
    return root.locator(f'[data-testid="sweep-cell"][data-cell="{name}"]')


def heads(card: Locator, role: str) -> Locator:
    return card.locator(f'[role="{role}"]')


def test_a_sweep_is_one_card_that_stays_right_whatever_happens_to_its_images(
    open_notebook, store: Path
) -> None:
    notebook = open_notebook([FIRST.format(str(store)), CALL, ONE, CALL, MORE])
    notebook.run(0)
    view = notebook.view()
    notebook.run(1)
    card = view.part("sweep")
    expect(card).to_have_count(1)
    expect(view.batches()).to_have_count(0)
    expect(view.part("sweep-count")).to_have_text("6 images", timeout=WAIT)
    view.expect_images(6)
    expect(heads(card, "rowheader")).to_have_text(["oil", "ink", "chalk"])
    expect(heads(card, "columnheader")).to_have_text(["fox", "owl"])
    expect(card.get_by_role("button", name="owl, chalk, image 1", exact=True)).to_be_visible()
    # The other axis.
    view.part("swap-axes").click()
    expect(heads(card, "columnheader")).to_have_text(["oil", "ink", "chalk"])
    # An image is deleted, and comes back.
    tile = cell(view, "fox, ink").get_by_test_id("tile")
    tile.hover()
    tile.get_by_test_id("tile-menu").click()
    view.part("menu").get_by_test_id("delete-generation").click()
    expect(cell(view, "fox, ink").get_by_test_id("sweep-gone")).to_be_visible()
    expect(view.part("sweep-count")).to_have_text("5 of 6 images")
    view.part("notice-action").click()
    expect(cell(view, "fox, ink").get_by_test_id("tile-image")).to_be_visible()
    # Code deletes a batch, and the same call makes it again.
    notebook.run(2)
    expect(cell(view, "owl, ink").get_by_test_id("sweep-gone")).to_be_visible(timeout=WAIT)
    notebook.run(3)
    expect(cell(view, "owl, ink").get_by_test_id("tile-image")).to_be_visible(timeout=WAIT)
    expect(card).to_have_count(1)
    notebook.run(4)
    expect(view.batches()).to_have_count(1, timeout=WAIT)
    # It is there again after a reload.
    notebook.reload()
    notebook.run(0)
    view = notebook.view()
    view.part("feed").evaluate("feed => { feed.scrollTop = feed.scrollHeight }")
    expect(view.part("sweep-count")).to_have_text("6 images", timeout=WAIT)
    # A filter shows each batch by itself.
    view.part("filter-button").click()
    view.part("filter-search").fill("owl")
    expect(view.batches()).to_have_count(3, timeout=WAIT)
    expect(view.part("sweep")).to_have_count(0)
    view.part("filter-close").click()
    # All of it is deleted, and comes back.
    view.part("feed").evaluate("feed => { feed.scrollTop = feed.scrollHeight }")
    view.part("sweep-menu").click()
    view.part("delete-sweep").click()
    expect(view.part("sweep")).to_have_count(0)
    expect(view.batches()).to_have_count(1)
    view.part("notice-action").click()
    view.part("feed").evaluate("feed => { feed.scrollTop = feed.scrollHeight }")
    expect(view.part("sweep-count")).to_have_text("6 images", timeout=WAIT)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with page_server() as running:
        yield running


@pytest.fixture
def mock(browser: Browser, address: str) -> Iterator[Page]:
    """Return a page without a notebook, with the sweep that its test opens."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{address}?plain&sweep=done")
    expect(page.get_by_test_id("sweep").get_by_test_id("tile-image")).to_have_count(9, timeout=WAIT)
    yield page
    context.close()


def focused(page: Page, name: str) -> None:
    expect(page.get_by_role("button", name=f"{name}, image 1", exact=True)).to_be_focused()


def test_arrows_walk_through_the_grid_and_tab_stops_once(mock: Page) -> None:
    grid = mock.get_by_test_id("sweep-scroll")
    expect(grid.locator("[data-select][tabindex='0']")).to_have_count(1)
    mock.get_by_role("button", name="fox, oil, image 1", exact=True).focus()
    for key, name in (
        ("ArrowRight", "fox, ink"),
        ("ArrowDown", "owl, ink"),
        ("End", "owl, pastel"),
        ("ArrowRight", "owl, pastel"),
        ("ArrowDown", "bear, pastel"),
        ("Home", "bear, oil"),
        ("Control+Home", "fox, oil"),
        ("ArrowLeft", "fox, oil"),
        ("Control+End", "bear, pastel"),
        ("ArrowUp", "owl, pastel"),
    ):
        mock.keyboard.press(key)
        focused(mock, name)
    expect(grid.locator("[data-select][tabindex='0']")).to_have_count(1)
    # Enter shows the image large, where arrows walk along the grid as it stands.
    mock.get_by_test_id("swap-axes").click()
    mock.get_by_role("button", name="fox, ink, image 1", exact=True).focus()
    mock.keyboard.press("Enter")
    large = mock.get_by_test_id("lightbox")
    expect(large).to_contain_text("a fox in ink")
    mock.keyboard.press("ArrowRight")
    expect(large).to_contain_text("a owl in ink")
    mock.keyboard.press("Escape")
    expect(large).to_be_hidden()
    focused(mock, "owl, ink")
    # A deleted image gives the focus to the next one.
    mock.keyboard.press("Delete")
    focused(mock, "bear, ink")
    expect(mock.get_by_test_id("sweep-gone")).to_have_count(1)


def test_the_large_grid_opens_over_the_studio_and_escape_closes_it(mock: Page) -> None:
    opener = mock.get_by_test_id("enlarge-sweep")
    opener.focus()
    mock.keyboard.press("Enter")
    large = mock.get_by_test_id("sweep-large")
    expect(large.get_by_test_id("tile-image")).to_have_count(9)
    # A menu for each axis.
    large.get_by_test_id("axis-style").click()
    mock.get_by_test_id("side-facets").click()
    expect(large.get_by_role("grid")).to_have_count(3)
    expect(large.locator('[role="columnheader"]')).to_have_count(0)
    large.get_by_test_id("axis-style").click()
    mock.get_by_test_id("side-rows").click()
    expect(large.locator('[role="rowheader"]')).to_have_text(["oil", "ink", "pastel"])
    # The size.
    box = large.get_by_test_id("tile").first.bounding_box()
    large.get_by_role("slider").fill("400")
    expect(large.get_by_test_id("tile").first).to_have_css("width", "400px")
    assert box is not None
    assert box["width"] < 400
    large.get_by_test_id("sweep-fit").click()
    # Selection, in the dialog and by its keys.
    large.get_by_test_id("tile").first.click(modifiers=["Control"])
    expect(large.get_by_test_id("selection")).to_contain_text("1 selected")
    mock.keyboard.press("Control+a")
    expect(large.get_by_test_id("selection")).to_contain_text("9 selected")
    mock.keyboard.press("Escape")
    expect(large.get_by_test_id("selection")).to_be_hidden()
    # An image over the grid, and back.
    large.get_by_role("button", name="owl, ink, image 1", exact=True).click()
    expect(mock.get_by_test_id("lightbox")).to_contain_text("a owl in ink")
    mock.keyboard.press("ArrowRight")
    mock.keyboard.press("Escape")
    expect(mock.get_by_test_id("lightbox")).to_be_hidden()
    expect(large.get_by_role("button", name="bear, ink, image 1", exact=True)).to_be_focused()
    mock.keyboard.press("Escape")
    expect(large).to_be_hidden()
    expect(opener).to_be_focused()
    # The choice is remembered.
    rows = mock.get_by_test_id("sweep").locator('[role="rowheader"]')
    expect(rows).to_have_text(["oil", "ink", "pastel"])


def test_a_sweep_of_two_hundred_draws_and_fetches_only_what_is_near_the_screen(
    browser: Browser, address: str
) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(f"{address}?plain&sweep=big")
    grid = page.get_by_test_id("sweep-scroll")
    expect(grid.get_by_test_id("tile-image").first).to_be_visible(timeout=WAIT)
    assert grid.get_by_test_id("tile").count() < 140
    grid.evaluate("grid => grid.scrollTo(grid.scrollWidth, grid.scrollHeight)")
    last = page.get_by_role("button", name="animal number 9, seed 19, image 1", exact=True)
    expect(last.get_by_test_id("tile-image")).to_be_visible(timeout=WAIT)
    assert grid.get_by_test_id("tile").count() < 140
    # A key leads to what was not drawn.
    last.focus()
    page.keyboard.press("Control+Home")
    focused(page, "animal number 0, seed 0")
    page.context.close()
