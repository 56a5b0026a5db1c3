"""A server that speaks the Images API over real sockets, and misbehaves on demand.

    with OpenAIServer(script=[images(2), error(429, "slow down", headers={"Retry-After": "1"})]) as server:
        ...  # server.base_url, server.requests, server.posts

Each request takes the next item of the script; when it is used up, each gets as many images as it asked
for. ``python -m tests.servers.openai_server --port 0`` runs it alone and prints its base URL.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import socket
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a request gets.

    Attributes:
        status, headers, body: of HTTP.
        chunks: the body in pieces instead, each sent by itself.
        pause: seconds between pieces.
        delay: seconds before the answer.
        cut: bytes of the body after which the connection is closed.
        reset: "before" the request is read, or "after" it: the connection is reset without an answer.
        hang: the answer never comes.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: tuple[bytes, ...] = ()
    pause: float = 0.0
    delay: float = 0.0
    cut: int | None = None
    reset: str | None = None
    hang: bool = False


Item = Answer | Callable[["Received"], Answer]


@dataclass(frozen=True)
class Received:
    """A request, as it came. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, list[bytes]]:
        """The parts of a multipart body by name."""
        boundary = self.headers["content-type"].partition("boundary=")[2].strip('"').encode()
        parts: dict[str, list[bytes]] = {}
        for part in self.body.split(b"--" + boundary)[1:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            name = head.partition(b'name="')[2].partition(b'"')[0].decode()
            parts.setdefault(name, []).append(data.removesuffix(b"\r\n"))
        return parts


def png(width: int = 64, height: int = 64, *, shade: int = 128, noise: bytes | None = None) -> bytes:
    """A whole PNG; with noise (of 3 · width · height bytes) one that does not compress."""

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


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """Any JSON."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, {"Content-Type": "application/json", **named}, json.dumps(value).encode())


def images(n: int = 1, *, data: bytes | None = None, **fields: Any) -> Answer:
    """n images in base64, with the fields that come beside them."""
    items = [{"b64_json": base64.b64encode(data or png(shade=20 * i)).decode()} for i in range(n)]
    body = {"created": 1, "data": items, "usage": {"total_tokens": 100 * n}, **fields}
    return answer(body, x_request_id="req-images")


def error(status: int, message: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
    """An error as OpenAI words it; `fields` are code, type and param."""
    made = answer(
        {"error": {"message": message, "type": None, "param": None, "code": None, **fields}}, status
    )
    return replace(made, headers={**made.headers, "x-request-id": "req-error", **(headers or {})})


def html(text: str = "<html><body>Please log in</body></html>", status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def events(*items: tuple[str, Any], end: str = "\n\n", **options: Any) -> Answer:
    """Server-sent events; each is a name and JSON (or bytes, sent as they are)."""
    chunks = [
        data if isinstance(data, bytes) else f"event: {name}\ndata: {json.dumps(data)}{end}".encode()
        for name, data in items
    ]
    return Answer(200, {"Content-Type": "text/event-stream"}, chunks=tuple(chunks), **options)


def stream(partials: int = 2, *, kind: str = "image_generation", **fields: Any) -> Answer:
    """Previews, then the image."""
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
        "b64_json": base64.b64encode(png(shade=200)).decode(),
        "usage": {"total_tokens": 300},
        **fields,
    }
    return events(*steps, (f"{kind}.completed", last))


RESET_BEFORE = Answer(reset="before")
RESET_AFTER = Answer(reset="after")
HANG = Answer(hang=True)


class OpenAIServer:
    """The server, on a free port of 127.0.0.1, each connection in a thread of its own.

    Args:
        script: what the requests get, in order.
        files: what GET gives, by path.
        latency: seconds before each answer that the script does not give.
        image: the bytes of the images that the script does not give.
        port: 0 for a free one.
    """

    def __init__(
        self,
        script: Iterable[Item] = (),
        *,
        files: Mapping[str, bytes | Answer] | None = None,
        latency: float = 0.0,
        image: bytes | None = None,
        port: int = 0,
    ) -> None:
        self.script = list(script)
        self.files = dict(files or {})
        self.requests: list[Received] = []
        self._default = image or png()
        self._bodies: dict[int, bytes] = {}
        self._latency = latency
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.origin}/v1"

    @property
    def posts(self) -> int:
        """How many POST requests came."""
        return sum(request.method == "POST" for request in self.requests)

    def __enter__(self) -> OpenAIServer:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        # Closing alone does not wake a thread that accepts.
        with socket.socket() as waker:
            waker.connect_ex(("127.0.0.1", self.port))
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as reader:
                while not self._stop.is_set():
                    with self._lock:
                        if self.script and self.script[0] is RESET_BEFORE:
                            self.script.pop(0)
                            _reset(connection)
                            return
                    received = _read(reader)
                    if received is None or not self._answer(connection, received):
                        return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _next(self, received: Received) -> Answer:
        with self._lock:
            self.requests.append(received)
            if received.method == "GET":
                found = self.files.get(received.path.partition("?")[0])
                if isinstance(found, Answer):
                    return found
                missing = Answer(404, {"Content-Type": "text/plain"}, b"not found")
                return missing if found is None else Answer(200, {"Content-Type": "image/png"}, found)
            item = self.script.pop(0) if self.script else self._whole(received)
        return item(received) if callable(item) else item

    def _whole(self, received: Received) -> Answer:
        n = 1
        if received.headers.get("content-type", "").startswith("application/json"):
            n = int(received.json().get("n", 1))
        body = self._bodies.setdefault(n, images(n, data=self._default).body)
        return Answer(200, {"Content-Type": "application/json"}, body, delay=self._latency)

    def _answer(self, connection: socket.socket, received: Received) -> bool:
        """Answers, and says whether the connection stays."""
        found = self._next(received)
        if found.reset:
            _reset(connection)
            return False
        if self._stop.wait(None if found.hang else found.delay):
            return False
        headers = dict(found.headers)
        body, pieces = found.body, list(found.chunks)
        if pieces:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers.setdefault("Content-Length", str(len(body)))
            if found.pause:
                pieces = [body[i : i + 1000] for i in range(0, len(body), 1000)]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"HTTP/1.1 {found.status} x\r\n{head}\r\n".encode())
        if found.cut is not None:
            connection.sendall(body[: found.cut])
            return False
        if not pieces:
            connection.sendall(body)
            return True
        for piece in pieces:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if found.chunks else piece)
            if found.pause and self._stop.wait(found.pause):
                return False
        if found.chunks:
            connection.sendall(b"0\r\n\r\n")
        return True


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # A file made of the socket would keep it open.
    connection.shutdown(socket.SHUT_RD)
    socket.close(connection.detach())


def _read(reader: Any) -> Received | None:
    first = reader.readline().split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := reader.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(reader.readline(), 16):
            body += reader.read(size)
            reader.readline()
        reader.readline()
    else:
        body = reader.read(int(headers.get("content-length", 0)))
    return Received(first[0].decode(), first[1].decode(), headers, body)


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
        # It serves until whoever started it closes its standard input.
        sys.stdin.read()


if __name__ == "__main__":
    main()
