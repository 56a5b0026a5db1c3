"""What the studio of a cell does with the extension of JupyterLab: tabs, code cells, images in a notebook."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from scripts.hosts import NotebookServer
from scripts.lab import LabServer, Notebook, View
from tests.browser.conftest import OpenNotebook

pytestmark = pytest.mark.browser

MOST_BYTES = 100_000
"""The most bytes of a picture in a notebook, as the page defines it."""

CELL = "index => window.jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.toJSON()"
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
UNDO = "() => window.jupyterapp.commands.execute('notebook:undo-cell-action')"
LOCK = "() => { window.jupyterapp.shell.currentWidget.content.model.readOnly = true; }"
IN_TAB = '[data-testid="imgplay"][data-fill]'
LINE = "imgplay-drop-line"


NOISY = """
import io
import PIL.Image
from imgplay_widget import ImagePlayground
from imgplay_widget.providers import Done, Inline
from imgplay_widget.testing import FakeProvider
out = io.BytesIO()
PIL.Image.effect_noise((1024, 1024), 200).convert('RGB').save(out, 'PNG')
noisy = FakeProvider(script=[Done(images=(Inline(data=out.getvalue()),))])
pg = ImagePlayground(store={store!r}, providers=[noisy], height=480)
pg.generate('noise', model='fake:image').result()
pg
"""
"""A cell whose studio shows an image with a preview of more than 100 KB."""


@pytest.fixture
def studio_cells(store: Path) -> list[str]:
    """Return cells that show a low playground, name the newest batch and show the playground's own code."""
    return [
        f"import imgplay_widget\npg = imgplay_widget.ImagePlayground(store={str(store)!r}, height=480)\npg",
        "print(len(pg.batches()), pg.batches()[0].code, end='')",
    ]


def tab(notebook: Notebook, view: View) -> View:
    """Open the studio of a cell in a tab."""
    view.part("open-tab").click()
    return View(notebook.page, notebook.page.locator(IN_TAB))


def go_to(notebook: Notebook) -> None:
    """Show the notebook again."""
    notebook.page.locator(".lm-TabBar-tab", has_text=notebook.path.name).click()
    expect(notebook.cell(0)).to_be_visible()


def made(view: View, prompt: str = "a red fox") -> None:
    view.generate(prompt, 1, model="demo:instant")
    view.expect_images(1)


def newest(notebook: Notebook) -> tuple[int, str]:
    """Return how many batches the studio has, and the code of the newest one."""
    index = next(i for i in range(notebook.cell_count()) if "pg.batches()" in notebook.cell(i).inner_text())
    notebook.run(index)
    count, code = notebook.text(index).split(" ", 1)
    return int(count), code


def insert(view: View) -> None:
    view.part("batch-menu").first.click()
    view.page.get_by_test_id("insert-code").click()


def drag(view: View, target: Locator, *, before: Callable[[], None] | None = None, alt: bool = False) -> None:
    """Drag the first finished image to the middle of an element with the mouse, and drop it."""
    mouse, keyboard = view.page.mouse, view.page.keyboard
    tile, to = view.tiles("success").first, target.bounding_box()
    assert to is not None
    tile.hover()
    mouse.down()
    if alt:
        keyboard.down("Alt")
    x, y = to["x"] + to["width"] / 2, to["y"] + to["height"] / 2
    mouse.move(x - 40, y, steps=8)
    mouse.move(x, y, steps=4)
    if before is not None:
        before()
    mouse.up()
    if alt:
        keyboard.up("Alt")


def insert_picture_by_keys(view: View) -> None:
    """Go from the first finished image to its menu, and choose there, with keys alone."""
    keyboard, tile = view.page.keyboard, view.tiles("success").first
    menu = tile.get_by_test_id("tile-menu")
    tile.locator("[data-select]").focus()
    # The buttons of a tile are drawn when the focus comes to it.
    expect(menu).to_be_attached()
    for _ in range(10):
        keyboard.press("Tab")
        if menu.evaluate("menu => menu === document.activeElement"):
            break
    keyboard.press("Enter")
    expect(view.page.get_by_test_id("menu")).to_be_visible()
    keyboard.press("i")
    expect(view.page.get_by_test_id("insert-picture")).to_be_focused()
    keyboard.press("Enter")


def line(page: Page) -> Locator:
    return page.get_by_test_id(LINE)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[LabServer]:
    """A JupyterLab in which the user has disabled the extension."""
    # As `jupyter labextension disable` does.
    config = tmp_path / "server" / "config" / "labconfig" / "page_config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"disabledExtensions": {"imgplay-widget": True}}), encoding="utf-8")
    with LabServer(tmp_path / "server") as server:
        yield server


