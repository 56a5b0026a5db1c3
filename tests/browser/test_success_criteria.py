"""What the studio promises to its users, on the page of both servers. One test for each promise."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scripts.lab import WAIT, View
from scripts.served import Served
from tests.browser.served import ServerPage, opened, overflow
from tests.browser.story import saved_by_the_browser

pytestmark = pytest.mark.browser

INSTANT, QUEUE, SLOW = "demo:instant", "demo:queue", "demo:slow"
PANELS = ("config-panel", "workspace", "topics-panel")
KEEP_WHAT_TILES_SHOW = """() => {
  const seen = window.seen = [];
  const look = () => document.querySelectorAll("[data-testid=tile]").forEach((tile) => {
    const share = tile.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow") ?? null;
    const now = [tile.dataset.status, share === null ? null : Number(share)];
    if (String(seen.at(-1)) !== String(now)) seen.push(now);
  });
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
}"""
"""Keep each status and each share that the tiles show."""


@pytest.fixture
def view(page: Page, server_address: str) -> View:
    """Return the studio of a server, with no topic chosen."""
    return opened(page, server_address)


def topic(view: View, title: str) -> Locator:
    """Return the topic with a title."""
    return view.topics().filter(has_text=title)


def menu(view: View, row: Locator, name: str, choice: str) -> None:
    """Choose an item of the menu of a tile, a batch or a topic."""
    row.hover()
    row.get_by_test_id(name).click()
    view.part(choice).click()


def status(view: View, generation: str | None) -> tuple[int, dict[str, object]]:
    """Return the code and the body of the server's answer about the status of a generation."""
    base = urlsplit(view.page.url).path.removesuffix("image-playground")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(view.page.url))
    answer = view.page.request.get(f"{origin}{base}api/image-playground/status/{generation}")
    return answer.status, answer.json()


def write(field: Locator, value: str) -> None:
    field.fill(value)
    field.press("Tab")


def expect_kept(view: View) -> None:
    """Wait until the config panel shows the chosen model and its parameters."""
    expect(view.part("model-select")).to_contain_text("Instant")
    expect(view.part("width")).to_have_value("768")
    expect(view.part("seed")).to_have_value("41")


def test_the_page_has_an_address_of_its_own(browser: Browser, server_address: str) -> None:
    """Open `/image-playground` on the server. The link in JupyterLab's sidebar leads to this address."""
    context = browser.new_context()
    page = context.new_page()
    plain = server_address.partition("?")[0]
    assert plain.endswith("/image-playground")
    page.goto(plain)
    # The document itself has this element, so its absence is known once the page has loaded.
    assert page.locator("#studio").count() == 0
    page.goto(server_address)
    expect(page.get_by_test_id("prompt")).to_be_enabled(timeout=WAIT)
    expect(page).not_to_have_url(re.compile("token"))
    page.goto(plain)
    expect(page.get_by_test_id("prompt")).to_be_enabled(timeout=WAIT)
    expect(page).to_have_title(re.compile("Image studio$"))
    context.close()


def test_three_panels_stand_side_by_side_and_become_drawers_on_a_phone(view: View) -> None:
    view.page.set_viewport_size({"width": 1400, "height": 900})
    right = 0.0
    for name in PANELS:
        expect(view.part(name)).to_be_visible()
        box = view.part(name).bounding_box()
        assert box is not None
        assert box["x"] >= right
        right = box["x"] + box["width"]
    assert right <= 1400
    assert overflow(view.page) == [0, 0, 0, 0]

    view.page.set_viewport_size({"width": 400, "height": 800})
    for name, toggle in (("config-panel", "toggle-left"), ("topics-panel", "toggle-right")):
        expect(view.part(name)).to_be_hidden()
        view.part(toggle).click()
        expect(view.part(name)).to_be_in_viewport(ratio=1)
        view.page.keyboard.press("Escape")
        expect(view.part(name)).to_be_hidden()
    expect(view.part("prompt")).to_be_in_viewport(ratio=1)
    assert overflow(view.page) == [0, 0, 0, 0]


def test_topics_are_created_and_switched(view: View, server_address: str) -> None:
    view.generate("a harbour in fog", 2, model=INSTANT)
    view.expect_images(2)
    expect(view.active_topic()).to_contain_text("harbour")
    expect(view.active_topic().locator("img")).to_be_visible()
    view.part("new-topic").click()
    expect(view.tiles()).to_have_count(0)
    view.generate("a windmill on a hill", 1)
    view.expect_images(1)
    expect(view.active_topic()).to_contain_text("windmill")
    # Another window has seen neither feed yet. It follows, so the server knows the chosen topic and its feed.
    window = view.page.context.new_page()
    window.goto(server_address)
    other = View(window, window.get_by_test_id("imgplay"))
    other.expect_images(1)
    topic(view, "harbour").click()
    for each in (view, other):
        each.expect_images(2)
        expect(each.batches()).to_contain_text(["a harbour in fog"])
        expect(each.active_topic()).to_contain_text("harbour")


def test_the_config_panel_shows_the_parameters_of_the_model(view: View) -> None:
    panel = view.part("config-panel")
    failure = panel.get_by_role("combobox", name="Failure")
    view.choose_model("demo:broken")
    expect(failure).to_be_visible()
    view.choose_model(SLOW)
    expect(failure).to_have_count(0)
    expect(panel.get_by_text("Steps", exact=True)).to_be_attached()
    view.choose_model(INSTANT)
    expect(panel.get_by_text("Steps", exact=True)).to_have_count(0)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_prompt_generates_one_to_four_images(view: View, count: int) -> None:
    view.generate(f"{count} boats on a lake", count, model=INSTANT)
    view.expect_images(count)
    expect(view.batches()).to_have_count(1)
    expect(view.tiles()).to_have_count(count)


