"""A real tornado server with the routes of REST, on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from imgplay_widget.server.rest import RestHandler, routes
from imgplay_widget.testing import FakeProvider, open_studio

BASE = "/somewhere/api/image-playground"
WAIT = 20
# The names of the fields, which every answer of this kind has.
TOPIC = {"id", "title", "coverUrl", "createdAt", "updatedAt"}
BATCH = {"id", "topicId", "provider", "model", "prompt", "config", "width", "height", "createdAt"}
BATCH |= {"action", "generations"}


@contextmanager
def served(studio):
    """Serve a studio, and return its address."""

    class Rest(RestHandler):
        async def studio(self):
            return studio

    ready, ended = threading.Event(), []

    async def serve():
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(Application(routes(Rest, BASE), log_function=lambda handler: None))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        ended.extend(
            [f"http://127.0.0.1:{sockets[0].getsockname()[1]}", lambda: loop.call_soon_threadsafe(stop.set)]
        )
        ready.set()
        await stop.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(WAIT)
    address, stop = ended
    try:
        yield address + BASE
    finally:
        stop()
        thread.join(WAIT)


@pytest.fixture
def fake():
    return FakeProvider()


@pytest.fixture
def studio(fake):
    with open_studio(fake) as studio:
        yield studio


@pytest.fixture
def client(studio):
    with served(studio) as address, httpx.Client(base_url=address, timeout=WAIT) as client:
        yield client
