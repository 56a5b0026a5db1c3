"""VS Code's own widget manager, in a frame as tall as the notebook and 10,000 pixels more, as in VS Code."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from scripts.lab import WAIT
from scripts.vscode_host import MANAGER, NOT_FETCHED, VSCodeHost, VSCodeNotebook
from tests.browser.story import core_story, saved_pack, second_topic, still_there, two_sunsets

pytestmark = pytest.mark.browser

SHOW = "from imgplay_widget import ImagePlayground\npg = ImagePlayground(store={store!r})\npg"
SHORT, LONG = 4, 64
"""How many cells a notebook has. The second cell shows the studio."""

MARGIN = 12
"""The pixels around the studio."""
STRICT = (
    "default-src 'none'; "
    "script-src 'self' https://*.vscode-cdn.net 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' https://*.vscode-cdn.net 'unsafe-inline'; "
    "img-src 'self' https://*.vscode-cdn.net https: http: data:; "
    "font-src 'self' https://*.vscode-cdn.net https:; "
    "connect-src https:; "
    "child-src https: data:"
)
"""The content policy of a notebook's outputs in VS Code, when its `notebook.experimental.enableCsp` is on."""

BLOB_SCRIPTS = STRICT.replace("'unsafe-eval'", "'unsafe-eval' blob:")
"""The policy with the one change that anywidget needs: it loads the script of each widget from a blob."""

OpenVSCode = Callable[..., VSCodeNotebook]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCodeHost]:
    """Return the servers. Without npm, there is no widget manager of VS Code, and the tests are skipped."""
    if NOT_FETCHED.exists() and not MANAGER.exists():
        pytest.skip(NOT_FETCHED.read_text(encoding="utf-8"))
    assert MANAGER.exists(), "VS Code's widget manager is not there: run `make vscode-host`"
    with VSCodeHost(tmp_path_factory.mktemp("vscode") / "server") as host:
        yield host


@pytest.fixture(scope="module")
def kernel(host: VSCodeHost) -> str:
    """Return a kernel. All tests use it, and each opens the editor anew."""
    return host.start_kernel()


@pytest.fixture
def open_vscode(page: Page, host: VSCodeHost, kernel: str, store: Path) -> OpenVSCode:
    """Return a function that opens a notebook whose second cell shows a playground on the test's store."""

    def open_editor(*, show: str = SHOW, **options: Any) -> VSCodeNotebook:
        notebook = VSCodeNotebook(page, host, kernel, **options)
        notebook.run(1, show.format(store=str(store)))
        return notebook

    return open_editor


def png(width: int) -> FilePayload:
    picture = io.BytesIO()
    Image.new("RGB", (width, 40), "teal").save(picture, "PNG")
    return {"name": "teal.png", "mimeType": "image/png", "buffer": picture.getvalue()}


def test_the_core_story(open_vscode: OpenVSCode, store: Path) -> None:
    notebook = open_vscode(cells=SHORT)
    view = notebook.view(1)
    core_story(view, store, notebook.saved)
    view.choose_model("demo:slow")
    view.part("reference-file").set_input_files(png(80))
    view.expect_decoded(view.part("reference").locator("img"))

    # A second view of the same playground.
    notebook.run(2, "pg")
    second = notebook.view(2)
    still_there(second)
    second.tiles("success").first.get_by_role("button").first.click()
    notebook.expect_in_sight(second.part("lightbox-image"))


def test_a_window_that_was_loaded_again_needs_the_cell_again(open_vscode: OpenVSCode, store: Path) -> None:
    notebook = open_vscode()
    two_sunsets(notebook.view(1), store)
    second_topic(notebook.view(1))
    notebook.reload()
    expect(notebook.output(1)).to_have_text(notebook.plain_text(1))
    expect(notebook.output(1)).to_contain_text("run the cell that makes it again")
    notebook.run(1, SHOW.format(store=str(store)))
    still_there(notebook.view(1))


def test_a_click_waits_while_a_cell_runs(open_vscode: OpenVSCode, tmp_path: Path) -> None:
    """VS Code has no subshells; images that were asked for before arrive nevertheless."""
    notebook = open_vscode()
    view = notebook.view(1)
    expect(view.root.locator("[data-live=true]")).to_be_visible(timeout=WAIT)
    end = tmp_path / "end"
    notebook.start(
        2,
        "import pathlib, time\nasked = pg.generate('a quiet forest', model='demo:instant')\n"
        f"while not pathlib.Path({str(end)!r}).exists():\n    time.sleep(0.05)",
    )
    view.expect_images(1)
    view.part("prompt").fill("a sunset over the sea")
    view.part("generate").click()
    expect(view.part("connection")).to_contain_text("The kernel is busy. Clicks wait", timeout=WAIT)
    expect(view.part("connection")).to_contain_text("1 click waits.")
    expect(view.tiles()).to_have_count(1)
    end.touch()
    view.expect_images(2)
    expect(view.part("connection")).to_have_count(0)


