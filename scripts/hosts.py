"""Other hosts that show a playground, each started as its users start it, for the browser tests.

Each host runs in folders of its own, like `LabServer`. `show` opens the page with the playground and returns
its view.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page

from scripts.lab import KERNEL_READY, WAIT, LabServer, View

CELLS = ("from imgplay_widget import ImagePlayground", "pg = ImagePlayground(store={store!r})\npg")
_MARIMO = """import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import marimo as mo
    from imgplay_widget import ImagePlayground

    view = mo.ui.anywidget(ImagePlayground(store={store!r}))
    finished, set_finished = mo.state([])
    view.on_generation(lambda generation: set_finished(lambda before: [*before, generation]))
    return finished, mo, view


@app.cell
def _(mo, view):
    panel = f"{{view.value['prompt']!r}} by {{view.model}}, {{view.n}} of width {{view.params.get('width')}}"
    mo.Html(f'<p data-testid="panel">{{panel}}</p>')
    return


@app.cell
def _(mo, view):
    chosen = ", ".join(f"{{one.batch.prompt}} {{one.slot}}" for one in view.selected)
    same = [one.id for one in view.selected] == view.value["selected"]
    mo.Html(f'<p data-testid="chosen">{{chosen or "nothing"}} {{same}}</p>')
    return


@app.cell
def _(finished, mo):
    images = ", ".join(f"{{one.batch.prompt}} {{one.width}}" for one in finished())
    mo.Html(f'<p data-testid="finished">{{images or "no image"}}</p>')
    return


@app.cell
def _(mo, view):
    {shown}
    return


if __name__ == "__main__":
    app.run()
"""


class NotebookServer(LabServer):
    """Jupyter Notebook 7."""

    def show(self, page: Page, name: str, store: Path) -> View:
        """Open a notebook and run its cells, as a user does."""
        self.write_notebook(name, [cell.format(store=str(store)) for cell in CELLS])
        page.set_default_timeout(WAIT)
        page.goto(f"{self.url}/notebooks/{name}.ipynb")
        page.wait_for_function(KERNEL_READY, timeout=WAIT)
        page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        return View(page, page.get_by_test_id("imgplay"))

    def again(self, page: Page) -> View:
        """Load the page again after the notebook was saved; the kernel keeps running."""
        page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
        page.reload()
        return View(page, page.get_by_test_id("imgplay"))

    def _command(self, port: int) -> list[str]:
        lab = super()._command(port)
        mine = ["-m", "notebook", "--no-browser"]
        kept = [word for word in lab[4:] if not word.startswith("--LabApp")]
        return [lab[0], *mine, *kept, "--JupyterNotebookApp.expose_app_in_browser=True"]


class VoilaServer(LabServer):
    """Voilà, which shows a notebook as an application, without its code."""

    ALIVE = "/"

    def show(self, page: Page, name: str, store: Path) -> View:
        """Open the page; the notebook runs while the page loads."""
        self.write_notebook(name, [cell.format(store=str(store)) for cell in CELLS])
        page.set_default_timeout(WAIT)
        page.goto(f"{self.url}/voila/render/{name}.ipynb")
        return View(page, page.get_by_test_id("imgplay"))

    def again(self, page: Page) -> View:
        """Load the page again; Voilà starts a new kernel for each visit."""
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
    """marimo, whose notebook is a Python program and which shows widgets in a shadow root.

    Args:
        folder: the folder of all its files.
        store: the store of the playground. It is an argument, because the program is written before the
            start.
        shown: what the cell shows, as Python of marimo (`mo`) and the playground (`view`).
    """

    ALIVE = "/health"

    def __init__(self, folder: Path, store: Path, shown: str = "view") -> None:
        super().__init__(folder)
        self._program = folder / "notebooks" / "studio.py"
        self._text = _MARIMO.format(store=str(store), shown=shown)

    def start(self) -> None:
        """Start the server, and return when it answers."""
        self._program.parent.mkdir(parents=True)
        self._program.write_text(self._text, encoding="utf-8")
        super().start()

    def show(self, page: Page) -> View:
        """Open the page of the program."""
        page.set_default_timeout(WAIT)
        page.goto(self.url)
        return View(page, page.get_by_test_id("imgplay"))

    def again(self, page: Page) -> View:
        """Load the page again; marimo runs the program anew."""
        page.reload()
        return View(page, page.get_by_test_id("imgplay"))

    def _command(self, port: int) -> list[str]:
        return [
            *(sys.executable, "-m", "marimo", "-q", "run", str(self._program)),
            *("--headless", "--no-token", "--host=127.0.0.1", f"--port={port}"),
        ]
