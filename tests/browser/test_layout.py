"""Nothing overflows on a narrow page. The page alone, on a scripted kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scripts.page_states import (
    DRAWN,
    delete_tile,
    model_entry,
    open_models,
    part,
    reach_state,
    settle,
    take_state,
)

pytestmark = pytest.mark.browser

ROWS = """form => {
  const box = form.getBoundingClientRect();
  const names = ["queue", "add-negative", "take-back", "generate"];
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


# How many shapes stand in each row, and the texts that do not fit in.
SHAPES = """group => {
  const shapes = [...group.querySelectorAll(".ip-ratio")];
  const rows = new Map();
  for (const { offsetTop } of shapes) rows.set(offsetTop, (rows.get(offsetTop) ?? 0) + 1);
  const cut = shapes.map(shape => shape.lastElementChild).filter(text => text.scrollWidth > text.clientWidth);
  return [[...rows.values()], cut.map(text => text.textContent)];
}"""
TILES = """batch => {
  const feed = document.querySelector("[data-testid=feed]").getBoundingClientRect();
  const tiles = [...batch.querySelectorAll("[data-testid=tile]")].map(tile => tile.getBoundingClientRect());
  return {
    width: tiles[0].width,
    lefts: new Set(tiles.map(tile => Math.round(tile.left))).size,
    whole: tiles.every(tile => tile.bottom <= feed.bottom && tile.top >= feed.top),
    share: (Math.max(...tiles.map(tile => tile.right)) - feed.left - 12) / (feed.width - 24),
  };
}"""


def sized(browser: Browser, address: str, state: str, width: int, height: int = 900) -> Page:
    """Return a page of a size, in a state."""
    page = browser.new_page(viewport={"width": width, "height": height})
    reach_state(page, address, state, options="theme=dark&plain")
    return page


@pytest.mark.parametrize("size", [(1400, 900), (900, 900), (634, 900), (1400, 700), (420, 900)])
def test_the_newest_batch_is_whole_in_sight(
    browser: Browser, page_address: str, size: tuple[int, int]
) -> None:
    page = sized(browser, page_address, "feed", *size)
    tiles = part(page, "batch").first.evaluate(TILES)
    assert tiles["whole"]
    assert tiles["width"] >= 160
    page.close()


def test_the_newest_batch_uses_the_room(browser: Browser, page_address: str) -> None:
    page = sized(browser, page_address, "full-window", 1400)
    tiles = part(page, "batch").first.evaluate(TILES)
    assert tiles["lefts"] == 2
    assert tiles["width"] > 260
    page.close()


def test_the_words_go_beside_tiles_that_the_height_limits(browser: Browser, page_address: str) -> None:
    page = sized(browser, page_address, "feed", 1400)
    batch = part(page, "batch").first
    tiles = batch.evaluate(TILES)
    assert tiles["lefts"] == 2
    assert tiles["whole"]
    assert tiles["width"] > 230
    words, last = batch.locator("header").bounding_box(), part(page, "tile").nth(1).bounding_box()
    assert words is not None
    assert last is not None
    assert words["x"] > last["x"] + last["width"]
    assert words["width"] >= 220
    # The buttons of the batch are below its words, in sight.
    expect(batch.get_by_test_id("batch-menu")).to_be_in_viewport(ratio=1)
    page.close()


def test_the_batches_of_a_click_share_the_room(browser: Browser, page_address: str) -> None:
    page = sized(browser, page_address, "full-window", 1400)
    before = part(page, "batch").first.evaluate(TILES)["width"]
    open_models(page)
    for name in ("demo:instant", "demo:every"):
        model_entry(page, name).click(modifiers=["ControlOrMeta"])
    page.keyboard.press("Escape")
    part(page, "count-1").click()
    part(page, "prompt").fill("A fern")
    part(page, "generate").click()
    batches = part(page, "batch")
    expect(batches.nth(2)).to_have_attribute("aria-label", "A fern")
    settle(page)
    tiles = [batches.nth(index).evaluate(TILES) for index in range(4)]
    assert len({round(each["width"]) for each in tiles[:3]}) == 1
    assert all(each["whole"] for each in tiles[:3])
    # The batch of an earlier click gives its room back.
    assert tiles[3]["width"] < before
    page.close()


@pytest.mark.parametrize("width", [1400, 1100, 950, 920])
def test_shapes_stand_in_even_rows_and_are_not_cut_off(
    browser: Browser, page_address: str, width: int
) -> None:
    page = sized(browser, page_address, "config", width)
    for group in page.locator(".ip-ratios").all():
        rows, cut = group.evaluate(SHAPES)
        assert cut == []
        assert max(rows) - rows[-1] <= 1
    page.close()


def test_tiles_keep_their_size_while_a_prompt_is_written(browser: Browser, page_address: str) -> None:
    page = sized(browser, page_address, "feed", 1400)
    before = part(page, "batch").first.evaluate(TILES)["width"]
    low = part(page, "feed").bounding_box()
    part(page, "prompt").fill("A market street in the rain, lanterns and steam. " * 12)
    page.evaluate(DRAWN)
    assert part(page, "feed").bounding_box() != low
    assert part(page, "batch").first.evaluate(TILES)["width"] == before
    page.close()


def test_a_batch_from_elsewhere_moves_nothing_that_is_read(browser: Browser, page_address: str) -> None:
    page = sized(browser, page_address, "full-window", 1400)
    part(page, "feed").evaluate("feed => { feed.scrollTop = 120 }")
    settle(page)
    tile = page.locator('[data-generation-id="b6-2"]')
    before = tile.bounding_box()
    page.evaluate("dispatchEvent(new Event('imgplay-asked'))")
    # The new batch lies above, out of sight: below the day and the new batch, this one is the third.
    expect(page.locator('[data-row="b6"]')).to_have_attribute("aria-posinset", "3")
    assert tile.bounding_box() == pytest.approx(before, abs=0.5)
    # A batch out of sight gives its room back, and the batch that is read then stays where it is.
    part(page, "feed").evaluate("feed => { feed.scrollTop = feed.scrollHeight }")
    settle(page)
    part(page, "feed").evaluate("feed => { feed.scrollTop = 0 }")
    settle(page)
    wide = [part(page, "batch").nth(index).evaluate(TILES)["width"] for index in (0, 1)]
    assert wide[0] > 260 > wide[1]
    page.close()


@pytest.mark.parametrize("width", [1400, 634, 420])
def test_the_size_of_the_tiles_is_chosen(browser: Browser, page_address: str, width: int) -> None:
    page = sized(browser, page_address, "feed", width)
    slider, batch = part(page, "tile-size"), part(page, "batch").first
    expect(slider).to_be_in_viewport()
    expect(slider).to_have_attribute("aria-valuetext", "Automatic")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "One a row")
    tiles = batch.evaluate(TILES)
    assert tiles["lefts"] == 1
    slider.press("ArrowLeft")
    assert batch.evaluate(TILES)["width"] <= tiles["width"]
    slider.press("Home")
    slider.press("ArrowRight")
    assert batch.evaluate(TILES)["width"] < 140
    # The keys work from any image.
    batch.locator("[data-select]").first.press("-")
    expect(slider).to_have_attribute("aria-valuetext", "Automatic")
    page.close()