# The server comes first: it must run until the notebook is closed.
def test_without_the_extension_a_studio_offers_nothing_of_it(
    bare: LabServer, open_notebook: OpenNotebook, studio_cells: list[str]
) -> None:
    notebook = open_notebook(studio_cells, server=bare)
    notebook.run(0)
    view = notebook.view()
    made(view)
    expect(view.part("open-tab")).to_have_count(0)
    view.part("batch-menu").first.click()
    expect(notebook.page.get_by_test_id("copy-code")).to_be_visible()
    expect(notebook.page.get_by_test_id("insert-code")).to_have_count(0)
    notebook.page.keyboard.press("Escape")
    drag(view, notebook.cell(1))
    assert notebook.cell_count() == 2


# ------------------------------------------------------------------ a tab


def test_a_tab_shows_the_same_studio_which_goes_on_when_the_tab_is_closed(notebook: Notebook) -> None:
    view = notebook.view()
    made(view)
    other = tab(notebook, view)
    expect(other.active_topic()).to_contain_text("a red fox")
    expect(other.part("open-tab")).to_have_count(0)
    expect(other.part("resize-bottom")).to_have_count(0)
    box, holder = other.root.bounding_box(), other.root.locator("xpath=..").bounding_box()
    assert box is not None
    assert holder is not None
    assert box["height"] == pytest.approx(holder["height"], abs=1)
    assert box["height"] > 700
    made_in_tab = "a blue owl"
    other.generate(made_in_tab, 1)
    other.expect_images(2)

    go_to(notebook)
    expect(view.batches().first).to_contain_text(made_in_tab)
    expect(view.part("resize-bottom")).to_be_visible()
    frame = view.root.locator("> div").first.bounding_box()
    assert frame is not None
    assert frame["height"] == pytest.approx(480, abs=2)
    notebook.page.locator(".lm-TabBar-tab", has_text="Image studio").locator(
        ".lm-TabBar-tabCloseIcon"
    ).click()
    expect(notebook.page.locator(IN_TAB)).to_have_count(0)
    view.generate("a green fern", 1)
    expect(view.active_topic()).to_contain_text("3 images")


