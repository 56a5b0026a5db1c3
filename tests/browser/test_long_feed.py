"""A feed of thousands of images, on the page alone with a scripted kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from scripts.lab import WAIT
from scripts.page_states import DRAWN, page_server

pytestmark = pytest.mark.browser

RUSH = """async () => {
  const feed = document.querySelector('[data-testid=feed]');
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  let most = 0;
  for (let step = 0; step < 60; step++) {
    feed.scrollTop += 500;
    await frame();
    most = Math.max(most, feed.querySelectorAll('*').length);
  }
  return most;
}"""
IN_VIEW = """() => {
  const feed = document.querySelector('[data-testid=feed]');
  const { top, bottom } = feed.getBoundingClientRect();
  const tiles = [...feed.querySelectorAll('li > article [data-testid=tile]')].filter((tile) => {
    const box = tile.getBoundingClientRect();
    return box.bottom > top && box.top < bottom;
  });
  return tiles.length > 3 && tiles.every((tile) => tile.querySelector('img')?.naturalWidth > 0);
}"""


HELD = """() => {
  const at = document.activeElement;
  const feed = document.querySelector('[data-testid=feed]').getBoundingClientRect();
  const { top, bottom } = at.getBoundingClientRect();
  const seen = bottom > feed.top && top < feed.bottom;
  return seen ? at.closest('[data-generation-id]')?.dataset.generationId : 'out of sight';
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with page_server() as address:
        yield address


@pytest.fixture
def page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(f"{address}?long=2500")
    expect(page.get_by_test_id("tile-image").first).to_be_visible()
    return page


def test_a_feed_that_rushed_by_shows_its_pictures_and_holds_few_elements(page: Page) -> None:
    assert page.evaluate(RUSH) < 1200
    page.wait_for_function(IN_VIEW)
    assert page.evaluate("document.querySelectorAll('[data-testid=feed] *').length") < 1200


def test_the_feed_goes_on_where_the_large_image_was_left(page: Page) -> None:
    page.get_by_test_id("tile-image").first.click()
    lightbox = page.get_by_test_id("lightbox")
    for _ in range(40):
        before = lightbox.get_attribute("aria-label")
        caption = lightbox.locator(".ip-lightbox-prompt").text_content()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            """([label, caption]) => {
              const box = document.querySelector('[data-testid=lightbox]');
              const now = box.querySelector('.ip-lightbox-prompt').textContent;
              return box.ariaLabel !== label || now !== caption;
            }""",
            arg=[before, caption],
        )
    prompt = lightbox.locator(".ip-lightbox-prompt").text_content()
    page.keyboard.press("Escape")
    expect(lightbox).to_have_count(0)
    page.wait_for_function(f"({HELD})()?.startsWith('a')")
    batch = page.locator("[data-batch-id]", has=page.locator(":focus"))
    expect(batch).to_contain_text(str(prompt))


def test_a_deletion_in_the_lightbox_can_be_taken_back_there(page: Page) -> None:
    tile = page.get_by_test_id("tile").filter(has=page.get_by_test_id("tile-image")).first
    name = tile.get_attribute("data-generation-id")
    tile.get_by_test_id("tile-image").click()
    page.get_by_test_id("lightbox-delete").click()
    expect(page.locator(f'[data-generation-id="{name}"]')).to_have_count(0)
    page.get_by_test_id("lightbox").get_by_test_id("notice-action").click()
    expect(page.locator(f'[data-generation-id="{name}"]')).to_have_count(1)


def test_the_line_between_two_images_is_dragged_where_it_stands(page: Page) -> None:
    page.get_by_test_id("tile-image").first.click()
    for name in ("lightbox-compare", "lightbox-after", "compare-slider"):
        page.get_by_test_id(name).click()
    handle = page.get_by_test_id("compare-handle")
    before = handle.bounding_box()
    assert before is not None
    middle = before["x"] + before["width"] / 2
    page.mouse.move(middle, before["y"] + 40)
    page.mouse.down()
    page.mouse.move(middle - 120, before["y"] + 60, steps=4)
    page.mouse.up()
    after = handle.bounding_box()
    assert after is not None
    assert after["x"] == pytest.approx(before["x"] - 120, abs=2)
    page.mouse.move(middle, before["y"] + 40)
    assert handle.bounding_box() == after


def test_the_feed_waits_for_no_image_that_is_gone(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(f"{address}?shapes&height=420")
    expect(page.get_by_test_id("tile-image").first).to_be_visible()
    page.get_by_test_id("filter-button").click()
    page.get_by_test_id("filter-status").select_option("error")
    expect(page.get_by_test_id("batch")).to_have_count(2)
    page.get_by_test_id("tile-image").first.click()
    expect(page.get_by_test_id("lightbox")).to_be_visible()
    page.keyboard.press("Delete")
    expect(page.locator('[data-generation-id="b4-0"]')).to_have_count(0)
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("lightbox")).to_have_count(0)
    expect(page.get_by_test_id("feed")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator('[data-generation-id="b4-1"]')).to_be_visible()
    page.evaluate(DRAWN)
    expect(page.get_by_test_id("feed")).to_be_focused()
