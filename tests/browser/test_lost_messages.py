"""Each click is done once: before the kernel answers, while a cell runs, and when the network is cut."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT, LabServer, View

pytestmark = pytest.mark.browser

WITHOUT_SUBSHELLS = {"@jupyterlab/apputils-extension/kernels-settings": {"commsOverSubshells": "disabled"}}
COUNT = "print(len(pg.batches()), 'batches', flush=True)"
SLEEP = "import time\nprint('busy', flush=True)\ntime.sleep(120)"


class Cut(LabServer):
    """The way to a JupyterLab: a TCP proxy that can lose what one side sends, and cut the way.

    Args:
        server: the JupyterLab.

    Attributes:
        loses: the side whose bytes are lost: "browser", "server", or "" for neither.
    """

    def __init__(self, server: LabServer) -> None:
        self.notebooks = server.notebooks
        self.loses = ""
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ways: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections. The browser can make new ones, which lose nothing."""
        self.loses = ""
        ways, self._ways = self._ways, []
        for way in ways:
            for end in way:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def end_sessions(self) -> None:
        """End all kernels."""
        self._server.end_sessions()

    def close(self) -> None:
        """End the proxy."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
                address = urlsplit(self._server.url)
                server = socket.create_connection((address.hostname or "", address.port or 0))
            except OSError:
                return
            self._ways.append((browser, server))
            threading.Thread(target=self._carry, args=(browser, server), daemon=True).start()

    def _carry(self, browser: socket.socket, server: socket.socket) -> None:
        with browser, server, selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
            ready.register(browser, selectors.EVENT_READ, ("browser", server))
            ready.register(server, selectors.EVENT_READ, ("server", browser))
            while True:
                for key, _ in ready.select():
                    side, other = key.data
                    data = key.fileobj.recv(2**16)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - a socket
                    if not data:
                        return
                    if side != self.loses:
                        other.sendall(data)


@pytest.fixture
def way(lab: LabServer) -> Iterator[Cut]:
    way = Cut(lab)
    yield way
    way.close()


@pytest.fixture(scope="module")
def lab_without_subshells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Return a JupyterLab whose messages of widgets wait for the running cell, as in VS Code."""
    with LabServer(tmp_path_factory.mktemp("lab") / "server", settings=WITHOUT_SUBSHELLS) as server:
        yield server


def click(view: View, prompt: str) -> None:
    view.part("prompt").fill(prompt)
    view.part("generate").click()


@pytest.mark.parametrize("lost", ["browser", "server"])
def test_a_click_whose_request_or_answer_is_lost_in_a_cut_is_done_once(
    open_notebook, studio_cells: Sequence[str], way: Cut, lost: str
) -> None:
    notebook = open_notebook([studio_cells[0], COUNT], server=way)
    notebook.run(0)
    view = notebook.view()
    view.generate("a quiet lake", 1, model="demo:instant")
    view.expect_images(1)

    way.loses = lost
    click(view, "a red fox")
    said = view.part("connection")
    expect(said).to_contain_text("1 click waits.", timeout=WAIT)
    way.cut()
    view.expect_images(2)
    expect(said).to_have_count(0, timeout=WAIT)
    expect(view.part("generate")).to_be_enabled()
    expect(view.part("refusal")).to_have_count(0)
    notebook.run(1)
    assert notebook.text(1) == "2 batches\n"
    expect(view.batches()).to_have_count(2)


def test_clicks_of_the_first_frame_wait_for_a_busy_kernel_and_are_done_once(
    open_notebook, studio_cells: Sequence[str], lab_without_subshells: LabServer
) -> None:
    code = f'batch = pg.generate("asked by code", n=1, model="demo:instant")\n{SLEEP}'
    notebook = open_notebook([studio_cells[0], code, COUNT], server=lab_without_subshells)
    notebook.run(0)
    view = notebook.view()
    view.generate("a quiet lake", 1, model="demo:instant")
    view.expect_images(1)
    notebook.start(1)
    expect(notebook.cell(1)).to_contain_text("busy", timeout=WAIT)
    # What code has asked for arrives while the cell runs.
    view.expect_images(2)

    star = view.tiles("success").last.get_by_test_id("star")
    view.tiles("success").last.hover()
    star.click()
    click(view, "a red fox")
    said = view.part("connection")
    expect(said).to_have_attribute("data-connection", "busy", timeout=WAIT)
    expect(said).to_contain_text("Clicks wait until the running cell ends.")
    expect(said).to_contain_text("2 clicks wait.")
    expect(view.part("generate")).to_be_disabled()
    assert notebook.is_running(1)

    notebook.interrupt()
    notebook.wait_for_end(1)
    view.expect_images(3)
    expect(said).to_have_count(0, timeout=WAIT)
    notebook.run(2)
    assert notebook.text(2) == "3 batches\n"


def test_a_page_that_is_opened_while_a_cell_runs_keeps_what_is_clicked(
    open_notebook, studio_cells: Sequence[str], lab_without_subshells: LabServer
) -> None:
    notebook = open_notebook(
        [f"{studio_cells[0]}\ndisplay(pg)\n{SLEEP}", COUNT], server=lab_without_subshells
    )
    notebook.start(0)
    view = notebook.view()
    click(view, "a red fox")
    view.part("count-2").click()
    said = view.part("connection")
    expect(said).to_have_attribute("data-connection", "busy", timeout=WAIT)
    expect(said).to_contain_text("1 click waits.")
    # The click asks for what was shown when it was made.
    view.part("prompt").fill("something else")
    assert notebook.is_running(0)
    notebook.interrupt()
    expect(view.batches()).to_contain_text(["a red fox"], timeout=WAIT)
    expect(said).to_have_count(0, timeout=WAIT)
    expect(view.part("prompt")).to_have_value("something else")
    expect(view.part("count-2")).to_have_attribute("aria-pressed", "true")
    notebook.run(1)
    assert notebook.text(1) == "1 batches\n"