@pytest.mark.parametrize(
    ("cells", "theme"),
    [(SHORT, "vscode-light"), (LONG, "vscode-dark")],
    ids=["a short notebook", "a long notebook"],
)
def test_what_opens_is_in_sight_and_the_editor_stays_where_it_is(
    open_vscode: OpenVSCode, page: Page, cells: int, theme: str
) -> None:
    page.set_viewport_size({"width": 1300, "height": 720})
    notebook = open_vscode(cells=cells, theme=theme)
    view = notebook.view(1)
    view.generate("a sunset over the sea", 4, model="demo:instant")
    view.expect_images(4)
    notebook.scroll(60)

    tile = view.tiles("success").first
    tile.get_by_role("button").first.click()
    large = view.part("lightbox")
    view.expect_decoded(view.part("lightbox-image"))
    notebook.expect_in_sight(view.part("lightbox-image"))
    notebook.expect_in_sight(large.get_by_role("button", name="Close"))
    # A cover follows the studio to where the user scrolls.
    notebook.scroll(110)
    notebook.expect_in_sight(view.part("lightbox-image"))
    large.get_by_role("button", name="Close").click()
    expect(large).to_be_hidden()

    page.keyboard.press("?")
    notebook.expect_in_sight(view.part("shortcuts"))
    page.keyboard.press("Escape")
    view.part("model-select").click()
    notebook.expect_in_sight(view.part("model-picker"))
    page.keyboard.press("Escape")

    # The lowest tile whose menu can be pressed without scrolling: there is more room above than below.
    view.tiles("success").last.hover()
    view.tiles("success").last.get_by_test_id("tile-menu").click()
    notebook.expect_in_sight(view.part("menu"))
    page.keyboard.press("Escape")
    assert notebook.scrolled == 110


def test_no_key_and_no_dialog_scrolls_an_editor_that_shows_half_of_the_studio(
    open_vscode: OpenVSCode, page: Page
) -> None:
    notebook = open_vscode(cells=LONG)
    view = notebook.view(1)
    view.generate("a sunset over the sea", 2, model="demo:instant")
    view.expect_images(2)
    tile = view.tiles("success").first
    tile.get_by_role("button").first.focus()
    # The prompt and the topics are above the upper edge of the editor.
    notebook.scroll(400)
    page.keyboard.press("?")
    notebook.expect_in_sight(view.part("shortcuts"))
    page.keyboard.press("Escape")
    expect(view.part("shortcuts")).to_have_count(0)
    page.keyboard.press("Delete")
    notebook.expect_in_sight(view.part("notice-action"))
    page.keyboard.press("p")
    expect(view.part("prompt")).to_be_focused()
    tile.get_by_role("button").first.evaluate("button => button.focus({ preventScroll: true })")
    page.keyboard.press("t")
    expect(view.topics().first.locator(":focus")).to_have_count(1)
    assert notebook.scrolled == 400


def test_the_full_window_is_as_high_as_the_editor_in_its_own_cell(open_vscode: OpenVSCode) -> None:
    notebook = open_vscode(cells=LONG)
    view = notebook.view(1)
    # The editor first shows a part of the frame. The automatic height follows when the frame is in its place.
    automatic = int(0.8 * notebook.window["height"] + MARGIN)
    expect(view.root).to_have_css("height", re.compile(rf"{automatic}(\.\d+)?px"), timeout=WAIT)
    before = view.root.bounding_box()
    view.part("new-topic").focus()
    notebook.page.keyboard.press("f")
    expect(view.root).to_have_attribute("data-full", "")
    notebook.expect_in_sight(view.part("generate"))
    full = view.root.bounding_box()
    assert before is not None
    assert full is not None
    assert before["height"] < full["height"] <= notebook.window["height"]
    assert (full["x"], full["y"]) == (before["x"], before["y"])
    notebook.page.keyboard.press("Escape")
    expect(view.root).not_to_have_attribute("data-full", "")
    assert view.root.bounding_box() == before


def test_drawers_of_a_narrow_editor_are_in_sight(open_vscode: OpenVSCode, page: Page) -> None:
    page.set_viewport_size({"width": 420, "height": 620})
    notebook = open_vscode(cells=LONG)
    view = notebook.view(1)
    for side, panel in (("left", "config-panel"), ("right", "topics-panel")):
        view.part(f"toggle-{side}").click()
        notebook.expect_in_sight(view.part(panel))
        page.keyboard.press("Escape")
        expect(view.part(panel)).to_be_hidden()
    assert notebook.scrolled == 0


