"""A real JupyterLab in a real Chromium, for the browser tests, the screenshots and the bench.

`LabServer` is a JupyterLab with its own folders, `Browser` a Chromium, `Notebook` one notebook in one page,
and `View` one shown playground. The methods wait for what a user would wait for, and never sleep.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Playwright, expect

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
)
QUIET_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    }
}
# Only one server of a machine gets the port of jupyter-server-mcp.
WITHOUT_TOOLS = {"jupyter_server_mcp": False}
WAIT = 30_000
"""The longest wait for one change, in milliseconds, which only a very slow machine needs."""

# The toolbar shows "idle" before the kernel's websocket exists. A cell that runs then is lost.
KERNEL_READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  const session = panel?.sessionContext;
  const kernel = session?.session?.kernel;
  return Boolean(panel?.content?.widgets && panel.context?.isReady && session?.isReady
    && kernel?.connectionStatus === 'connected' && kernel.status === 'idle');
}"""
_RUN_CELL = """index => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  void window.jupyterapp.commands.execute('notebook:run-cell');
}"""
_OUTPUTS = "index => window.jupyterapp.shell.currentWidget.content.widgets[index].model.outputs.toJSON()"
_CELL_COUNT = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"

JUPYTER = Path(__file__).resolve().parent.parent / "jupyter"
"""The folder with what Jupyter Server and JupyterLab look for: the extensions of this checkout."""

_LABEXTENSIONS = Path("share", "jupyter", "labextensions")
_GIVES_UP = 'throw Error("widget model not found")'
_MENDS = (
    # jupyterlab_widgets 3.0.17 asks every 100 ms whether the model of a widget is there, and gives up after
    # 2 s without a last question. Where the model comes in the last pause, the output shows "Error displaying
    # widget: model not found" until the next reload.
    (
        "@jupyter-widgets/jupyterlab-manager",
        _GIVES_UP,
        f"if(void 0!==(t=this._models[e]))return t;{_GIVES_UP}",
    ),
    # anywidget 0.11 drops all messages to a widget whose script took longer than 2 s to load.
    ("anywidget", "AbortSignal.timeout(2000)", "AbortSignal.timeout(60000)"),
)
"""The limits in time that a busy machine crosses: an extension, a text in its scripts, and a better text."""