def test_polling_shows_the_status_while_an_image_is_made(view: View) -> None:
    view.choose_model(QUEUE)
    view.part("advanced").click()
    # A busy machine also sees a part of so long a time.
    view.part("config-panel").get_by_role("slider", name="Seconds").fill("12")
    view.part("count-1").click()
    view.page.evaluate(KEEP_WHAT_TILES_SHOW)
    view.generate("a slow snail")
    view.expect_images(1)
    seen = view.page.evaluate("window.seen")
    names = list(dict.fromkeys(name for name, _ in seen))
    assert names[-2:] == ["processing", "success"]
    assert set(names) <= {"pending", "processing", "success"}
    shares = [share for _, share in seen if share is not None]
    assert shares == sorted(shares)
    assert any(0 < share < 100 for share in shares)


def test_an_image_and_a_whole_batch_are_downloaded(view: View) -> None:
    view.generate("a red kite", 2, model=INSTANT)
    view.expect_images(2)
    tile = view.tiles().first
    tile.hover()
    name, original = saved_by_the_browser(tile.get_by_test_id("download"))
    assert re.fullmatch(r"[\w.-]+\.png", name)
    batch = view.batches().first
    batch.hover()
    batch.get_by_test_id("batch-menu").click()
    name, packed = saved_by_the_browser(view.part("zip-batch"))
    assert re.fullmatch(r"[\w.-]+\.zip", name)
    with zipfile.ZipFile(io.BytesIO(packed)) as pack:
        images = [pack.read(name) for name in pack.namelist() if name.endswith(".png")]
        recipes = json.loads(pack.read("recipes.json"))
    assert len(images) == len(recipes) == 2
    assert original in images


def test_the_seed_and_the_settings_of_earlier_images_are_used_again(view: View) -> None:
    view.choose_model(INSTANT)
    write(view.part("width"), "640")
    view.generate("a stone bridge", 2)
    view.expect_images(2)
    tile = view.tiles().nth(1)
    _, made = status(view, tile.get_attribute("data-generation-id"))
    view.choose_model(SLOW)
    write(view.part("width"), "512")
    view.part("count-1").click()
    view.part("prompt").fill("something else")

    batch = view.batches().first
    batch.hover()
    batch.get_by_test_id("reuse").click()
    expect(view.part("prompt")).to_have_value("a stone bridge")
    expect(view.part("model-select")).to_contain_text("Instant")
    expect(view.part("width")).to_have_value("640")
    expect(view.part("count-2")).to_have_attribute("aria-pressed", "true")

    tile.hover()
    tile.get_by_test_id("reuse-seed").click()
    expect(view.part("seed")).to_have_value(str(made["seed"]))
    view.generate("the same seed", 1)
    view.expect_images(3)
    _, again = status(view, view.tiles().first.get_attribute("data-generation-id"))
    assert again["seed"] == made["seed"]
    view.part("config-panel").get_by_test_id("reset-all").click()


def test_deleting_a_topic_a_batch_or_a_generation_deletes_what_is_in_it(view: View) -> None:
    view.generate("a desert at night", 3, model=INSTANT)
    view.expect_images(3)
    view.generate("a desert at noon", 1)
    view.expect_images(4)
    view.generate("a desert at dawn", 1)
    view.expect_images(5)
    dawn, noon, night, *_ = [tile.get_attribute("data-generation-id") for tile in view.tiles().all()]
    assert [status(view, one)[0] for one in (dawn, noon, night)] == [200, 200, 200]

    menu(view, view.tiles().nth(2), "tile-menu", "delete-generation")
    expect(view.tiles()).to_have_count(4)
    assert [status(view, one)[0] for one in (dawn, noon, night)] == [200, 200, 404]
    menu(view, view.batches().nth(1), "batch-menu", "delete-batch")
    expect(view.batches()).to_have_count(2)
    assert [status(view, one)[0] for one in (dawn, noon)] == [200, 404]
    menu(view, topic(view, "a desert"), "topic-menu", "delete-topic")
    expect(topic(view, "a desert")).to_have_count(0)
    expect(view.tiles()).to_have_count(0)
    assert status(view, dawn)[0] == 404


@pytest.fixture
def next_session(server_page: ServerPage) -> Iterator[Served]:
    """Return a server that starts later on the history of the page."""
    server = Served(server_page.store)
    yield server
    server.kill()


def test_the_model_and_its_parameters_are_kept_for_the_next_session(
    view: View, server_page: ServerPage, next_session: Served
) -> None:
    view.choose_model(INSTANT)
    write(view.part("width"), "768")
    write(view.part("seed"), "41")
    # Another window shows what the server has. So nothing is on its way when the session ends.
    window = view.page.context.new_page()
    window.goto(server_page.address)
    expect_kept(View(window, window.get_by_test_id("imgplay")))
    view.part("count-3").click()
    expect(window.get_by_test_id("count-3")).to_have_attribute("aria-pressed", "true")
    for page in (window, view.page):
        page.goto("about:blank")

    next_session.start()
    for address in (next_session.address, server_page.address):
        later = opened(view.page, address)
        expect_kept(later)
        expect(later.part("count-3")).to_have_attribute("aria-pressed", "true")
    view.part("config-panel").get_by_test_id("reset-all").click()
