"""The core story in every host without a desktop: show, generate, look, save, switch topics, reload."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from scripts.hosts import MarimoServer, NotebookServer, VoilaServer
from scripts.lab import Notebook
from tests.browser.conftest import OpenNotebook
from tests.browser.story import core_story, still_there

pytestmark = pytest.mark.browser


def test_jupyterlab(open_notebook: OpenNotebook, studio_cells: list[str], store: Path) -> None:
    notebook: Notebook = open_notebook(studio_cells)
    notebook.run(0)
    core_story(notebook.view(), store)
    notebook.reload()
    still_there(notebook.view())


def test_notebook(page: Page, tmp_path: Path, store: Path) -> None:
    with NotebookServer(tmp_path / "server") as server:
        core_story(server.show(page, "studio", store), store)
        still_there(server.again(page))


def test_voila(page: Page, tmp_path: Path, store: Path) -> None:
    with VoilaServer(tmp_path / "server") as server:
        core_story(server.show(page, "studio", store), store)
        view = server.again(page)
        still_there(view)
        # Voilà loads the extension of JupyterLab too, but has no notebook that takes code.
        view.part("batch-menu").first.click()
        expect(page.get_by_test_id("copy-code")).to_be_visible()
        expect(page.get_by_test_id("insert-code")).to_have_count(0)


def test_marimo(page: Page, tmp_path: Path, store: Path) -> None:
    with MarimoServer(tmp_path / "server", store) as server:
        core_story(server.show(page), store)
        still_there(server.again(page))


def test_the_cells_of_marimo_follow_what_the_user_does(page: Page, tmp_path: Path, store: Path) -> None:
    with MarimoServer(tmp_path / "server", store) as server:
        view = server.show(page)
        panel, chosen, finished = map(page.get_by_test_id, ("panel", "chosen", "finished"))
        expect(panel).to_have_text("'' by demo:instant, 1 of width 1024")
        view.part("prompt").click()
        # The cell that shows the studio runs again too, at each pause, and must not take the focus away.
        for words in ("a sunset", " over the sea"):
            page.keyboard.type(words)
            expect(panel).to_contain_text(words)
        expect(view.part("prompt")).to_have_value("a sunset over the sea")
        view.part("count-2").click()
        view.part("width").fill("768")
        view.part("width").press("Tab")
        expect(panel).to_have_text("'a sunset over the sea' by demo:instant, 2 of width 768")
        view.part("generate").click()
        view.expect_images(2)
        expect(finished).to_have_text("a sunset over the sea 768, a sunset over the sea 768")
        for tile in range(2):
            view.tiles().nth(tile).hover()
            view.tiles().nth(tile).get_by_test_id("select").click()
        expect(chosen).to_have_text("a sunset over the sea 0, a sunset over the sea 1 True")
        view.tiles().first.get_by_test_id("select").click()
        expect(chosen).to_have_text("a sunset over the sea 1 True")
        view.choose_model("demo:slow")
        expect(panel).to_contain_text("by demo:slow, 2")
        view.part("new-topic").click()
        expect(panel).to_contain_text("'' by demo:slow")


def test_marimo_shows_a_studio_beside_another_element(page: Page, tmp_path: Path, store: Path) -> None:
    with MarimoServer(tmp_path / "server", store, shown="mo.hstack([view, mo.md('# Notes')])") as server:
        box = server.show(page).root.bounding_box()
        assert box is not None
        # Most of the window of 1400 px; nothing but the words is beside it.
        assert box["width"] > 900