def test_a_tab_stays_while_its_cell_is_cleared_and_closes_with_the_widget(notebook: Notebook) -> None:
    view = notebook.view()
    made(view)
    other = tab(notebook, view)
    go_to(notebook)
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    expect(notebook.cell(0).get_by_test_id("imgplay")).to_have_count(0)
    notebook.page.locator(".lm-TabBar-tab", has_text="Image studio").click()
    other.generate("a blue owl", 1)
    other.expect_images(2)
    go_to(notebook)
    notebook.page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
        .requestExecute({ code: 'pg.close()' }).done"""
    )
    expect(notebook.page.locator(".lm-TabBar-tab", has_text="Image studio")).to_have_count(0)


# ------------------------------------------------------------------ code


def test_the_code_of_a_batch_becomes_a_cell_that_makes_it_again(notebook: Notebook) -> None:
    view = notebook.view()
    made(view)
    insert(view)
    expect(view.root.locator("[data-level]", has_text="The notebook has a new cell")).to_be_visible()
    # Below the cell of the studio, which is the active one since the click.
    expect(notebook.prompt(1)).to_be_visible()
    new = notebook.page.evaluate(CELL, 1)
    assert new["cell_type"] == "code"
    assert notebook.page.evaluate(ACTIVE) == 1
    assert newest(notebook) == (1, new["source"])
    notebook.run(1)
    view.expect_images(2)
    assert newest(notebook) == (2, new["source"])


def test_code_goes_into_the_notebook_from_a_tab_too(notebook: Notebook) -> None:
    view = notebook.view()
    made(view)
    insert(tab(notebook, view))
    go_to(notebook)
    expect(notebook.page.locator(".jp-Notebook .jp-Cell")).to_have_count(3)


# ------------------------------------------------------------------ images


def test_a_dragged_image_becomes_a_markdown_cell_that_shows_its_preview(notebook: Notebook) -> None:
    view = notebook.view()
    made(view, "a [red] fox_*")

    def shown() -> None:
        expect(line(notebook.page)).to_be_visible()
        cell, at = notebook.cell(1).bounding_box(), line(notebook.page).bounding_box()
        assert cell is not None
        assert at is not None
        assert at["y"] == pytest.approx(cell["y"] + cell["height"], abs=4)

    drag(view, notebook.cell(1), before=shown)
    expect(line(notebook.page)).to_have_count(0)
    image = notebook.cell(2).locator(".jp-RenderedMarkdown img")
    expect(image).to_have_attribute("alt", "a [red] fox_*")
    view.expect_decoded(image)
    cell = notebook.page.evaluate(CELL, 2)
    (attachment,) = cell["attachments"].values()
    ((kind, data),) = attachment.items()
    assert kind == "image/webp"
    assert 0 < len(base64.b64decode(data)) <= MOST_BYTES
    # The editor of the cell took nothing of the drop.
    assert notebook.page.evaluate(CELL, 1)["source"].startswith("print(")

    notebook.save()
    saved = json.loads(notebook.path.read_text(encoding="utf-8"))
    assert [each["cell_type"] for each in saved["cells"]] == ["code", "code", "markdown"]
    assert len(notebook.path.read_bytes()) < 2 * MOST_BYTES
    notebook.page.evaluate(UNDO)
    expect(notebook.page.locator(".jp-Notebook .jp-Cell")).to_have_count(2)


def test_a_noisy_image_is_made_smaller_for_the_notebook(open_notebook: OpenNotebook, store: Path) -> None:
    notebook = open_notebook([NOISY.format(store=str(store))])
    notebook.run(0)
    view = notebook.view()
    view.expect_images(1)
    drag(view, notebook.cell(0).locator(".jp-InputArea-editor"))
    image = notebook.cell(1).locator("img")
    view.expect_decoded(image)
    ((data,),) = [list(a.values()) for a in notebook.page.evaluate(CELL, 1)["attachments"].values()]
    assert MOST_BYTES / 4 < len(base64.b64decode(data)) <= MOST_BYTES


def test_with_alt_a_dragged_image_becomes_code_that_opens_its_file(notebook: Notebook) -> None:
    view = notebook.view()
    made(view)

    def shown() -> None:
        expect(line(notebook.page)).to_have_text("Insert code that opens the image")

    drag(view, notebook.cell(1), before=shown, alt=True)
    expect(notebook.cell(2)).to_contain_text("Image.open")
    notebook.run(2)
    view.expect_decoded(notebook.cell(2).locator(".jp-OutputArea-output img"))


def test_an_image_that_is_dragged_within_the_studio_stays_there(notebook: Notebook) -> None:
    view = notebook.view()
    made(view)
    view.tiles("success").first.drag_to(view.part("prompt"))
    expect(line(notebook.page)).to_have_count(0)
    assert notebook.cell_count() == 2


def test_a_picture_goes_into_the_notebook_by_keys_alone(notebook: Notebook) -> None:
    view = notebook.view()
    made(view)
    insert_picture_by_keys(view)
    # Below the cell of the studio, which is the active one while the focus is in it.
    image = notebook.cell(1).locator(".jp-RenderedMarkdown img")
    expect(image).to_have_attribute("alt", "a red fox")
    view.expect_decoded(image)
    assert notebook.page.evaluate(CELL, 1)["cell_type"] == "markdown"
    assert notebook.page.evaluate(ACTIVE) == 1
    expect(view.root.locator("[data-level]", has_text="a new cell with the preview")).to_be_visible()
    # The keys go on where they were.
    expect(view.tiles("success").first.get_by_test_id("tile-menu")).to_be_focused()


@pytest.mark.parametrize("put", [insert, insert_picture_by_keys])
def test_a_read_only_notebook_takes_nothing_and_the_studio_says_so(
    notebook: Notebook, put: Callable[[View], None]
) -> None:
    view = notebook.view()
    made(view)
    notebook.page.evaluate(LOCK)
    put(view)
    expect(view.root.locator("[data-level]", has_text="No open notebook takes a new cell")).to_be_visible()
    assert notebook.cell_count() == 2


# ------------------------------------------------------------------ Notebook 7


def test_in_notebook_a_studio_hands_its_code_and_its_images_over(
    page: Page, tmp_path: Path, store: Path
) -> None:
    # So high that the cells below the studio are in sight.
    page.set_viewport_size({"width": 1400, "height": 1700})
    with NotebookServer(tmp_path / "server") as server:
        view = server.show(page, "studio", store)
        cells = page.locator(".jp-Notebook .jp-Cell")
        before = cells.count()
        made(view)
        # Notebook has no main area with tabs.
        expect(view.part("open-tab")).to_have_count(0)
        insert(view)
        expect(cells).to_have_count(before + 1)
        new = page.evaluate(CELL, before)
        assert new["cell_type"] == "code"
        assert "a red fox" in new["source"]
        page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-cell')")
        view.expect_images(2)

        drag(view, cells.nth(before), before=lambda: expect(line(page)).to_be_visible())
        expect(line(page)).to_have_count(0)
        image = cells.nth(before + 1).locator(".jp-RenderedMarkdown img")
        expect(image).to_have_attribute("alt", "a red fox")
        view.expect_decoded(image)
