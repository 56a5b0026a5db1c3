"""axe-core finds nothing in any state of the page, dark and light. The page alone, on a scripted kernel."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from scripts.lab import WAIT

pytestmark = pytest.mark.browser

PAGE = Path(__file__).resolve().parents[2] / "js"
AXE = PAGE / "node_modules" / "axe-core" / "axe.min.js"
ORIGIN = "http://page.invalid"
WIDE, NARROW = 1400, 400

# Axe leaves undecided what stands on a gradient: that of its colours on which text is hardest to read takes
# its place.
PLAIN = """
.imgplay { --ip-ambient: #2b3163 !important }
.imgplay[data-theme="light"] { --ip-ambient: #d9eeee !important }
"""
THEMES = ("dark", "light")
RUN = """async () => {
  const { violations } = await axe.run('.imgplay', {
    resultTypes: ['violations'],
    // The host's page has its own headings.
    rules: { 'page-has-heading-one': { enabled: false }, 'heading-order': { enabled: false } },
  });
  return violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.slice(0, 5).map(({ html, failureSummary }) => `\\n  ${html}\\n    ${failureSummary}`),
  }));
}"""

Show = Callable[..., Page]


@pytest.fixture(scope="module")
def built() -> None:
    """The page of js/dev as it stands now."""
    node = shutil.which("node")
    assert node is not None, "node is needed to build the page"
    subprocess.run([node, "build.mjs", "--dev"], cwd=PAGE, check=True, timeout=120)


@pytest.fixture
def show(browser: Browser, built: None) -> Iterator[Show]:
    """Opens the page with a scripted kernel; what it logs as an error fails the test."""
    errors: list[str] = []
    context = browser.new_context(reduced_motion="reduce")
    context.route(f"{ORIGIN}/**", serve)

    def open_page(query: str, *, width: int = WIDE) -> Page:
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.set_viewport_size({"width": width, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{ORIGIN}/dev/index.html?{query}")
        page.add_style_tag(content=PLAIN)
        page.add_script_tag(path=AXE)
        expect(page.get_by_test_id("imgplay")).to_be_visible()
        return page

    yield open_page
    context.close()
    assert not errors, "\n".join(errors)


def serve(route: Route) -> None:
    """Answers from the folder of the page; what is not there is an empty answer, like the browser's icon."""
    path = PAGE / urlsplit(route.request.url).path.lstrip("/")
    if path.is_file():
        route.fulfill(path=path)
    else:
        route.fulfill(status=204, body="")


def violations(page: Page) -> str:
    """What axe-core finds in both themes, as text; empty when it finds nothing."""
    lines: list[str] = []
    for theme in THEMES:
        # As the host does it, while the page is shown.
        page.evaluate(
            "light => { document.body.dataset.jpThemeLight = light }", str(theme == "light").lower()
        )
        expect(page.get_by_test_id("imgplay")).to_have_attribute("data-theme", theme)
        found: list[dict[str, Any]] = page.evaluate(RUN)
        lines += [f"{theme}: {each['id']}: {each['help']}" + "".join(each["nodes"]) for each in found]
    return "\n".join(lines)


def full(page: Page) -> Locator:
    """Waits until the pictures of the feed are there, and gives its first finished tile."""
    tile = page.get_by_test_id("tile").and_(page.locator('[data-status="success"]')).first
    expect(tile.locator("img").first).to_be_visible()
    return tile


def empty(page: Page) -> None:
    expect(page.get_by_test_id("generate")).to_be_visible()


def pointed_at(page: Page) -> None:
    full(page).hover()


def lightbox(page: Page) -> None:
    full(page).get_by_role("button").first.click()
    expect(page.get_by_test_id("lightbox-image")).to_be_visible()


def models(page: Page) -> None:
    full(page)
    page.get_by_test_id("model-select").click()
    expect(page.get_by_test_id("model-option").first).to_be_visible()


def shortcuts(page: Page) -> None:
    full(page)
    page.get_by_test_id("show-shortcuts").click()
    expect(page.get_by_test_id("shortcuts")).to_be_visible()


def full_window(page: Page) -> None:
    full(page)
    page.get_by_test_id("full-window").click()
    expect(page.locator(".imgplay:popover-open")).to_be_visible()


def left_drawer(page: Page) -> None:
    full(page)
    page.get_by_test_id("toggle-left").click()
    expect(page.get_by_test_id("config-panel")).to_be_visible()


def right_drawer(page: Page) -> None:
    full(page)
    page.get_by_test_id("toggle-right").click()
    expect(page.get_by_test_id("topics-panel")).to_be_visible()


def references(page: Page) -> None:
    """One that is sent, and one that failed to be added."""
    png = b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    page.get_by_test_id("reference-file").set_input_files(
        [
            {"name": "dot.png", "mimeType": "image/png", "buffer": png},
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"},
        ]
    )
    expect(page.locator('[data-testid="reference"][data-status="ready"]')).to_have_count(1)


