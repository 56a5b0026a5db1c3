"""A provider in its own process, which answers every POST with a new 1024×1024 PNG after a fixed latency.

The server speaks the Images API with as little work as possible. The bodies are serialised beforehand. A few
bytes differ between two answers, so that no client can profit from an earlier image.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import re
import struct
import zlib
from itertools import count

from PIL import Image, ImageChops

SIDE = 1024
OCTAVES = ((6, 60), (24, 25), (96, 10), (384, 4), (1024, 0.7))
"""The number of cells along a side and the strength of each layer of shapes, from coarse to fine. The file
has 1.3 MB and as much detail at each scale as a photograph, so that its thumbnail is as large as that of
one."""

_HEAD = 33
"""The number of bytes of a PNG's signature and first chunk."""
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def photograph() -> bytes:
    """Return a PNG that compresses as badly as a photograph."""
    channels: list[Image.Image] = []
    for _ in range(3):
        channel = Image.new("L", (SIDE, SIDE), 128)
        for cells, strength in OCTAVES:
            shapes = Image.effect_noise((cells, cells), strength)
            shapes = shapes.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            channel = ImageChops.add(channel, shapes, offset=-128)
        channels.append(channel)
    buffer = io.BytesIO()
    Image.merge("RGB", channels).save(buffer, format="PNG")
    return buffer.getvalue()


class Answers:
    """The HTTP answers, each with another image."""

    def __init__(self, png: bytes) -> None:
        self._numbers = count()
        self._head = png[:_HEAD]
        self._tail = base64.b64encode(png[_HEAD:]) + b'"}]}'

    def next(self) -> tuple[bytes, bytes]:
        """Return the two parts of an answer."""
        # The text chunk has 36 bytes, so that the base64 can be cut after it.
        text = b"tEXtNumber\0" + b"%017d" % next(self._numbers)
        chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
        start = b'{"created":1,"data":[{"b64_json":"' + base64.b64encode(self._head + chunk)
        length = len(start) + len(self._tail)
        headers = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % length
        return headers + start, self._tail


class Connection(asyncio.Protocol):
    """The connection of one client, which stays open."""

    def __init__(self, answers: Answers, latency: float) -> None:
        self._answers = answers
        self._latency = latency
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if blank and len(body) >= (int(length[1]) if length else 0):
            self._received = b""
            asyncio.get_running_loop().call_later(self._latency, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            for part in self._answers.next():
                self._transport.write(part)


async def serve(latency: float) -> None:
    """Print the base URL and the number of bytes of an image, and serve until the process ends."""
    png = photograph()
    answers = Answers(png)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers, latency), "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/v1 {len(png) + 36}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.3, help="seconds before an answer")
    asyncio.run(serve(parser.parse_args().latency))