APART = """([panel, name]) => {
  const box = each => document.querySelector(`[data-testid="${each}"]`).getBoundingClientRect();
  const [one, other] = [box(panel), box(name)];
  return one.top >= other.bottom || one.left >= other.right || one.right <= other.left;
}"""


@pytest.mark.parametrize(
    ("width", "side", "panel"),
    [
        (900, "right", "topics-panel"),
        *(
            (width, side, panel)
            for width in (634, 420)
            for side, panel in (("left", "config-panel"), ("right", "topics-panel"))
        ),
    ],
)
def test_a_drawer_has_a_title_and_a_close_button_and_covers_no_other(
    browser: Browser, page_address: str, width: int, side: str, panel: str
) -> None:
    page = sized(browser, page_address, "feed", width)
    toggle = part(page, f"toggle-{side}")
    toggle.click()
    drawer = part(page, panel)
    expect(drawer.get_by_role("heading").first).to_have_text("Topics" if side == "right" else "Configuration")
    page.evaluate(DRAWN)
    for name in (f"toggle-{side}", "generate", "prompt"):
        assert page.evaluate(APART, [panel, name]), name
    # The prompt can be written beside the open drawer, and the drawer stays below it.
    part(page, "prompt").fill("A market street in the rain, lanterns and steam. " * 6)
    expect(drawer).to_be_visible()
    page.evaluate(DRAWN)
    assert page.evaluate(APART, [panel, "generate"])
    drawer.get_by_test_id("close-drawer").click()
    expect(drawer).to_be_hidden()
    expect(toggle).to_be_focused()
    page.close()