def mask(page: Page) -> None:
    references(page)
    page.get_by_test_id("mask-paint").click()
    expect(page.get_by_test_id("mask-area").locator("img")).to_be_visible()


def selection(page: Page) -> None:
    tile = full(page)
    tile.hover()
    tile.get_by_test_id("select").click()
    expect(page.get_by_test_id("selection")).to_be_visible()


def queue(page: Page) -> None:
    full(page)
    page.get_by_test_id("queue").click()
    expect(page.get_by_test_id("queue-row").first).to_be_visible()


def renaming(page: Page) -> None:
    full(page)
    page.get_by_test_id("topic").first.get_by_role("button").first.press("F2")
    expect(page.get_by_test_id("topic-title")).to_be_focused()


def server(page: Page) -> None:
    models(page)
    page.get_by_test_id("add-server").click()
    expect(page.get_by_test_id("server-dialog")).to_be_visible()


def standing(page: Page) -> None:
    expect(page.get_by_test_id("connection")).to_be_visible()


STATES: dict[str, tuple[str, int, Callable[[Page], object]]] = {
    "empty": ("topic=none", WIDE, empty),
    "empty-narrow": ("topic=none", NARROW, empty),
    "full": ("", WIDE, full),
    "full-chinese": ("lang=zh", WIDE, full),
    "full-narrow": ("", NARROW, full),
    "tile-pointed-at": ("", WIDE, pointed_at),
    "lightbox": ("", WIDE, lightbox),
    "models": ("", WIDE, models),
    "shortcuts": ("", WIDE, shortcuts),
    "full-window": ("", WIDE, full_window),
    "left-drawer": ("", NARROW, left_drawer),
    "right-drawer": ("", NARROW, right_drawer),
    "references": ("model=edit", WIDE, references),
    "mask": ("model=edit", WIDE, mask),
    "mask-narrow": ("model=edit", NARROW, mask),
    "selection": ("", WIDE, selection),
    "queue": ("", WIDE, queue),
    "renaming": ("", WIDE, renaming),
    "server": ("", WIDE, server),
    "no-kernel": ("silent&kernel=none", WIDE, standing),
    "saved": ("silent&saved&kernel=none", WIDE, standing),
    "busy": ("silent&saved&kernel=busy", WIDE, standing),
}


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(show: Show, state: str) -> None:
    query, width, reach = STATES[state]
    page = show(query, width=width)
    reach(page)
    assert violations(page) == ""


def test_axe_finds_nothing_in_any_open_menu(show: Show) -> None:
    page = show("")
    full(page)
    names = page.locator("button[aria-haspopup='menu']").evaluate_all(
        "buttons => [...new Set(buttons.map(button => button.dataset.testid))]"
    )
    for name in names:
        button = page.get_by_test_id(name).first
        # Some are shown only where the pointer or the focus is.
        button.evaluate("button => (button.closest('li')?.querySelector('button') ?? button).focus()")
        button.press("ArrowDown")
        expect(page.get_by_test_id("menu")).to_be_visible()
        assert violations(page) == "", name
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("menu")).to_have_count(0)
        expect(button).to_be_focused()


def test_axe_sees_what_is_wrong(show: Show) -> None:
    page = show("")
    full(page)
    page.get_by_test_id("prompt").evaluate("box => box.removeAttribute('aria-label')")
    page.get_by_test_id("prompt").evaluate("box => box.removeAttribute('placeholder')")
    page.get_by_test_id("generate").evaluate(
        "button => { button.disabled = false; button.style.color = '#777' }"
    )
    found = violations(page)
    assert "label" in found
    assert "color-contrast" in found


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
    page.get_by_test_id("prompt").focus()
    expect(panel).to_be_hidden()
    expect(page.get_by_test_id("prompt")).to_be_focused()


def test_the_full_window_keeps_the_focus_and_has_dialogs_above_it(show: Show) -> None:
    page = show("")
    full(page)
    # What a notebook's cell does to what is in it.
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
    page = show("", width=392)  # beside the margins of the page
    full(page)
    assert page.locator(".ip-frame").evaluate("frame => frame.offsetWidth") == 360
    for part in (".ip-center", ".ip-bar"):
        assert page.locator(part).evaluate("part => part.scrollWidth - part.clientWidth") == 0
    for name in ("toggle-left", "toggle-right", "full-window", "show-shortcuts", "prompt"):
        expect(page.get_by_test_id(name)).to_be_in_viewport(ratio=1)


def height_of(element: Locator) -> float:
    """The height of an element in pixels."""
    box = element.bounding_box()
    assert box is not None
    return box["height"]
