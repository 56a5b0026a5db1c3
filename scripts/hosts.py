"""Other hosts that show a playground, each as it is started by its users: for the browser tests.

Every one runs in folders of its own, like `LabServer`. `show` opens the page that shows the playground, and
gives its view.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page

from scripts.lab import KERNEL_READY, WAIT, LabServer, View

_CELLS = ("from imgplay_widget import ImagePlayground", "pg = ImagePlayground(store={store!r})\npg")
_MARIMO = """import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import marimo as mo
    from imgplay_widget import ImagePlayground

    view = mo.ui.anywidget(ImagePlayground(store={store!r}))
    return (view,)


@app.cell
def _(view):
    view
    return


if __name__ == "__main__":
    app.run()
"""


class NotebookServer(LabServer):
    """Jupyter Notebook 7."""

    def show(self, page: Page, name: str, store: Path) -> View:
        """Opens a notebook and runs its cells, as a user does."""
        self.write_notebook(name, [cell.format(store=str(store)) for cell in _CELLS])
        page.set_default_timeout(WAIT)
        page.goto(f"{self.url}/notebooks/{name}.ipynb")
        page.wait_for_function(KERNEL_READY, timeout=WAIT)
        page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        return View(page, page.get_by_test_id("imgplay"))

    def again(self, page: Page) -> View:
        """Loads the page again after it was saved; the kernel lives on."""
        page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
        page.reload()
        return View(page, page.get_by_test_id("imgplay"))

    def _command(self, port: int) -> list[str]:
        lab = super()._command(port)
        mine = ["-m", "notebook", "--no-browser"]
        kept = [word for word in lab[4:] if not word.startswith("--LabApp")]
        return [lab[0], *mine, *kept, "--JupyterNotebookApp.expose_app_in_browser=True"]


class VoilaServer(LabServer):
    """Voilà: the notebook as an application, without its code."""

    ALIVE = "/"

    def show(self, page: Page, name: str, store: Path) -> View:
        """Opens the page; the notebook runs while it loads."""
        self.write_notebook(name, [cell.format(store=str(store)) for cell in _CELLS])
        page.set_default_timeout(WAIT)
        page.goto(f"{self.url}/voila/render/{name}.ipynb")
        return View(page, page.get_by_test_id("imgplay"))

    def again(self, page: Page) -> View:
        """Loads the page again; Voilà gives each visit a kernel of its own."""
        page.reload()
        return View(page, page.get_by_test_id("imgplay"))

    def _command(self, port: int) -> list[str]:
        return [
            sys.executable,
            "-m",
            "voila",
            str(self.notebooks),
            "--no-browser",
            "--Voila.ip=127.0.0.1",
            f"--port={port}",
            "--Voila.port_retries=0",
        ]


class MarimoServer(LabServer):
    """marimo: a notebook that is a Python program; it shows widgets in a shadow root.

    Args:
        folder: where everything of it goes.
        store: the store of the playground: the program is there before the server is.
    """

    ALIVE = "/health"

    def __init__(self, folder: Path, store: Path) -> None:
        super().__init__(folder)
        self._program = folder / "notebooks" / "studio.py"
        self._store = store

    def start(self) -> None:
        """Starts it, and gives back control when it answers."""
        self._program.parent.mkdir(parents=True)
        self._program.write_text(_MARIMO.format(store=str(self._store)), encoding="utf-8")
        super().start()

    def show(self, page: Page) -> View:
        """Opens the program's page."""
        page.set_default_timeout(WAIT)
        page.goto(self.url)
        return View(page, page.get_by_test_id("imgplay"))

    def again(self, page: Page) -> View:
        """Loads the page again: marimo runs the program anew."""
        page.reload()
        return View(page, page.get_by_test_id("imgplay"))

    def _command(self, port: int) -> list[str]:
        return [
            *(sys.executable, "-m", "marimo", "-q", "run", str(self._program)),
            *("--headless", "--no-token", "--host=127.0.0.1", f"--port={port}"),
        ]