@pytest.mark.parametrize("width", [634, 759, 760, 800, 900, 901, 1000, 1400])
def test_the_workspace_has_room_between_wide_panels(browser: Browser, page_address: str, width: int) -> None:
    # The page has 16 px around the studio.
    page = sized(browser, page_address, "feed", 1400)
    for side in ("left", "right"):
        part(page, f"resize-{side}").press("End")
    page.set_viewport_size({"width": width + 32, "height": 900})
    page.evaluate(DRAWN)
    wide = part(page, "workspace").bounding_box()
    assert wide is not None
    assert wide["width"] >= 480
    shown = [part(page, name).is_visible() for name in ("config-panel", "topics-panel")]
    assert shown == [width >= 760, width > 900]
    page.close()


def test_an_edge_moves_from_where_it_is_seen(browser: Browser, page_address: str) -> None:
    page = sized(browser, page_address, "feed", 1400)
    part(page, "resize-left").press("End")
    page.set_viewport_size({"width": 900, "height": 900})
    page.evaluate(DRAWN)
    before = part(page, "config-panel").bounding_box()
    part(page, "resize-left").press("ArrowLeft")
    page.evaluate(DRAWN)
    after = part(page, "config-panel").bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == pytest.approx(before["width"] - 16, abs=3)
    page.close()


@pytest.mark.parametrize("width", [1400, 900, 634, 420])
def test_the_facts_below_a_prompt_have_one_line(browser: Browser, page_address: str, width: int) -> None:
    page = sized(browser, page_address, "feed", width)
    assert page.evaluate("""() => [...document.querySelectorAll(".ip-meta:not(:has(.ip-changed))")]
      .every(facts => facts.clientHeight < 1.6 * parseFloat(getComputedStyle(facts).lineHeight))""")
    page.close()


