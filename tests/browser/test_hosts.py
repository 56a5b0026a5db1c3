"""The core story in every host without a desktop: show, generate, look, save, switch topics, reload."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

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
        still_there(server.again(page))


def test_marimo(page: Page, tmp_path: Path, store: Path) -> None:
    with MarimoServer(tmp_path / "server", store) as server:
        core_story(server.show(page), store)
        still_there(server.again(page))


def test_marimo_shows_a_studio_beside_another_element(page: Page, tmp_path: Path, store: Path) -> None:
    with MarimoServer(tmp_path / "server", store, shown="mo.hstack([view, mo.md('# Notes')])") as server:
        box = server.show(page).root.bounding_box()
        assert box is not None
        # Most of the window of 1400 px; nothing but the words is beside it.
        assert box["width"] > 900
