"""A page that is a list of the messages that it sends and gets."""

from __future__ import annotations

import itertools
import json
import threading
import zlib
from contextlib import contextmanager

import pytest

from imgplay_widget._page.page import Page as KernelPage
from imgplay_widget.testing import FakeProvider, open_studio

WAIT = 20
ID = "page"


class Page:
    """The page's side, without a wire. It said hello, and acknowledges only where a test does."""

    def __init__(self, studio):
        self.studio = studio
        self.messages = []
        self._arrived = threading.Condition()
        self._ids = itertools.count()
        self.kernel = KernelPage(studio._core, self._take)
        self.end = studio._core.subscribe(self.kernel.publish, every=0.0)
        self.greeting = self.result("hello")
        self.messages = [(c, b) for c, b in self.messages if c["kind"] != "reply"]

    def _take(self, content, buffers):
        with self._arrived:
            self.messages.append((content, buffers))
            self._arrived.notify_all()

    def send(self, content, pieces=()):
        self.studio._core.start(self.kernel.receive, content, pieces).result(WAIT)

    def call(self, method, pieces=(), **fields):
        """Send a request with its buffers, and return the reply with its buffers."""
        to = f"r{next(self._ids)}"
        if method == "hello":
            fields.setdefault("page", ID)
        self.send({"kind": "request", "id": to, "call": {"method": method, **fields}}, pieces)
        (reply,) = [(c, b) for c, b in self.messages if c["kind"] == "reply" and c["to"] == to]
        return reply

    def acknowledge(self, seq=1, page=ID):
        self.send({"kind": "ack", "page": page, "seq": seq})

    def leave(self, page=ID):
        self.send({"kind": "leave", "page": page})

    def result(self, method, **fields):
        reply, _ = self.call(method, **fields)
        assert reply["error"] is None, reply["error"]
        return reply["result"]

    def catalog(self):
        """Return the offered models by name, as a new page gets them."""
        reply, buffers = self.call("hello")
        packed = buffers[reply["result"]["snapshot"]["catalogBuffer"]]
        return {model["name"]: model for model in json.loads(zlib.decompress(packed))}

    def upload(self, data, *, name="file", step=2**20, **fields):
        """Send a file in pieces, and return the last reply."""
        reply = None
        for offset in range(0, len(data), step):
            piece = memoryview(data)[offset : offset + step]
            piece_of = {"uploadId": name, "offset": offset, "total": len(data)}
            reply, _ = self.call("upload", [piece], **piece_of, **fields)
            if reply["error"]:
                break
        return reply

    def refer(self, data, **fields):
        """Upload an image and return its digest."""
        return self.upload(data, **fields)["result"]["reference"]["digest"]

    def error(self, method, **fields):
        reply, _ = self.call(method, **fields)
        assert reply["result"] is None
        return reply["error"]

    def events_messages(self):
        return [content for content, _ in list(self.messages) if content["kind"] == "events"]

    def events(self, kind=None):
        found = [event for content in self.events_messages() for event in content["events"]]
        return [e for e in found if kind is None or e["type"] == kind]

    def wait_for(self, test):
        """Wait until the events so far pass a test, and return the result of the test."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: test(self.events()), WAIT), self.events()
            return test(self.events())


@pytest.fixture
def fake():
    return FakeProvider()


@pytest.fixture
def open_page(fake):
    @contextmanager
    def opener(*providers, **options):
        with open_studio(*(providers or [fake]), **options) as studio:
            page = Page(studio)
            yield page
            page.end()

    return opener


@pytest.fixture
def page(open_page):
    with open_page() as page:
        yield page
