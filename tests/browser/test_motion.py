"""Motion: short, of what a browser moves without a new layout, and none for who asks for none."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from scripts.lab import WAIT
from scripts.page_states import STATES, reach_state

pytestmark = pytest.mark.browser

# Notes what scripts move.
WATCH = """window.moved = [];
const { animate } = Element.prototype;
Element.prototype.animate = function (frames, options) {
  window.moved.push({ names: [...new Set(frames.flatMap(Object.keys))].sort(), ...options });
  return animate.call(this, frames, options);
};"""
MOVES = """() => document.getAnimations().map(({ effect, animationName, transitionProperty }) =>
  `${effect.target.className} ${animationName ?? transitionProperty}`)"""
MOVING = (
    "feed",
    "hover",
    "prompt",
    "queue",
    "edit",
    "references",
    "deleted",
    "selection",
    "lightbox",
    "loading",
)


@pytest.mark.parametrize("state", MOVING)
def test_nothing_moves_for_who_asks_for_less_motion(page: Page, page_address: str, state: str) -> None:
    assert state in STATES
    page.add_init_script(WATCH)
    page.emulate_media(reduced_motion="reduce")
    reach_state(page, page_address, state)
    assert page.evaluate(MOVES) == []
    assert page.evaluate("window.moved") == []


def test_an_image_comes_out_of_its_tile_and_can_be_left_at_once(page: Page, page_address: str) -> None:
    page.add_init_script(WATCH)
    reach_state(page, page_address, "feed")
    image = page.locator('[data-generation-id="b5-0"] [data-select]')
    image.focus()
    # The first time the part is loaded, and the small picture is shown meanwhile.
    image.press("Enter")
    expect(page.get_by_test_id("lightbox-scale")).to_be_visible(timeout=WAIT)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("lightbox")).to_have_count(0)
    expect(image).to_be_focused()
    page.evaluate("window.moved = []")
    image.press("Enter")
    # The way is known once the browser has measured the room of the view.
    page.wait_for_function("window.moved.length > 0", timeout=WAIT)
    (flight,) = page.evaluate("window.moved")
    assert flight["names"] == ["opacity", "transform", "transformOrigin"]
    assert flight["duration"] <= 200
    # Keys count while it moves.
    assert page.evaluate("document.activeElement.closest('[data-testid=lightbox]') !== null")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("lightbox")).to_have_count(0)
    expect(page.locator('[data-generation-id="b5-1"] [data-select]')).to_be_focused()
