"""The gallery: only images, by date, star or score; with all that can be done in the feed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from scripts.lab import WAIT, View
from scripts.page_states import page_server

pytestmark = pytest.mark.browser

FIRST = """
from imgplay_widget import ImagePlayground

pg = ImagePlayground(store={!r}, model="demo:instant")
pg
"""
MAKE = """
made = [pg.generate(prompt, n=2).result(60, progress=False) for prompt in ("a low tide", "a high tide")]
images = [image for result in made for image in result]
for image, value in zip(images, (0.4, 0.1, 0.3, 0.2)):
    image.scores["clip"] = value
pg.star(images[1])
pg.generate("an owl", topic="Owls").result(60, progress=False)
"""
MORE = 'pg.generate("a spring tide", topic=pg.topics[1]).result(60, progress=False)'

TILES = "'[data-view=gallery] li[data-row]'"
BOXES = """tiles => tiles.map(tile => {
  const { left, right, top, height } = tile.getBoundingClientRect();
  return [left, right, top, height].map(Math.round);
})"""
IN_VIEW = """() => {
  const feed = document.querySelector('[data-view=gallery]');
  const { top, bottom } = feed.getBoundingClientRect();
  const tiles = [...feed.querySelectorAll('li[data-row]')].filter((tile) => {
    const box = tile.getBoundingClientRect();
    return box.bottom > top && box.top < bottom;
  });
  return tiles.length > 3 && tiles.every((tile) => tile.querySelector('img')?.naturalWidth > 0);
}"""


# A line between two rows of tiles, or the name of a day, can lie at the very middle.
IN_MIDDLE = """() => {
  const feed = document.querySelector('[data-view=gallery]');
  const { top, height } = feed.getBoundingClientRect();
  const distance = (tile) => {
    const box = tile.getBoundingClientRect();
    return Math.abs(box.top + box.height / 2 - top - height / 2);
  };
  const tiles = [...feed.querySelectorAll('li[data-row]')];
  return tiles.sort((one, other) => distance(one) - distance(other))[0].dataset.row;
}"""


def images(view: View) -> Locator:
    return view.root.locator("[data-view=gallery] [data-select]")


def expect_order(view: View, *names: str) -> None:
    """Wait until the gallery shows these images in this order."""
    expect(images(view)).to_have_count(len(names), timeout=WAIT)
    for index, name in enumerate(names):
        number, prompt = name.split(" ", 1)
        label = f"Open image {number}: {prompt}"
        expect(images(view).nth(index)).to_have_attribute("aria-label", label, timeout=WAIT)


def test_the_gallery_shows_images_by_date_star_and_score_and_is_remembered(
    open_notebook, store: Path
) -> None:
    notebook = open_notebook([FIRST.format(str(store)), MAKE, MORE])
    notebook.run(0)
    view = notebook.view()
    notebook.run(1)
    view.topics().filter(has_text="a low tide").first.locator("[data-row]").click()
    view.part("gallery-button").click()
    expect(view.part("gallery-button")).to_have_attribute("aria-pressed", "true")
    expect_order(view, "1 a high tide", "2 a high tide", "1 a low tide", "2 a low tide")
    expect(view.part("day")).to_have_text(["Today"])
    expect(view.batches()).to_have_count(0)
    view.part("gallery-sort").select_option("starred")
    expect_order(view, "2 a low tide", "1 a high tide", "2 a high tide", "1 a low tide")
    view.part("gallery-sort").select_option(label="Highest clip first")
    expect_order(view, "1 a low tide", "1 a high tide", "2 a high tide", "2 a low tide")
    view.part("gallery-sort").select_option(label="Lowest clip first")
    expect_order(view, "2 a low tide", "2 a high tide", "1 a high tide", "1 a low tide")
    view.part("gallery-sort").select_option("newest")
    view.part("gallery-everywhere").click()
    expect_order(view, "1 an owl", "1 a high tide", "2 a high tide", "1 a low tide", "2 a low tide")
    # A new image appears at its place in the order.
    view.part("gallery-here").click()
    notebook.run(2)
    expect_order(view, "1 a spring tide", "1 a high tide", "2 a high tide", "1 a low tide", "2 a low tide")
    # The filter of the feed counts here for each image.
    view.part("filter-button").click()
    view.part("filter-starred").click()
    expect_order(view, "2 a low tide")
    view.part("filter-search").fill("wolf")
    expect(view.part("nothing-found")).to_be_visible()
    view.part("filter-close").click()
    expect(images(view)).to_have_count(5)
    # It is there again after a reload, and a key leads back to the feed.
    notebook.reload()
    notebook.run(0)
    view = notebook.view()
    expect(images(view)).to_have_count(5, timeout=WAIT)
    view.part("feed").press("g")
    expect(view.batches()).to_have_count(3)
    view.part("prompt").press("g")
    expect(view.batches()).to_have_count(3)


def test_a_selection_is_deleted_and_comes_back_and_the_large_view_walks_across_batches(view: View) -> None:
    for prompt in ("a red fox", "a blue owl"):
        view.generate(prompt, 2, model="demo:instant")
        view.expect_images(2 if prompt == "a red fox" else 4)
    view.part("feed").press("g")
    expect_order(view, "1 a blue owl", "2 a blue owl", "1 a red fox", "2 a red fox")
    page = view.page
    # Arrows move, and Enter opens the image large; the arrows there go on to the next batch.
    images(view).nth(1).focus()
    page.keyboard.press("ArrowRight")
    expect(images(view).nth(2)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    large = view.part("lightbox")
    expect(large).to_contain_text("a blue owl")
    page.keyboard.press("ArrowRight")
    expect(large).to_contain_text("a red fox")
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    expect(images(view).nth(2)).to_be_focused()
    # A range over both batches.
    page.keyboard.press("Control+Enter")
    images(view).first.focus()
    page.keyboard.press("Shift+Enter")
    expect(view.part("selection")).to_contain_text("3 selected")
    page.keyboard.press("Escape")
    expect(view.part("selection")).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(view.part("selection")).to_contain_text("4 selected")
    page.keyboard.press("Escape")
    page.keyboard.press("Delete")
    expect_order(view, "2 a blue owl", "1 a red fox", "2 a red fox")
    view.part("notice-action").click()
    expect_order(view, "1 a blue owl", "2 a blue owl", "1 a red fox", "2 a red fox")
    first = view.tiles().first
    first.hover()
    first.get_by_test_id("star").click()
    expect(first.get_by_test_id("star")).to_have_attribute("aria-pressed", "true")
    first.get_by_test_id("tile-menu").click()
    view.part("menu").get_by_test_id("delete-generation").click()
    expect(images(view)).to_have_count(3)


# ------------------------------------------------------------------ the page alone, with a scripted kernel


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with page_server() as address:
        yield address


@pytest.fixture
def gallery(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(f"{address}?long=600&plain")
    page.get_by_test_id("gallery-button").click()
    expect(page.locator("[data-view=gallery] [data-testid=tile-image]").first).to_be_visible()
    return page


def test_thousands_of_images_come_page_by_page_and_few_of_them_are_drawn(gallery: Page) -> None:
    feed = gallery.get_by_test_id("feed")
    shown = gallery.locator("[data-view=gallery] li[data-row]")
    # Each time that the end comes into view, the next page is asked for.
    gallery.wait_for_function(
        """() => {
          const feed = document.querySelector('[data-testid=feed]');
          feed.scrollTop = feed.scrollHeight;
          return Number([...document.querySelectorAll(TILES)].at(-1)?.ariaPosInSet) > 300;
        }""".replace("TILES", TILES)
    )
    assert shown.count() < 60
    gallery.wait_for_function(IN_VIEW)
    # Back at the top, what was dropped from memory is asked for again.
    feed.evaluate("feed => { feed.scrollTop = 0 }")
    gallery.wait_for_function(IN_VIEW)
    assert shown.first.get_attribute("aria-posinset") == "1"


def test_the_large_view_goes_on_beyond_the_page_and_leads_back_to_its_image(gallery: Page) -> None:
    gallery.locator("[data-view=gallery] [data-select]").first.click()
    large = gallery.get_by_test_id("lightbox")
    expect(gallery.get_by_test_id("lightbox-image")).to_be_visible()
    for _ in range(70):
        before = large.get_attribute("aria-label")
        caption = large.locator(".ip-lightbox-prompt").text_content()
        gallery.keyboard.press("ArrowRight")
        gallery.wait_for_function(
            """([label, caption]) => {
              const box = document.querySelector('[data-testid=lightbox]');
              const now = box.querySelector('.ip-lightbox-prompt').textContent;
              return box.ariaLabel !== label || now !== caption;
            }""",
            arg=[before, caption],
        )
    gallery.keyboard.press("Escape")
    expect(large).to_be_hidden()
    gallery.wait_for_function(
        "document.activeElement.closest('[data-view=gallery] li[data-row]')?.ariaPosInSet > 60"
    )


def test_an_image_that_arrives_moves_nothing_that_is_read_and_takes_no_focus(gallery: Page) -> None:
    feed = gallery.get_by_test_id("feed")
    counted = gallery.locator("[data-view=gallery] li[data-row]").first.get_attribute("aria-setsize")
    gallery.get_by_test_id("prompt").fill("a new fox")
    gallery.get_by_test_id("generate").click()
    feed.evaluate("feed => { feed.scrollTop = 900 }")
    gallery.wait_for_function(IN_VIEW)
    tile = gallery.locator(f'[data-row="{gallery.evaluate(IN_MIDDLE)}"]')
    tile.locator("[data-select]").focus()
    before, number = tile.evaluate_all(BOXES)[0], tile.get_attribute("aria-posinset")
    gallery.evaluate("window.marked = document.activeElement")
    gallery.wait_for_function(
        "number => Number(document.activeElement.closest('li[data-row]').ariaPosInSet) === number + 4",
        arg=int(number or 0),
    )
    assert gallery.evaluate("window.marked === document.activeElement")
    after = tile.evaluate_all(BOXES)[0]
    assert abs(after[2] - before[2]) < max(before[3], after[3]) + 8
    assert counted == "-1"


def test_lines_end_where_the_gallery_does_and_follow_the_size(gallery: Page) -> None:
    def boxes() -> list[list[int]]:
        return gallery.locator("[data-view=gallery] li[data-row]").evaluate_all(BOXES)

    right = max(box[1] for box in boxes())
    lines: dict[int, int] = {}
    for _, end, top, _ in boxes():
        lines[top] = max(lines.get(top, 0), end)
    full = [end for end in lines.values() if abs(end - right) <= 2]
    assert len(full) >= len(lines) - 2
    high = boxes()[0][3]
    gallery.get_by_test_id("feed").press("+")
    gallery.wait_for_function(
        "high => document.querySelector('[data-view=gallery] li[data-row]').offsetHeight < high - 50",
        arg=high,
    )


def test_a_phone_has_two_columns_and_a_long_press_selects(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 420, "height": 900}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(f"{address}?long=100&plain")
    page.get_by_test_id("gallery-button").tap()
    tiles = page.locator("[data-view=gallery] [data-testid=tile]")
    expect(tiles.first.get_by_test_id("tile-image")).to_be_visible()
    assert page.locator("[data-view=gallery]").evaluate("feed => feed.scrollWidth <= feed.clientWidth")
    held = {"pointerType": "touch", "button": 0, "bubbles": True}
    tiles.nth(1).locator("[data-select]").dispatch_event("pointerdown", held)
    expect(page.get_by_test_id("selection")).to_contain_text("1 selected")
    tiles.nth(2).locator("[data-select]").tap()
    expect(page.get_by_test_id("selection")).to_contain_text("2 selected")
    context.close()
