"""Three ways from a prompt to an image file: our studio, the openai SDK, and a bare asyncio client as the
floor.

Each way sends one request for each image. The imports are inside, so that one process loads only one way.
"""

from __future__ import annotations

import asyncio
import base64
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROMPT = "a lighthouse on a cliff at dawn, oil on canvas"


class Client(ABC):
    """A client that makes images.

    Args:
        url: the provider's base URL.
        folder: the folder of the files.
        concurrency: the most requests at once.
    """

    def __init__(self, url: str, folder: Path, concurrency: int) -> None:
        self.url = url
        self.folder = folder
        self.concurrency = concurrency

    @abstractmethod
    def load(self) -> None:
        """Import what the client needs."""

    @abstractmethod
    def open(self, *, thumbnails: bool) -> None:
        """Get ready to send. With thumbnails, a client that has them makes them with the images."""

    @abstractmethod
    async def generate(self, count: int) -> None:
        """Make a number of images and write them to files."""

    @abstractmethod
    async def close(self) -> None:
        """Close the client."""


class Ours(Client):
    """Our studio, with the whole durable path: four commits, checksums, and a synced file for each image."""

    def load(self) -> None:
        from imgplay_widget import Studio
        from imgplay_widget._studio.api import core_of
        from imgplay_widget.providers.openai import OpenAI

        self._studio_class, self._provider_class, self._core_of = Studio, OpenAI, core_of

    def open(self, *, thumbnails: bool) -> None:
        provider = self._provider_class(self.url, name="bench", key_variables=())
        self._studio = self._studio_class(
            self.folder / "history.sqlite",
            providers=[provider],
            concurrency={"bench": self.concurrency},
        )
        self._core_of(self._studio).engine.eager_thumbnails = thumbnails

    async def generate(self, count: int) -> None:
        handles: list[Any] = []
        for _ in range(count):
            handles.append(self._studio.generate(PROMPT, model="bench:image", n=1))
            # As in the loops of the other clients, each request is a step of its own.
            await asyncio.sleep(0)
        for handle in handles:
            await handle

    async def close(self) -> None:
        self._studio.close()


class OpenAISDK(Client):
    """The SDK, as its users write it: ask, decode, write. Nothing is durable."""

    def load(self) -> None:
        from openai import AsyncOpenAI  # pyright: ignore[reportMissingImports] - only in the peers' own environment

        self._class = AsyncOpenAI

    def open(self, *, thumbnails: bool) -> None:
        self._client = self._class(base_url=self.url, api_key="none")
        self._slots = asyncio.Semaphore(self.concurrency)
        self._number = 0

    async def generate(self, count: int) -> None:
        await asyncio.gather(*(self._one() for _ in range(count)))

    async def _one(self) -> None:
        async with self._slots:
            answer = await self._client.images.generate(
                model="image", prompt=PROMPT, n=1, response_format="b64_json"
            )
        self._number += 1
        data = base64.b64decode(answer.data[0].b64_json)
        (self.folder / f"{self._number}.png").write_bytes(data)

    async def close(self) -> None:
        await self._client.close()


class Floor(Client):
    """The least that Python can do: one protocol that reads into one buffer, one decode and one write."""

    def load(self) -> None:
        import pybase64

        self._decode = pybase64.b64decode

    def open(self, *, thumbnails: bool) -> None:
        self._idle: list[Exchange] = []
        self._slots = asyncio.Semaphore(self.concurrency)
        self._number = 0

    async def generate(self, count: int) -> None:
        await asyncio.gather(*(self._one() for _ in range(count)))

    async def _one(self) -> None:
        where = urlsplit(self.url)
        async with self._slots:
            if self._idle:
                exchange = self._idle.pop()
            else:
                loop = asyncio.get_running_loop()
                _, exchange = await loop.create_connection(Exchange, where.hostname or "", where.port or 80)
            body = await exchange.ask(where.path + "/images/generations")
            self._idle.append(exchange)
        start = body.index(b'"b64_json":"') + 12
        data = self._decode(memoryview(body)[start : body.index(b'"', start)], validate=True)
        self._number += 1
        (self.folder / f"{self._number}.png").write_bytes(data)

    async def close(self) -> None:
        for exchange in self._idle:
            exchange.transport.close()


class Exchange(asyncio.BufferedProtocol):
    """A connection that asks for one image after the other."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    async def ask(self, path: str) -> bytearray:
        """Send a request and return the body of the answer."""
        self._head = bytearray(16384)
        self._body: bytearray | None = None
        self._used = 0
        self._answer: asyncio.Future[bytearray] = asyncio.get_running_loop().create_future()
        content = b'{"model":"image","prompt":"%s","n":1}' % PROMPT.encode()
        self.transport.write(
            b"POST %s HTTP/1.1\r\nHost: local\r\n" % path.encode()
            + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)
        )
        return await self._answer

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._head if self._body is None else self._body)[self._used :]

    def buffer_updated(self, nbytes: int) -> None:
        self._used += nbytes
        if self._body is None:
            head, blank, rest = bytes(self._head[: self._used]).partition(b"\r\n\r\n")
            if not blank:
                return
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            self._body = bytearray(length)
            self._body[: len(rest)] = rest
            self._used = len(rest)
        if self._used == len(self._body):
            self._answer.set_result(self._body)


CLIENTS: dict[str, type[Client]] = {"ours": Ours, "openai": OpenAISDK, "floor": Floor}
