"""A page that does not read costs the server a bounded number of bytes, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import os

import pytest
from websockets.exceptions import ConnectionClosed

from imgplay_widget._page.once import Once
from imgplay_widget._types import Done, Inline
from imgplay_widget.server import line
from imgplay_widget.server.hosting import Hosted
from imgplay_widget.testing import FakeProvider, open_studio
from tests.server.conftest import WAIT
from tests.servers.openai_server import png as noisy


@pytest.fixture
def fake():
    data = noisy(400, 400, noise=os.urandom(400 * 400 * 3))
    return FakeProvider([lambda unit: Done(images=(Inline(data=data, media_type="image/png"),))] * 8)


@pytest.fixture
def lines(monkeypatch):
    """Return all lines that are made, with limits that a test reaches, and the most bytes that waited."""
    made, peaks = [], []
    monkeypatch.setattr(line, "MOST_WAITING", 4 * 2**20)
    monkeypatch.setattr(line, "ROOM", 2**20)

    class Watched(line.PageLine):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

        def _send(self, content, buffers):
            super()._send(content, buffers)
            peaks.append(self._waiting)

    monkeypatch.setattr(line, "PageLine", Watched)
    return made, peaks


def image_of(page):
    batch = page.generate("noise")
    done = page.event("generation_changed", lambda e: e["generation"]["status"] == "success")
    assert done["generation"]["batchId"] == batch
    return done["generation"]["id"]


def drain(socket):
    while True:
        socket.recv(WAIT)


def test_a_page_that_stops_reading_is_closed_and_comes_back(server, lines):
    _, peaks = lines
    with server.page() as slow, server.page() as other:
        image = image_of(other)
        # The client reads a few frames ahead, and the systems hold some megabytes.
        for _ in range(120):
            slow.ask("original", generationId=image)
        # The other page is served meanwhile.
        for _ in range(5):
            other.result("topics")
        with pytest.raises(ConnectionClosed) as closed:
            drain(slow.socket)
        assert closed.value.rcvd is None or closed.value.rcvd.code == line.TOO_SLOW
    assert max(peaks) <= line.MOST_WAITING + 2**20
    with server.page() as again:
        assert again.greeting["snapshot"]["topics"]


def test_no_more_bytes_wait_while_the_loop_of_the_server_is_busy(lines):
    _, peaks = lines
    codes = []

    async def never(_):
        await asyncio.Event().wait()

    async def send(studio):
        slow = line.PageLine(Hosted(studio, Once()), never, lambda code, _: codes.append(code))
        # The loop hears of none of them before all are there.
        for _ in range(20):
            slow._send({}, [bytes(2**20)])
        while not codes:
            await asyncio.sleep(0)

    with open_studio() as studio:
        asyncio.run(send(studio))
    assert codes == [line.TOO_SLOW]
    assert max(peaks) <= line.MOST_WAITING + 2 * 2**20


def test_a_page_that_acknowledges_nothing_gets_no_pictures(server):
    with server.page() as page:
        page.generate("a fox")
        done = page.event("generation_changed", lambda e: e["generation"]["status"] == "success")
        assert done["generation"]["thumbnailBuffer"] is None
        page.send({"kind": "ack", "page": "p", "seq": 1})
        page.messages.clear()
        page.generate("a hare")
        done = page.event("generation_changed", lambda e: e["generation"]["status"] == "success")
        assert done["generation"]["thumbnailBuffer"] is not None
