"""Real servers on loopback, browsers that are clients of HTTP, and a page that is one socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from imgplay_widget._studio.core import Core
from imgplay_widget.server.standalone import Standalone
from imgplay_widget.testing import FakeProvider, InstantClock
from tests.server.jupyter_host import NAMED, Jupyter
from tests.servers.file_keyring import BACKEND

WAIT = 20
PAGE, API = "/image-playground", "/api/image-playground"
GREETING = {"method": "hello", "page": "p"}


class Server:
    """A server of the studio on a thread of its own.

    Attributes:
        address: the address that is printed.
        base: its origin.
        token: its token.
    """

    def __init__(self, store: Any, **options: Any) -> None:
        self._made = (store, options)
        self._browsers: list[httpx.Client] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(WAIT)

    async def _serve(self) -> None:
        store, options = self._made
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = Standalone(store, **{"port": 0, **options})
        try:
            self.address, self.base, self.token = server.start(), server.origin, server.token
            self.standalone = server
            self._ready.set()
            await self._stop.wait()
        finally:
            await server.close()

    def stop(self) -> None:
        for browser in self._browsers:
            browser.close()
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT)
        assert not self._thread.is_alive()

    def core(self) -> Core:
        """Return the core of the studio."""
        hosting = self.standalone._hosting
        return asyncio.run_coroutine_threadsafe(hosting.studio(None), self.loop).result(WAIT).studio._core

    def browser(self, **keywords: Any) -> httpx.Client:
        """Return a browser that is not logged in."""
        browser = httpx.Client(base_url=self.base, timeout=WAIT, **keywords)
        self._browsers.append(browser)
        return browser

    def logged_in(self) -> httpx.Client:
        """Return a browser that opened the printed address."""
        browser = self.browser()
        assert browser.get(self.address).status_code == 302
        browser.headers["Origin"] = self.base
        return browser

    def script(self) -> httpx.Client:
        """Return a script that sends the token."""
        return self.browser(headers={"Authorization": f"Bearer {self.token}"})

    def socket(self, **headers: str) -> ClientConnection:
        """Return an open socket."""
        url = self.base.replace("http", "ws", 1) + f"{API}/socket"
        return connect(url, additional_headers=headers, max_size=None, compression=None)

    @contextmanager
    def page(self) -> Iterator[SocketPage]:
        """Return the page of a script, after it said hello."""
        with self.socket(Authorization=f"Bearer {self.token}") as socket:
            yield SocketPage(socket)


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    "Sec-WebSocket-Version": "13",
}
"""The headers of a client that opens a socket."""


def pack(content: Any, buffers: tuple[bytes, ...] = ()) -> bytes:
    head = json.dumps([content, [len(one) for one in buffers]]).encode()
    return struct.pack("!I", len(head)) + head + b"".join(buffers)


def unpack(frame: bytes) -> tuple[Any, list[bytes]]:
    (size,) = struct.unpack_from("!I", frame)
    content, lengths = json.loads(frame[4 : 4 + size])
    buffers, at = [], 4 + size
    for length in lengths:
        buffers.append(frame[at : at + length])
        at += length
    return content, buffers


class SocketPage:
    """The page's side of a socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[tuple[Any, list[bytes]]] = []
        self._name, self._ids = uuid4().hex, itertools.count()
        ready, self.studio = str(socket.recv(WAIT)).split()
        assert ready == "ready"
        self.greeting = self.result("hello", page="p")

    def send(self, content: Any, buffers: tuple[bytes, ...] = ()) -> None:
        self.socket.send(pack(content, buffers))

    def ask(self, method: str, buffers: tuple[bytes, ...] = (), **fields: Any) -> str:
        """Send a request, and return its id."""
        to = f"{self._name}-{next(self._ids)}"
        self.send({"kind": "request", "id": to, "call": {"method": method, **fields}}, buffers)
        return to

    def call(self, method: str, buffers: tuple[bytes, ...] = (), **fields: Any) -> tuple[Any, list[bytes]]:
        """Send a request, and return its answer with the buffers."""
        to = self.ask(method, buffers, **fields)
        return self.until(lambda content: content["kind"] == "reply" and content["to"] == to)

    def result(self, method: str, **fields: Any) -> Any:
        reply, _ = self.call(method, **fields)
        assert reply["error"] is None, reply["error"]
        return reply["result"]

    def until(self, test: Callable[[Any], Any]) -> tuple[Any, list[bytes]]:
        """Return the first message, of those that came or will come, that passes a test."""
        for message in self.messages:
            if test(message[0]):
                return message
        while True:
            message = unpack(self.socket.recv(WAIT))
            self.messages.append(message)
            if test(message[0]):
                return message

    def event(self, kind: str, test: Callable[[Any], Any] = lambda _: True) -> Any:
        """Return the first event of a kind that passes a test."""
        found: list[Any] = []

        def holds(content: Any) -> bool:
            if content["kind"] == "events":
                found.extend(one for one in content["events"] if one["type"] == kind and test(one))
            return bool(found)

        self.until(holds)
        return found[0]

    def generate(self, prompt: str, model: str = "fake:image", n: int = 1) -> str:
        """Click on Generate, and return the id of the new batch."""
        wish = {"model": model, "prompt": prompt, "params": {}}
        self.result("generate", wishes=[wish], n=n, topicId=None)
        added = self.event("batch_added", lambda event: event["batch"]["prompt"] == prompt)
        return added["batch"]["id"]


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider()


Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def start(store: Any, fake: FakeProvider) -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server on the store of the test."""
    running: list[Server] = []

    def start_server(**options: Any) -> Server:
        options = {"providers": [fake], "clock": InstantClock(), "heartbeat": None, **options}
        running.append(Server(options.pop("store", store), **options))
        return running[-1]

    yield start_server
    for server in running:
        server.stop()


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    return start()


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    server = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    own = {"JUPYTERHUB_USER": "ann", "PYTHON_KEYRING_BACKEND": BACKEND}
    server = Jupyter(tmp_path_factory.mktemp("named"), NAMED, **own)
    yield server
    server.stop()
