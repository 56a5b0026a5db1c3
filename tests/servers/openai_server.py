"""A server that speaks the Images API over real sockets, and misbehaves on demand.

    with OpenAIServer(script=[images(2), error(429, "slow down", headers={"Retry-After": "1"})]) as server:
        ...  # server.base_url, server.requests, server.posts

Each request gets the next item of the script. After the last item, each request gets as many images as it
asks for. ``python -m tests.servers.openai_server --port 0`` runs it alone and prints its base URL.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import struct
import sys
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from imgplay_widget.testing.server import (
    HANG,
    RESET_AFTER,
    RESET_BEFORE,
    Answer,
    Item,
    ProviderServer,
    Received,
    answer,
)

__all__ = [
    "HANG",
    "RESET_AFTER",
    "RESET_BEFORE",
    "Answer",
    "OpenAIServer",
    "Received",
    "TextServer",
    "answer",
    "error",
    "events",
    "html",
    "images",
    "item",
    "png",
    "stream",
]


def png(width: int = 64, height: int = 64, *, shade: int = 128, noise: bytes | None = None) -> bytes:
    """Return a PNG; with noise (3 · width · height bytes), one that does not compress."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    stride = width * 3
    rows = b"".join(
        b"\0" + (noise[y * stride : (y + 1) * stride] if noise else bytes([shade, y % 256, 90]) * width)
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows, 1))
        + chunk(b"IEND", b"")
    )


def images(n: int = 1, *, data: bytes | None = None, **fields: Any) -> Answer:
    """Return an answer with n images in base64, and further fields."""
    items = [{"b64_json": base64.b64encode(data or png(shade=20 * i)).decode()} for i in range(n)]
    body = {"created": 1, "data": items, "usage": {"total_tokens": 100 * n}, **fields}
    return answer(body, x_request_id="req-images")


def error(status: int, message: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
    """Return an error in the form of OpenAI; `fields` are code, type and param."""
    made = answer(
        {"error": {"message": message, "type": None, "param": None, "code": None, **fields}}, status
    )
    return replace(made, headers={**made.headers, "x-request-id": "req-error", **(headers or {})})


def html(text: str = "<html><body>Please log in</body></html>", status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def events(*items: tuple[str, Any], end: str = "\n\n", **options: Any) -> Answer:
    """Return an answer of server-sent events; each is a name and JSON (or bytes, sent as they are)."""
    chunks = [
        data if isinstance(data, bytes) else f"event: {name}\ndata: {json.dumps(data)}{end}".encode()
        for name, data in items
    ]
    return Answer(200, {"Content-Type": "text/event-stream"}, chunks=tuple(chunks), **options)


def item(data: bytes) -> dict[str, str]:
    """Return one image in base64."""
    return {"b64_json": base64.b64encode(data).decode()}


def stream(
    partials: int = 2, *, kind: str = "image_generation", data: bytes | None = None, **fields: Any
) -> Answer:
    """Return a stream of previews, then the image."""
    steps = [
        (
            f"{kind}.partial_image",
            {
                "type": f"{kind}.partial_image",
                "partial_image_index": i,
                "b64_json": base64.b64encode(png(shade=i)).decode(),
            },
        )
        for i in range(partials)
    ]
    last = {
        "type": f"{kind}.completed",
        **item(data or png(shade=200)),
        "usage": {"total_tokens": 300},
        **fields,
    }
    return events(*steps, (f"{kind}.completed", last))


class OpenAIServer(ProviderServer):
    """The server. After its script, it answers with as many images as a request asks for.

    Args:
        script: what the requests get, in order.
        files: the answers to GET requests, by path.
        latency: seconds before an answer that does not come from the script.
        image: the bytes of the images that do not come from the script.
        port: the port, or 0 for any free port.
    """

    def __init__(self, script: Iterable[Item] = (), *, image: bytes | None = None, **options: Any) -> None:
        super().__init__(script, **options)
        self.base_url = f"{self.origin}/v1"
        self._image = image or png()
        self._bodies: dict[int, bytes] = {}

    def answer(self, received: Received) -> Answer:
        if received.method != "POST":
            return super().answer(received)
        n = 1
        if received.headers.get("content-type", "").startswith("application/json"):
            n = int(received.json().get("n", 1))
        body = self._bodies.setdefault(n, images(n, data=self._image).body)
        return Answer(200, {"Content-Type": "application/json"}, body, delay=self.latency)


class TextServer(OpenAIServer):
    """Answer chats with the words of the test, or fail without any; answer other requests with images."""

    def __init__(self, words: str | None, **options: Any) -> None:
        super().__init__(**options)
        self.words = words

    def answer(self, received: Received) -> Answer:
        if not received.path.endswith("/chat/completions"):
            return super().answer(received)
        if self.words is None:
            return error(500, "oops")
        return answer({"choices": [{"message": {"role": "assistant", "content": self.words}}]})

    @property
    def chats(self) -> list[Any]:
        """The questions of the chats."""
        return [r.json() for r in self.requests if r.path.endswith("/chat/completions")]


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves the Images API with ready-made images.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument(
        "--edge", type=int, default=660, help="pixels; 660 make about 1.3 MB that do not compress"
    )
    options = parser.parse_args()
    generator = random.Random(7)
    noise = generator.randbytes(options.edge * options.edge * 3)
    image = png(options.edge, options.edge, noise=noise)
    with OpenAIServer(port=options.port, latency=options.latency, image=image) as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        # The server runs until its parent closes the standard input.
        sys.stdin.read()


if __name__ == "__main__":
    main()
