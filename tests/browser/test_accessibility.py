"""axe-core finds nothing in any state of the page, dark and light. The page alone, on a scripted kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from scripts.lab import WAIT
from scripts.page_states import STATES, reach_state

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = 1400, 400
# Texts in another language make no difference to axe, so it sees only the first of the Chinese states.
# The states that look different on a narrow page, or that are in a drawer there.
NARROW_STATES = (
    "first-run",
    "prompt",
    "errors",
    "hover",
    "selection",
    "deleted",
    "filter",
    "gallery-by-score",
    "gallery-selection",
    "config",
    "models",
    "key",
    "server",
    "references",
    "references-failed",
    "mask",
    "queue",
    "topics",
    "topic-menu",
    "recipe",
    "compare",
    "shortcuts",
    "read-only",
)

# Axe cannot judge texts on a gradient. So one colour replaces the gradient: the one on which text is hardest
# to read.
PLAIN = """
.imgplay { --ip-ambient: #2b3163 !important }
.imgplay[data-theme="light"] { --ip-ambient: #d9eeee !important }
"""
RUN = """async rules => {
  // What moves is at its end: in between, colours are neither the old nor the new ones. Some never end.
  const moves = document.getAnimations().filter(each => each.effect.getComputedTiming().endTime < Infinity);
  for (const each of moves) each.finish();
  const { violations } = await axe.run('.imgplay', {
    resultTypes: ['violations'],
    preload: false,
    ...rules,
  });
  return violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.slice(0, 5).map(({ html, failureSummary }) => `\\n  ${html}\\n    ${failureSummary}`),
  }));
}"""
# The host's page has its own headings.
ALL_RULES = {"rules": {"page-has-heading-one": {"enabled": False}, "heading-order": {"enabled": False}}}
# A theme changes only the colours.
COLOUR_RULES = {"runOnly": ["color-contrast", "link-in-text-block"]}

Show = Callable[..., Page]
Reach = Callable[[str, int], Page]


@pytest.fixture(scope="module")
def reach(browser: Browser, page_address: str) -> Iterator[Reach]:
    """Return a function that brings a page to a state. Its console errors fail the test."""
    pages: dict[int, Page] = {}
    errors: list[str] = []

    def reach_in(state: str, width: int) -> Page:
        page = pages.get(width)
        if page is None:
            size: ViewportSize = {"width": width, "height": 900}
            # A narrow window stands for a phone, which has a touch screen.
            touch = width == NARROW
            page = browser.new_context(viewport=size, reduced_motion="reduce", has_touch=touch).new_page()
            page.set_default_timeout(WAIT)
            page.on("pageerror", lambda error: errors.append(str(error)))
            pages[width] = page
        errors.clear()
        reach_state(page, page_address, state, options="theme=dark&plain")
        assert not errors, "\n".join(errors)
        return page

    yield reach_in
    for page in pages.values():
        page.context.close()


@pytest.fixture
def show(browser: Browser, page_address: str) -> Iterator[Show]:
    """Return a function that opens the page with a scripted kernel. Its console errors fail the test."""
    errors: list[str] = []
    context = browser.new_context(reduced_motion="reduce")

    def open_page(query: str, *, width: int = WIDE) -> Page:
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.set_viewport_size({"width": width, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{page_address}?plain&{query}")
        expect(page.get_by_test_id("imgplay")).to_be_visible()
        return page

    yield open_page
    context.close()
    assert not errors, "\n".join(errors)


def violations(page: Page) -> str:
    """Return the findings of axe-core in the dark page, and in the colours of the light page."""
    page.add_style_tag(content=PLAIN)
    # One of the states has no network, so the page gets the text of the script, not its address.
    page.add_script_tag(path=AXE)
    lines: list[str] = []
    for theme, rules in (("dark", ALL_RULES), ("light", COLOUR_RULES)):
        # The theme changes while the page is shown, as in a host.
        page.evaluate(
            "light => { document.body.dataset.jpThemeLight = light }", str(theme == "light").lower()
        )
        expect(page.get_by_test_id("imgplay")).to_have_attribute("data-theme", theme)
        found: list[dict[str, Any]] = page.evaluate(RUN, rules)
        lines += [f"{theme}: {each['id']}: {each['help']}" + "".join(each["nodes"]) for each in found]
    return "\n".join(lines)


def full(page: Page) -> Locator:
    """Wait until the feed shows its images, and return the first finished tile."""
    tile = page.get_by_test_id("tile").and_(page.locator('[data-status="success"]')).first
    expect(tile.locator("img").first).to_be_visible()
    return tile


@pytest.mark.parametrize(
    ("state", "width"),
    [(state, WIDE) for state in STATES if not state.startswith("chinese-")]
    + [(state, NARROW) for state in NARROW_STATES],
)
def test_axe_finds_nothing(reach: Reach, state: str, width: int) -> None:
    assert violations(reach(state, width)) == ""


def test_axe_sees_what_is_wrong(reach: Reach) -> None:
    page = reach("prompt", WIDE)
    page.get_by_test_id("prompt").evaluate("box => box.removeAttribute('aria-label')")
    page.get_by_test_id("prompt").evaluate("box => box.removeAttribute('placeholder')")
    page.get_by_test_id("generate").evaluate("button => { button.style.color = '#777' }")
    found = violations(page)
    assert "label" in found
    assert "dark: color-contrast" in found
    assert "light: color-contrast" in found


# ---------------------------------------------------------------- the frame, by keyboard


def test_a_drawer_takes_the_focus_holds_nothing_and_gives_it_back(show: Show) -> None:
    page = show("", width=NARROW)
    full(page)
    panel, toggle = page.get_by_test_id("config-panel"), page.get_by_test_id("toggle-left")
    expect(panel).to_be_hidden()
    toggle.click()
    expect(panel).to_be_focused()
    expect(toggle).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(toggle).to_be_focused()
    toggle.click()
    expect(panel).to_be_visible()
    # The drawer leaves the prompt free, and covers the feed.
    page.get_by_test_id("prompt").focus()
    expect(panel).to_be_visible()
    tile = page.locator("[data-select][tabindex]").first
    tile.focus()
    expect(panel).to_be_hidden()
    expect(tile).to_be_focused()


def test_the_full_window_keeps_the_focus_and_has_dialogs_above_it(show: Show) -> None:
    page = show("")
    full(page)
    # A notebook's cell clips, contains and transforms its content like this.
    style = "contain: strict; transform: translateX(9px); height: 300px; overflow: hidden"
    page.locator("#cell").evaluate("(cell, style) => { cell.style.cssText = style }", style)
    prompt = page.get_by_test_id("prompt")
    prompt.fill("a fox")
    page.get_by_test_id("new-topic").focus()
    page.keyboard.press("f")
    root = page.get_by_test_id("imgplay")
    assert root.bounding_box() == {"x": 0, "y": 0, "width": WIDE, "height": 900}
    expect(page.get_by_test_id("new-topic")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_test_id("shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("shortcuts")).to_have_count(0)
    expect(page.locator(".imgplay:popover-open")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".imgplay:popover-open")).to_have_count(0)
    expect(page.get_by_test_id("new-topic")).to_be_focused()
    expect(prompt).to_have_value("a fox")
    expect(root).to_be_visible()


def test_the_lower_edge_is_dragged_to_a_height_that_stays(show: Show) -> None:
    page = show("height=500")
    full(page)
    frame, edge = page.locator(".ip-frame"), page.get_by_test_id("resize-bottom")
    assert height_of(frame) == 500
    box = edge.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=3)
    page.mouse.up()
    assert height_of(frame) == 560
    edge.press("ArrowUp")
    assert height_of(frame) == 544
    expect(edge).to_have_attribute("aria-valuenow", "544")


def test_the_page_is_usable_at_360_pixels(show: Show) -> None:
    page = show("", width=392)  # without the margins of the page
    full(page)
    assert page.locator(".ip-frame").evaluate("frame => frame.offsetWidth") == 360
    for part in (".ip-center", ".ip-bar"):
        assert page.locator(part).evaluate("part => part.scrollWidth - part.clientWidth") == 0
    for name in ("toggle-left", "toggle-right", "full-window", "show-shortcuts", "prompt"):
        expect(page.get_by_test_id(name)).to_be_in_viewport(ratio=1)


def height_of(element: Locator) -> float:
    """Return the height of an element in pixels."""
    box = element.bounding_box()
    assert box is not None
    return box["height"]