def test_the_automatic_height_fits_the_editor(open_vscode: OpenVSCode, page: Page) -> None:
    page.set_viewport_size({"width": 1300, "height": 677})
    # A short notebook would scroll back while the studio shrinks to its height.
    notebook = open_vscode(cells=LONG)
    assert notebook.window["height"] == 620
    view = notebook.view(1)
    notebook.scroll(130)
    notebook.expect_in_sight(view.root)
    box = view.root.bounding_box()
    assert box is not None
    assert box["height"] > 450


def test_the_look_is_that_of_the_editor(open_vscode: OpenVSCode, page: Page) -> None:
    notebook = open_vscode(theme="vscode-dark")
    view = notebook.view(1)
    expect(view.part("prompt")).to_have_css("font-family", "monospace")
    # VS Code paints the background of widgets white; the corners of the studio are round.
    for background in notebook.output(1).locator(".cell-output-ipywidget-background").all():
        expect(background).to_have_css("background-color", "rgba(0, 0, 0, 0)")

    # VS Code rings what has the focus. That is right for keys, and not for clicks and for the prompt.
    view.part("prompt").click()
    expect(view.part("prompt")).to_be_focused()
    expect(view.part("prompt")).to_have_css("outline-style", "none")
    view.part("count-2").click()
    expect(view.part("count-2")).to_be_focused()
    expect(view.part("count-2")).to_have_css("outline-style", "none")
    page.keyboard.press("Tab")
    focused = notebook.outputs.locator(":focus")
    expect(focused).to_have_css("outline", "rgb(0, 120, 212) solid 2px")


def test_the_theme_follows_the_editor(open_vscode: OpenVSCode) -> None:
    notebook = open_vscode(theme="vscode-dark")
    view = notebook.view(1)
    for kind, theme in (
        ("vscode-dark", "dark"),
        ("vscode-high-contrast-light", "light"),
        ("vscode-high-contrast", "dark"),
        ("vscode-light", "light"),
    ):
        notebook.wear(kind)
        expect(view.root).to_have_attribute("data-theme", theme)


def test_the_strict_policy_shows_nothing(open_vscode: OpenVSCode, complaints: list[str]) -> None:
    """VS Code's own policy refuses the script of every widget of anywidget; docs/vscode.md says so."""
    notebook = open_vscode(policy=STRICT)
    expect(notebook.output(1).get_by_test_id("imgplay")).to_have_count(0)
    assert any("script-src" in complaint for complaint in complaints)
    complaints.clear()


def test_a_policy_that_refuses_pictures_from_blobs(
    open_vscode: OpenVSCode, store: Path, complaints: list[str]
) -> None:
    notebook = open_vscode(policy=BLOB_SCRIPTS)
    view = notebook.view(1)
    originals = two_sunsets(view, store)
    assert (view.part("tile-image").first.get_attribute("src") or "").startswith("data:")
    saved_pack(view, originals, notebook.saved)
    view.choose_model("demo:slow")
    view.part("reference-file").set_input_files(png(80))
    view.expect_decoded(view.part("reference").locator("img"))
    # The page found out once which addresses its pictures may have.
    assert ["img-src" in complaint for complaint in complaints] == [True]
    complaints.clear()


MASKED = """
from imgplay_widget import ImagePlayground
from imgplay_widget._types import ModelSpec, ReferenceRule
from imgplay_widget.testing import FakeProvider

class MadeUp(FakeProvider):
    def models(self):
        rule = ReferenceRule(max_count=2, max_bytes=5_000_000, media_types=("image/png",))
        return (ModelSpec(provider="made_up", id="edit", title="Edit", mask=True, references=rule),)

pg = ImagePlayground(store={store!r}, providers=[MadeUp(name="made_up")])
pg
"""


def test_a_mask_is_painted_where_pictures_from_blobs_are_refused(
    open_vscode: OpenVSCode, complaints: list[str]
) -> None:
    notebook = open_vscode(show=MASKED, policy=BLOB_SCRIPTS)
    view = notebook.view(1)
    view.choose_model("made_up:edit")
    view.part("reference-file").set_input_files(png(80))
    view.part("mask-paint").click()
    area = view.part("mask-area")
    view.expect_decoded(area.locator("img"))
    area.focus()
    for key in ("Space", "ArrowRight", "Space"):
        area.press(key)
    view.part("mask-save").press("Enter")
    expect(view.part("mask-painter")).to_have_count(0, timeout=WAIT)
    expect(view.part("mask-paint")).to_have_accessible_name("Edit the mask")
    assert ["img-src" in complaint for complaint in complaints] == [True]
    complaints.clear()
