"""A feed of thousands of images, on the page alone with a scripted kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from scripts.lab import WAIT
from scripts.page_states import page_server

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
