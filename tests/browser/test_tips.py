"""The words of buttons without words, on hover and on focus by key. The page alone, on a scripted kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from scripts.page_states import open_lightbox, open_models, part, reach_state

pytestmark = pytest.mark.browser

FOOT = """form => ["add-negative", "generate"].map(name => {
  const { x, y, width, height } = form.querySelector(`[data-testid=${name}]`).getBoundingClientRect();
  return [x, y, width, height].map(Math.round);
})"""
SHOWN = "element => getComputedStyle(element).opacity"
# Whether the tip is the topmost element that is drawn in its middle.
OVER = """tip => {
  const { x, y, width, height } = tip.getBoundingClientRect();
  return tip.contains(tip.getRootNode().elementFromPoint(x + width / 2, y + height / 2));
}"""
# The words of native tips that are not those that their element shows, or a part of them.
NATIVE = """() => [...document.querySelectorAll(".imgplay [title]:not([title=''])")]
  .filter(each => {
    const [words, shown] = [each.title, each.textContent].map(text => text.replace(/\\s/g, ""));
    return !each.closest("[inert]") && !words.startsWith(shown) && !shown.startsWith(words);
  })
  .map(each => each.title)"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page of a common width."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield context.new_page()
    context.close()


def tip(page: Page) -> Locator:
    """Return the words that are drawn beside a button."""
    return part(page, "tip")


def test_the_focus_by_key_shows_the_words_and_takes_them_along(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "config")
    part(page, "seed").press("Tab")
    expect(tip(page)).to_have_text("Pick a random seed")
    expect(tip(page)).to_be_visible()
    assert tip(page).evaluate(OVER)
    # A screen reader has the words already: they are the name of the button.
    expect(part(page, "seed-dice")).to_have_accessible_name("Pick a random seed")
    expect(tip(page)).to_have_attribute("aria-hidden", "true")
    page.mouse.move(700, 300)
    expect(tip(page)).to_have_text("Pick a random seed")
    expect(tip(page)).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(tip(page)).to_be_hidden()


def test_the_pointer_shows_the_words_until_it_leaves_or_presses(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "feed")
    part(page, "toggle-left").hover()
    expect(tip(page)).to_have_text("Configuration")
    part(page, "toggle-right").hover()
    expect(tip(page)).to_have_text("Topics")
    box = tip(page).bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 1400
    page.mouse.down()
    expect(tip(page)).to_be_hidden()
    page.mouse.up()
    part(page, "toggle-left").hover()
    expect(tip(page)).to_be_visible()
    part(page, "prompt").hover()
    expect(tip(page)).to_be_hidden()


def test_the_pointer_can_go_to_the_words(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "feed")
    button = part(page, "toggle-left")
    button.hover()
    expect(tip(page)).to_be_visible()
    start, words = button.bounding_box(), tip(page).bounding_box()
    assert start is not None
    assert words is not None
    # Slowly: there is a gap between the button and its words.
    across = words["x"] + 12
    for down in range(round(start["y"] + start["height"] - 4), round(words["y"] + words["height"] / 2)):
        page.mouse.move(across, down)
        expect(tip(page)).to_be_visible()
    expect(tip(page)).to_have_text("Configuration")
    page.mouse.move(700, 300)
    expect(tip(page)).to_be_hidden()