@pytest.mark.parametrize("width", [1400, 900, 634, 420])
@pytest.mark.parametrize("height", ["", "&height=420", "&height=320"])
def test_the_list_of_models_stays_in_the_studio(
    browser: Browser, page_address: str, width: int, height: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    reach_state(page, page_address, "models", options=f"theme=dark&plain{height}")
    outer, inner = page.locator(".ip-frame").bounding_box(), part(page, "model-picker").bounding_box()
    assert outer is not None
    assert inner is not None
    assert inner["x"] >= outer["x"]
    assert inner["y"] >= outer["y"]
    assert inner["x"] + inner["width"] <= outer["x"] + outer["width"]
    assert inner["y"] + inner["height"] <= outer["y"] + outer["height"]
    expect(part(page, "model-search")).to_be_in_viewport()
    page.close()


@pytest.mark.parametrize("width", [1400, 634, 420])
def test_generate_stays_where_it_is_while_a_batch_runs(
    browser: Browser, page_address: str, width: int
) -> None:
    page = sized(browser, page_address, "empty-topic", width)
    if width < 900:
        page.keyboard.press("Escape")
    part(page, "prompt").fill("A red fox asleep in fresh snow")
    before = part(page, "generate").bounding_box()
    part(page, "generate").click()
    cancel = part(page, "batch").first.get_by_test_id("cancel-batch")
    expect(cancel).to_have_text("Cancel")
    expect(part(page, "generate")).to_have_attribute("aria-busy", "false")
    assert part(page, "generate").bounding_box() == before
    expect(
        page.get_by_role("button", name="Cancel", exact=True)
        .locator("visible=true")
        .filter(has_text="Cancel")
    ).to_have_count(1)
    cancel.click()
    expect(cancel).to_have_count(0)
    page.close()


FADE = """panel => getComputedStyle(panel, "::after").opacity"""


def test_a_panel_that_goes_on_below_fades_out_there(browser: Browser, page_address: str) -> None:
    page = sized(browser, page_address, "topics", 1400)
    for panel in (page.locator("[data-testid=config-panel] > .ip-panel-body"), page.locator(".ip-topics")):
        page.evaluate(DRAWN)
        assert panel.evaluate("each => each.scrollHeight > each.clientHeight + 40")
        assert panel.evaluate(FADE) == "1"
        panel.evaluate("each => { each.scrollTop = each.scrollHeight }")
        page.wait_for_function(
            "each => getComputedStyle(each, '::after').opacity === '0'", arg=panel.element_handle()
        )
    page.close()
    page = sized(browser, page_address, "feed", 1400)
    # A few topics are all in sight.
    assert page.locator(".ip-topics").evaluate(FADE) == "0"
    page.close()


class Finger:
    """A finger on the page: its touches are real ones, not events of a script."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def touch(self, kind: str, *at: tuple[float, float]) -> None:
        """Send a touch: ``touchStart`` or ``touchMove`` at a place, or ``touchEnd``."""
        points = [{"x": x, "y": y} for x, y in at]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.fixture
def phone(browser: Browser, page_address: str) -> Iterator[Page]:
    """Return the page on a telephone."""
    context = browser.new_context(
        viewport={"width": 420, "height": 900}, has_touch=True, is_mobile=True, device_scale_factor=1
    )
    page = context.new_page()
    reach_state(page, page_address, "feed", options="theme=dark&plain")
    yield page
    context.close()


def middle(found: Locator) -> tuple[float, float]:
    """Return the middle of an element."""
    box = found.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_finger_reaches_everything_of_a_tile(phone: Page) -> None:
    tile = phone.locator('[data-generation-id="b6-0"]')
    expect(tile.get_by_test_id("tile-menu")).to_be_visible()
    for name in ("select", "star", "tile-menu"):
        button = tile.get_by_test_id(name)
        expect(button).to_have_css("opacity", "1")
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44, name
        # Nothing lies over it, and the tile does not cut it off.
        x, y = box["x"], box["y"]
        for at in (
            (x + 1, y + box["height"] / 2),
            (x + box["width"] - 1, y + box["height"] / 2),
            (x + 22, y + 1),
        ):
            assert phone.evaluate(
                "([[x, y], name]) => !!document.elementFromPoint(x, y).closest(`[data-testid=${name}]`)",
                [at, name],
            )
    tile.get_by_test_id("tile-menu").tap()
    items = part(phone, "menu")
    for word in ("Download", "Copy", "reference", "seed", "Star", "cover", "Delete"):
        expect(items.get_by_text(word, exact=False).first).to_be_visible()


def test_a_long_press_selects_and_the_next_taps_do_too(phone: Page) -> None:
    finger = Finger(phone)
    tiles = [phone.locator(f'[data-generation-id="{name}"]') for name in ("b6-0", "b6-1")]
    finger.touch("touchStart", middle(tiles[0]))
    expect(tiles[0]).to_have_attribute("data-selected", "true")
    finger.touch("touchEnd")
    expect(part(phone, "selection")).to_contain_text("1")
    tiles[1].locator("[data-select]").tap()
    expect(tiles[1]).to_have_attribute("data-selected", "true")
    expect(tiles[0]).to_have_attribute("data-selected", "true")
    expect(part(phone, "lightbox")).to_have_count(0)
    # A tap opens again when nothing is selected.
    part(phone, "selection-clear").tap()
    tiles[0].locator("[data-select]").tap()
    expect(part(phone, "lightbox-image")).to_be_visible()


def test_a_finger_that_scrolls_selects_nothing(phone: Page) -> None:
    finger = Finger(phone)
    tile = phone.locator('[data-generation-id="b6-2"]')
    x, y = middle(tile)
    finger.touch("touchStart", (x, y))
    for step in range(1, 12):
        finger.touch("touchMove", (x, y - 12 * step))
    phone.wait_for_function("document.querySelector('[data-testid=feed]').scrollTop > 40")
    finger.touch("touchEnd")
    # This press takes as long as the first one would have.
    other = phone.locator('[data-generation-id="b5-0"]')
    other.scroll_into_view_if_needed()
    settle(phone)
    finger.touch("touchStart", middle(other))
    expect(other).to_have_attribute("data-selected", "true")
    finger.touch("touchEnd")
    expect(tile).to_have_attribute("data-selected", "false")


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
