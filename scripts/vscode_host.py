"""VS Code's own widget manager in a browser, in pages that stand for the editor and its webview.

`make vscode-host` fetches the manager and builds the pages of js/vscode. `VSCodeHost` serves them, with
kernels of a Jupyter server. `VSCodeNotebook` is a notebook of one kernel in the window of an editor.
"""

from __future__ import annotations

import base64
import functools
import http.server
import json
import sys
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from jupyter_core.paths import jupyter_path
from playwright.sync_api import FloatRect, Frame, Locator, Page, expect

from scripts.lab import WAIT, LabServer, View
from scripts.page_states import QuietHandler

BUILT = Path(__file__).resolve().parent.parent / ".vscode-host"
MANAGER = BUILT / "ipywidgets.js"
NOT_FETCHED = BUILT / "not-fetched.txt"
"""The note that npm could not be reached."""

_FONT = {"font-family": "monospace", "font-size": "13px", "font-weight": "normal"}
_LIGHT = {**_FONT, "editor-foreground": "#3b3b3b", "editor-background": "#ffffff", "focusBorder": "#005fb8"}
_DARK = {**_FONT, "editor-foreground": "#cccccc", "editor-background": "#1f1f1f", "focusBorder": "#0078d4"}
THEMES: Mapping[str, Mapping[str, str]] = {
    "vscode-light": _LIGHT,
    "vscode-dark": _DARK,
    "vscode-high-contrast": {**_DARK, "editor-background": "#000000", "focusBorder": "#f38518"},
    "vscode-high-contrast-light": {**_LIGHT, "focusBorder": "#006bbd"},
}
"""The kinds of themes, each with the variables that the page of the outputs gets."""


_SCROLL = """top => {
  const editor = document.getElementById('editor');
  editor.scrollTop = top;
  return editor.scrollTop === top;
}"""
_OVER = """({ x, y, width, height }) => {
  const points = [0.02, 0.5, 0.98].flatMap(a => [0.02, 0.5, 0.98].map(b => [x + a * width, y + b * height]));
  const webview = document.getElementById('webview');
  return points.filter(point => document.elementFromPoint(...point) !== webview);
}"""
"""The script that returns the points of a box that are covered by a cell of code, or by the window's edge."""


class VSCodeHost(LabServer):
    """A Jupyter server without pages, and the editor's pages; those of the outputs have their own origin."""

    def start(self) -> None:
        """Start both servers, and return when they answer."""
        handler = functools.partial(_Handler, directory=str(BUILT))
        self._pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._pages.serve_forever, daemon=True)
        self._thread.start()
        super().start()

    def stop(self) -> None:
        """End both servers and all kernels."""
        super().stop()
        self._pages.shutdown()
        self._pages.server_close()
        self._thread.join()

    def start_kernel(self) -> str:
        """Start a kernel, and return its id."""
        request = urllib.request.Request(
            f"{self.url}/api/kernels",
            data=b'{"name": "python3"}',
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["id"])

    def address(self, kernel: str, cells: int, policy: str) -> str:
        """Return the address of an editor with a notebook."""
        port = self._pages.server_port
        query = {
            "cells": cells,
            "channels": f"{self.url.replace('http', 'ws')}/api/kernels/{kernel}/channels",
            "webview": f"http://localhost:{port}/webview.html?{urlencode({'policy': policy})}",
        }
        return f"http://127.0.0.1:{port}/editor.html?{urlencode(query)}"

    def _command(self, port: int) -> list[str]:
        words = [word for word in super()._command(port)[3:] if not word.startswith("--LabApp")]
        # The editor's page has another port than the server.
        return [sys.executable, "-m", "jupyter_server", *words, "--ServerApp.allow_origin=*"]


class _Handler(QuietHandler):
    """A server of the built pages and of anywidget's script. The policy of a page stands in its address."""

    def translate_path(self, path: str) -> str:
        name = urlsplit(path).path
        if name.startswith("/nbextensions/"):
            found = (Path(folder + name) for folder in jupyter_path())
            return str(next(file for file in found if file.is_file()))
        return super().translate_path(path)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        address = urlsplit(self.path)
        policy = parse_qs(address.query).get("policy")
        if policy and address.path == "/outputs.html":
            self.send_header("Content-Security-Policy", policy[0])
        super().end_headers()


