"""Nothing overflows on a narrow page. The page alone, on a scripted kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from scripts.page_states import delete_tile, part, reach_state, take_state

pytestmark = pytest.mark.browser

ROWS = """form => {
  const box = form.getBoundingClientRect();
  const names = ["queue", "add-negative", "cancel-newest", "generate"];
  const buttons = names.map(name => form.querySelector(`[data-testid=${name}]`)).filter(Boolean);
  return {
    outside: buttons.filter(button => button.getBoundingClientRect().right > box.right).length,
    rows: new Set(buttons.map(button => {
      const { top, bottom } = button.getBoundingClientRect();
      return Math.round((top + bottom) / 4);
    })).size,
  };
}"""
# Prompts, titles and the chosen item of a list may be too long, and then end in dots.
CUT = """() => [...document.querySelectorAll(
  ".imgplay :is(.ip-button, .ip-segment, .ip-chip, .ip-menu-item, .ip-shape, kbd)"
)]
  .filter(each => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
  .map(each => each.textContent)"""
HIDDEN_REASONS = """() => [...document.querySelectorAll(".ip-stopped-words")]
  .filter(words => {
    const tile = words.closest("[data-testid=tile]").getBoundingClientRect();
    const { top, bottom, height } = words.getBoundingClientRect();
    const cut = words.scrollHeight > words.clientHeight + 1;
    return cut || height < 12 || top < tile.top || bottom > tile.bottom;
  })
  .map(words => words.textContent)"""
WORDS = ("prompt", "selection", "filter", "nothing-found", "compare", "recipe", "shortcuts")


@pytest.fixture(scope="module", params=[900, 400, 360])
def width(request: pytest.FixtureRequest) -> int:
    """Return a width of the window."""
    return request.param


@pytest.fixture(scope="module")
def page(browser: Browser, width: int) -> Iterator[Page]:
    """Return a page of this width; a narrow page has a touch screen."""
    context = browser.new_context(viewport={"width": width, "height": 900}, has_touch=width < 600)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    "state",
    [
        "feed",
        "prompt",
        "long-prompt",
        "budget",
        "config",
        "several",
        "pattern",
        "refused",
        "unpriced",
        "chinese-unpriced",
        "chinese-prompt",
    ],
)
def test_the_buttons_of_the_composer_stand_in_one_row(
    page: Page, page_address: str, state: str, tmp_path: Path
) -> None:
    take_state(page, page_address, "dark", state, tmp_path / "state.png")
    form = part(page, "prompt").locator("xpath=ancestor::form")
    assert form.evaluate(ROWS) == {"outside": 0, "rows": 1}


@pytest.mark.parametrize("state", WORDS)
def test_the_words_on_controls_are_whole(page: Page, page_address: str, state: str, tmp_path: Path) -> None:
    take_state(page, page_address, "dark", state, tmp_path / "state.png")
    assert page.evaluate(CUT) == []


def test_what_is_said_moves_nothing(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "feed", options="theme=dark&plain")
    before = [part(page, name).bounding_box() for name in ("prompt", "feed")]
    delete_tile(page)
    assert part(page, "notice-action").is_visible()
    assert [part(page, name).bounding_box() for name in ("prompt", "feed")] == before


PLACES = """thumb => {
  const place = each => {
    const { left, top, right, bottom } = each.getBoundingClientRect();
    return [left, top, right, bottom].map(Math.round);
  };
  return [thumb, thumb.querySelector("img"), thumb.querySelector(".ip-reference-unsent")].map(place);
}"""


def test_a_high_reference_is_whole_in_its_place_and_says_that_it_is_not_sent(
    page: Page, page_address: str
) -> None:
    reach_state(page, page_address, "reference-unsent", options="theme=dark&plain")
    thumb, picture, badge = part(page, "reference").locator(".ip-reference-open").evaluate(PLACES)
    inside = [thumb[0] + 1, thumb[1] + 1, thumb[2] - 1, thumb[3] - 1]
    assert picture == inside
    assert badge == [inside[0], badge[1], inside[2], inside[3]]
    assert badge[1] > inside[1]


@pytest.mark.parametrize("state", ["errors", "refusals", "chinese-errors"])
def test_the_reason_of_a_refusal_can_be_read(
    page: Page, page_address: str, state: str, tmp_path: Path
) -> None:
    take_state(page, page_address, "dark", state, tmp_path / "state.png")
    assert part(page, "retry").first.is_visible()
    assert page.evaluate(HIDDEN_REASONS) == []


SIBLING = 200
HOLD = """([style, sibling]) => {
  const cell = document.getElementById("cell");
  const hold = document.createElement("div");
  hold.style.cssText = style;
  cell.replaceWith(hold);
  const other = document.createElement("div");
  other.style.cssText = `flex: none; box-sizing: border-box; width: ${sibling}px; height: 10px`;
  if (sibling) hold.append(other);
  hold.prepend(cell);
  return document.body.clientWidth - 32;
}"""


@pytest.mark.parametrize(
    ("style", "beside"),
    [
        ("display: flex", SIBLING),
        ("display: flex", 0),
        ("display: inline-flex", 0),
        ("display: flex; flex-direction: column; align-items: center", 0),
        ("display: grid; justify-items: start", 0),
        ("float: left", 0),
        ("display: inline-block", 0),
        ("display: table-cell", 0),
        ("width: fit-content", 0),
    ],
)
def test_a_studio_takes_the_room_that_its_host_leaves(
    page: Page, page_address: str, style: str, beside: int
) -> None:
    reach_state(page, page_address, "feed", options="theme=dark&plain")
    room = page.evaluate(HOLD, [style, beside])
    box = part(page, "imgplay").bounding_box()
    assert box is not None
    # 320 px is the least in which the prompt can be written.
    assert box["width"] == max(room - beside, 320)
    assert part(page, "prompt").is_visible()
    assert box["height"] >= 560