class LabServer:
    """A JupyterLab with settings, data, kernels and a port of its own, apart from the user's JupyterLab.

    Args:
        folder: the folder of all its files; the notebooks are in ``folder/notebooks``.
        settings: the settings of JupyterLab by plug-in, such as ``{"@jupyterlab/x-extension/y": {...}}``.
        environment: the variables that the server and its kernels get beside those of this process.
    """

    ALIVE = "/api"
    """The path that answers when the server runs."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.notebooks = folder / "notebooks"
        self.url = ""
        self._folder = folder
        self._settings = {**QUIET_SETTINGS, **(settings or {})}
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, and return when it answers."""
        self.notebooks.mkdir(parents=True, exist_ok=True)
        for name, values in self._settings.items():
            path = self._folder / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")
        labextensions = self._folder / "first" / "labextensions"
        mend_extensions(labextensions)
        # Voilà would not follow a link.
        shutil.copytree(JUPYTER / "labextension", labextensions / "imgplay-widget", dirs_exist_ok=True)
        # In this file and not in a folder of settings, which those of the environment would override.
        config = self._folder / "config" / "jupyter_server_config.json"
        config.parent.mkdir(exist_ok=True)
        settings = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {"ServerApp": {}}
        settings["ServerApp"].setdefault("jpserver_extensions", {}).update(WITHOUT_TOOLS)
        config.write_text(json.dumps(settings), encoding="utf-8")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(port),
                cwd=self.notebooks,
                env=self._environment_of_server(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End the server and all processes that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        # On SIGTERM, the server also ends its kernels.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def write_notebook(self, name: str, cells: Sequence[str]) -> Path:
        """Write a notebook of code cells, and return the path of the notebook."""
        path = self.notebooks / f"{name}.ipynb"
        path.write_text(json.dumps(notebook_of(cells)), encoding="utf-8")
        return path

    def end_sessions(self) -> None:
        """End all kernels."""
        with urllib.request.urlopen(f"{self.url}/api/sessions") as answer:
            sessions = json.load(answer)
        for session in sessions:
            request = urllib.request.Request(f"{self.url}/api/sessions/{session['id']}", method="DELETE")
            urllib.request.urlopen(request).close()

    def _command(self, port: int) -> list[str]:
        return [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            *(["--allow-root"] if os.getuid() == 0 else []),
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            "--IdentityProvider.token=",
            "--ServerApp.password=",
            "--ServerApp.disable_check_xsrf=True",
            f"--ServerApp.root_dir={self.notebooks}",
            "--ServerApp.terminals_enabled=False",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
        ]

    def _environment_of_server(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_"))}
        own = {
            name: str(self._folder / part)
            for name, part in (
                ("IPYTHONDIR", "ipython"),
                ("JUPYTER_CONFIG_DIR", "config"),
                ("JUPYTER_DATA_DIR", "data"),
                # Jupyter searches this folder before the one of the Python environment.
                ("JUPYTER_PATH", "first"),
                ("JUPYTER_RUNTIME_DIR", "runtime"),
                ("JUPYTERLAB_SETTINGS_DIR", "settings"),
                ("JUPYTERLAB_WORKSPACES_DIR", "workspaces"),
                ("XDG_DATA_HOME", "user-data"),
            )
        }
        return {**inherited, **own, "JUPYTER_CONFIG_PATH": str(JUPYTER), **self._environment}

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        until = time.monotonic() + WAIT / 1000
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.url}{self.ALIVE}", timeout=5).close()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                # A server does not announce when it begins to listen, so this loop asks now and then.
                time.sleep(0.1)
            else:
                return
        self.stop()
        log = (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{type(self).__name__} did not start:\n{log[-4000:]}")


def mend_extensions(labextensions: Path) -> None:
    """Copy the extensions that show widgets into a folder, with limits in time that a busy machine keeps.

    Args:
        labextensions: a folder that JupyterLab searches before the folder of the Python environment.
    """
    for name, text, better in _MENDS:
        copy = labextensions / name
        shutil.copytree(Path(sys.prefix) / _LABEXTENSIONS / name, copy, dirs_exist_ok=True)
        for script in (copy / "static").glob("*.js"):
            script.write_text(script.read_text(encoding="utf-8").replace(text, better), encoding="utf-8")


def notebook_of(cells: Sequence[str]) -> dict[str, Any]:
    """Return a notebook (format 4.5) of code cells that have not run."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"cell-{number}",
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def free_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def find_chromium() -> str | None:
    """Return the path of a Chromium that works, or None for the Chromium of Playwright."""
    for name in CHROMIUM_NAMES:
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Return a context with a headless Chromium."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_ARGUMENTS))
    try:
        yield browser
    finally:
        browser.close()


class Notebook:
    """One notebook, open in one page, with its own kernel."""

    def __init__(self, page: Page, server: LabServer, name: str, cells: Sequence[str]) -> None:
        self.page = page
        self.path = server.write_notebook(name, cells)
        self.console: list[ConsoleMessage] = []
        self.page_errors: list[str] = []
        page.set_default_timeout(WAIT)
        page.on("console", self._keep_message)
        page.on("pageerror", lambda error: self.page_errors.append(f"{error}\n{error.stack or ''}"))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{server.url}/lab/workspaces/auto-{name}/tree/{name}.ipynb?reset")
        self._wait_until_ready()

    def run(self, index: int) -> None:
        """Run a cell and wait for its end.

        Raises:
            AssertionError: the cell raised an error; the text is the traceback.
        """
        self.start(index)
        self.wait_for_end(index)
        for output in self.outputs(index):
            assert output["output_type"] != "error", "\n".join(output["traceback"])

    def start(self, index: int) -> None:
        """Run a cell, and return when the kernel works on the cell."""
        self.page.evaluate(_RUN_CELL, index)
        expect(self.prompt(index)).to_have_text(re.compile(r"\[(\*|\d+)\]"), timeout=WAIT)

    def wait_for_end(self, index: int) -> None:
        """Wait until a started cell has ended."""
        expect(self.prompt(index)).to_have_text(re.compile(r"\[\d+\]"), timeout=WAIT)

    def is_running(self, index: int) -> bool:
        """Return whether a cell has started and has not ended."""
        return "*" in self.prompt(index).inner_text()

    def prompt(self, index: int) -> Locator:
        """Return the ``[1]:`` beside a cell."""
        return self.cell(index).locator(".jp-InputArea-prompt")

    def cell(self, index: int) -> Locator:
        """Return a cell with its output."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def cell_count(self) -> int:
        """How many cells the notebook has."""
        return int(self.page.evaluate(_CELL_COUNT))

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """Return the outputs of a cell, as the notebook stores them."""
        return list(self.page.evaluate(_OUTPUTS, index))

    def text(self, index: int) -> str:
        """Return the text that a cell printed."""
        return "".join(str(o["text"]) for o in self.outputs(index) if o["output_type"] == "stream")

    def interrupt(self) -> None:
        """Interrupt the kernel."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")

    def reload(self, *, save: bool = True) -> None:
        """Save the notebook, if it has changes, and load the page again; the kernel keeps running."""
        if save:
            self.save()
        self.page.reload()
        self._wait_until_ready()

    def view(self, index: int = 0) -> View:
        """Return the playground in the output of a cell."""
        return View(self.page, self.cell(index).get_by_test_id("imgplay"))

    def _keep_message(self, message: ConsoleMessage) -> None:
        self.console.append(message)

    def _wait_until_ready(self) -> None:
        self.page.wait_for_function(KERNEL_READY, timeout=WAIT)


class View:
    """One shown playground, with what a user sees and does.

    Args:
        page: the page that shows the playground.
        root: the outermost element of the playground.
    """

    def __init__(self, page: Page, root: Locator) -> None:
        self.page = page
        self.root = root
        expect(root).to_be_visible(timeout=WAIT)

    def part(self, name: str) -> Locator:
        """Return the elements with a ``data-testid``."""
        return self.root.get_by_test_id(name)

    def tiles(self, status: str | None = None) -> Locator:
        """Return the tiles of the feed, newest batch first, or the tiles of one status."""
        return self._with("tile", "" if status is None else f'[data-status="{status}"]')

    def batches(self) -> Locator:
        """Return the batches of the feed, newest first."""
        return self.part("batch")

    def topics(self) -> Locator:
        """Return the topics, last used first."""
        return self.part("topic")

    def active_topic(self) -> Locator:
        """Return the topic that is shown."""
        return self._with("topic", '[aria-current]:not([aria-current="false"])')

    def choose_model(self, name: str) -> None:
        """Choose a model, ``"provider:id"``."""
        self.part("model-select").click()
        # Without a search, the list shows a recent model twice.
        self.part("model-search").fill(name)
        self._with("model-option", f'[data-model="{name}"]').click()

    def generate(self, prompt: str, n: int | None = None, *, model: str | None = None) -> None:
        """Write a prompt and click Generate, and return when the batch is in the feed."""
        if model is not None:
            self.choose_model(model)
        if n is not None:
            self.part(f"count-{n}").click()
        self.part("prompt").fill(prompt)
        self.part("generate").click()
        expect(self.batches().first).to_contain_text(prompt, timeout=WAIT)

    def expect_images(self, count: int) -> None:
        """Wait until exactly this number of tiles show an image that the browser has decoded."""
        expect(self.tiles("success")).to_have_count(count, timeout=WAIT)
        images = self.part("tile-image")
        expect(images).to_have_count(count, timeout=WAIT)
        for index in range(count):
            self.expect_decoded(images.nth(index))

    def expect_decoded(self, image: Locator) -> None:
        """Wait until an image is on the screen and has pixels."""
        # Images load when they come into view, as they do for a user who scrolls.
        image.scroll_into_view_if_needed()
        element = image.element_handle()
        frame = element.owner_frame()
        assert frame is not None
        frame.wait_for_function(
            "image => image.complete && image.naturalWidth > 0", arg=element, timeout=WAIT
        )

    def _with(self, name: str, condition: str) -> Locator:
        # The page may be in a frame, and a locator of the outer page does not reach into the frame.
        return self.root.locator(f'[data-testid="{name}"]{condition}')