class VSCodeNotebook:
    """One notebook of a kernel, in the window of an editor.

    Args:
        page: the page that becomes the editor's window.
        host: the servers.
        kernel: the id of the kernel.
        cells: how many cells the notebook has.
        theme: one of `THEMES`.
        policy: the content policy of the page of the outputs.
    """

    def __init__(
        self,
        page: Page,
        host: VSCodeHost,
        kernel: str,
        *,
        cells: int = 4,
        theme: str = "vscode-dark",
        policy: str = "",
    ) -> None:
        self.page = page
        self.theme = theme
        self._kernel = kernel
        self._shown: dict[int, list[dict[str, Any]]] = {}
        page.set_default_timeout(WAIT)
        page.goto(host.address(kernel, cells, policy))
        self._connect()

    def run(self, cell: int, code: str) -> None:
        """Run code as a cell, and return when its outputs are drawn."""
        result = self.outputs.evaluate("([cell, code]) => outputs.run(cell, code)", [cell, code])
        assert result["status"] == "ok", result
        self._shown[cell] = result["shown"]

    def start(self, cell: int, code: str) -> None:
        """Run code as a cell, and return at once."""
        self.outputs.evaluate("([cell, code]) => void outputs.run(cell, code)", [cell, code])

    def view(self, cell: int) -> View:
        """Return the playground in the output of a cell."""
        return View(self.page, self.output(cell).get_by_test_id("imgplay"))

    def output(self, cell: int) -> Locator:
        """Return the output of a cell."""
        return self.outputs.locator(f'[data-cell="{cell}"]')

    def plain_text(self, cell: int) -> str:
        """Return the plain text of the last output of a cell. VS Code shows it for an unknown widget."""
        return str(self._shown[cell][-1]["text/plain"])

    def reload(self) -> None:
        """Load the window again. The kernel keeps running, and the notebook has kept its outputs."""
        self.page.reload()
        self._connect()
        for cell, bundles in self._shown.items():
            for bundle in bundles:
                self.outputs.evaluate("([cell, bundle]) => outputs.show(cell, bundle)", [cell, bundle])

    def wear(self, theme: str) -> None:
        """Change the theme."""
        self.theme = theme
        self.outputs.evaluate("theme => outputs.wear(theme)", {"kind": theme, "variables": THEMES[theme]})
        colour = THEMES[theme]["editor-background"]
        self.page.evaluate("colour => document.body.style.setProperty('--editor', colour)", colour)

    def saved(self, button: Locator) -> tuple[str, bytes]:
        """Return the name and the bytes of the file that a click saves through the editor."""
        button.click()
        found = self.page.wait_for_function("() => window.editor.saved.shift()", timeout=WAIT)
        name, address = found.json_value()
        return name, base64.b64decode(address.partition(";base64,")[2])

    @property
    def scrolled(self) -> float:
        """How far the notebook is scrolled, in pixels."""
        return float(self.page.evaluate("() => document.getElementById('editor').scrollTop"))

    def scroll(self, top: float) -> None:
        """Scroll the notebook. It may have to grow first: the height of an output arrives in a message."""
        self.page.wait_for_function(_SCROLL, arg=top)

    @property
    def window(self) -> FloatRect:
        """The part of the window that shows the notebook."""
        box = self.page.locator("#editor").bounding_box()
        assert box is not None
        return box

    def expect_in_sight(self, part: Locator) -> None:
        """Wait until all of an element can be seen: in the window, and not below a cell of code."""
        expect(part).to_be_in_viewport(ratio=0.99, timeout=WAIT)
        part.element_handle().wait_for_element_state("stable")
        box, window = part.bounding_box(), self.window
        assert box is not None
        for start, size in (("x", "width"), ("y", "height")):
            assert window[start] - 1 <= box[start], (box, window)
            assert box[start] + box[size] <= window[start] + window[size] + 1, (box, window)
        assert self.page.evaluate(_OVER, box) == [], box

    def _connect(self) -> None:
        self.outputs = self._frame_of_outputs()
        self.wear(self.theme)
        self.outputs.evaluate("kernel => outputs.start(kernel)", self._kernel)

    def _frame_of_outputs(self) -> Frame:
        webview = self.page.locator("#webview").element_handle().content_frame()
        assert webview is not None
        frame = webview.wait_for_selector("iframe")
        assert frame is not None
        outputs = frame.content_frame()
        assert outputs is not None
        outputs.wait_for_function("() => window.outputs", timeout=WAIT)
        return outputs