def test_escape_takes_the_words_away_where_the_pointer_is(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "feed")
    # The focus is outside of the page: the notebook has the keys.
    page.evaluate("document.activeElement?.blur()")
    button = part(page, "toggle-left")
    button.hover()
    expect(tip(page)).to_be_visible()
    # Other keys leave the words to their reader.
    page.keyboard.press("Shift")
    expect(tip(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip(page)).to_be_hidden()
    # They stay away until the pointer comes anew.
    button.hover(position={"x": 4, "y": 4})
    button.locator("svg").hover()
    expect(tip(page)).to_be_hidden()
    part(page, "prompt").hover()
    button.hover()
    expect(tip(page)).to_be_visible()


@pytest.mark.parametrize("state", ["hover", "config", "selection", "several", "lightbox", "filter", "topics"])
def test_a_native_tip_shows_only_what_is_cut_off(page: Page, page_address: str, state: str) -> None:
    reach_state(page, page_address, state)
    assert page.evaluate(NATIVE) == []


def test_the_words_of_the_controls_of_a_tile(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "feed")
    tile = part(page, "tile").first
    tile.hover()
    tile.get_by_test_id("star").hover()
    expect(tip(page)).to_have_text("Star this image")
    expect(tile.get_by_test_id("star")).to_have_accessible_name("Star")
    tile.get_by_test_id("select").hover()
    expect(tip(page)).to_have_text("Select image 1")


@pytest.mark.parametrize("edge", ["resize-left", "resize-right", "resize-bottom", "prompt-grip"])
def test_the_words_of_a_long_edge_are_near_the_pointer(page: Page, page_address: str, edge: str) -> None:
    reach_state(page, page_address, "feed")
    part(page, edge).hover()
    expect(tip(page)).to_be_visible()
    box, words = part(page, edge).bounding_box(), tip(page).bounding_box()
    assert box is not None
    assert words is not None
    across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    assert words["x"] - 60 < across < words["x"] + words["width"] + 60
    assert words["y"] - 60 < down < words["y"] + words["height"] + 60
    # The edge itself stays free, so that it can be dragged.
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).dataset.testid", [across, down]) == edge


def test_a_click_and_a_finger_show_no_words(browser: Browser, page_address: str) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, has_touch=True)
    page = context.new_page()
    reach_state(page, page_address, "feed")
    part(page, "seed-dice").tap()
    expect(part(page, "seed")).not_to_have_value("")
    expect(tip(page)).to_be_hidden()
    context.close()


def test_the_words_lie_over_a_dialog(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "feed")
    open_lightbox(page)
    part(page, "lightbox-compare").hover()
    expect(tip(page)).to_have_text("Compare with another image")
    box = tip(page).bounding_box()
    assert box is not None
    clip: FloatRect = {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}
    # What lies outside of a modal dialog cannot be asked for by its place.
    with_words = page.screenshot(clip=clip, animations="disabled")
    page.mouse.move(700, 500)
    expect(tip(page)).to_be_hidden()
    assert page.screenshot(clip=clip, animations="disabled") != with_words


def test_the_words_follow_a_button_that_the_focus_scrolls_to(page: Page, page_address: str) -> None:
    page.set_viewport_size({"width": 1400, "height": 600})
    reach_state(page, page_address, "config")
    part(page, "config-panel").locator(".ip-panel-body").evaluate("panel => { panel.scrollTop = 0 }")
    part(page, "seed").focus()
    page.keyboard.press("Tab")
    expect(tip(page)).to_have_text("Pick a random seed")
    button, words = part(page, "seed-dice").bounding_box(), tip(page).bounding_box()
    assert button is not None
    assert words is not None
    assert abs(words["x"] - button["x"]) < 2
    assert abs(words["y"] - button["y"]) < 50


def test_the_question_marks_wait_for_their_row(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "feed")
    mark = page.get_by_role("button", name="What is Palette?")
    page.mouse.move(700, 880)
    assert mark.evaluate(SHOWN) == "0"
    label = page.locator("label", has_text="Palette")
    before = label.bounding_box()
    mark.focus()
    expect(mark).to_have_css("opacity", "1")
    expect(tip(page)).to_contain_text("colours")
    assert label.bounding_box() == before
    mark.press("Enter")
    expect(page.locator(".ip-help", has_text="colours")).to_be_visible()


@pytest.mark.parametrize("width", [1400, 900, 634, 420])
def test_the_foot_of_the_composer_is_the_same_for_every_model(
    page: Page, page_address: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    reach_state(page, page_address, "new-topic")
    form = part(page, "prompt").locator("xpath=ancestor::form")
    expect(part(page, "add-negative")).to_contain_text("Negative prompt")
    assert part(page, "add-negative").locator("span").evaluate("words => words.offsetWidth > 40")
    before = form.evaluate(FOOT)
    open_models(page)
    page.locator('[data-testid="model-option"][data-model="demo:instant"]').click()
    expect(part(page, "add-negative")).to_be_disabled()
    assert form.evaluate(FOOT) == before
