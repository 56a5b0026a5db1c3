"""A real HTTP server on a real socket, which answers by a script and misbehaves on demand.

Subclass `ProviderServer` and write `answer`, and the server speaks a provider's protocol. `contract` has the
suite that runs against such a server.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

__all__ = [
    "HANG",
    "RESET_AFTER",
    "RESET_BEFORE",
    "Answer",
    "FormPart",
    "Item",
    "ProviderServer",
    "Received",
    "answer",
]


@dataclass(frozen=True)
class Answer:
    """The answer to a request.

    Attributes:
        status: the HTTP status.
        headers: the headers.
        body: the body, whole.
        chunks: the body in pieces, each sent by itself, instead of `body`.
        pause: seconds between two pieces.
        delay: seconds before the answer.
        cut: the number of bytes of the body after which the server closes the connection.
        reset: the server resets the connection without an answer, ``"before"`` or ``"after"`` it reads the
            request.
        hang: True where the answer never comes.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    chunks: tuple[bytes, ...] = ()
    pause: float = 0.0
    delay: float = 0.0
    cut: int | None = None
    reset: str | None = None
    hang: bool = False


RESET_BEFORE = Answer(reset="before")
RESET_AFTER = Answer(reset="after")
HANG = Answer(hang=True)


class FormPart(NamedTuple):
    """A part of a multipart body. A part that is not a file has neither a file's name nor a media type."""

    name: str
    data: bytes
    filename: str = ""
    media_type: str = ""


@dataclass(frozen=True)
class Received:
    """A request, as it arrived. The names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the JSON of the body."""
        return json.loads(self.body)

    def form(self) -> dict[str, list[bytes]]:
        """Return the parts of a multipart body, by name."""
        found: dict[str, list[bytes]] = {}
        for part in self.parts():
            found.setdefault(part.name, []).append(part.data)
        return found

    def parts(self) -> list[FormPart]:
        """Return the parts of a multipart body, in their order."""
        boundary = self.headers["content-type"].partition("boundary=")[2].strip('"').encode()
        found: list[FormPart] = []
        for part in self.body.split(b"--" + boundary)[1:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            found.append(
                FormPart(
                    head.partition(b' name="')[2].partition(b'"')[0].decode(),
                    data.removesuffix(b"\r\n"),
                    head.partition(b'filename="')[2].partition(b'"')[0].decode(),
                    head.lower().partition(b"content-type:")[2].partition(b"\r\n")[0].strip().decode(),
                )
            )
        return found


Item = Answer | Callable[[Received], Answer]
"""An item of a script, which is an answer, or a function that returns an answer to a request."""


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """Return an answer of JSON. Underscores in the names of headers become hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, {"Content-Type": "application/json", **named}, json.dumps(value).encode())


class ProviderServer:
    """A server on 127.0.0.1 that handles each connection in a thread of its own.

    Each request gets the next item of the script. After the last item, `answer` returns the answers. A GET of
    one of `files` gets that file.

    Args:
        script: the answers to requests, in order.
        files: the answers to GET requests, by path.
        latency: seconds before an answer that does not come from the script.
        port: the port, or 0 for any free port.

    Attributes:
        requests: all requests so far.
        origin: ``http://127.0.0.1:<port>``.
    """

    def __init__(
        self,
        script: Iterable[Item] = (),
        *,
        files: Mapping[str, bytes | Answer] | None = None,
        latency: float = 0.0,
        port: int = 0,
    ) -> None:
        self.script = list(script)
        self.files = dict(files or {})
        self.latency = latency
        self.requests: list[Received] = []
        self.lock = threading.RLock()
        self._arrived = threading.Condition(self.lock)
        self._stop = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"

    def answer(self, received: Received) -> Answer:
        """Return the answer to a request that is not in the script or the files. Write the protocol here."""
        return Answer(404, {"Content-Type": "text/plain"}, f"no {received.path}".encode())

    def scripted(self, received: Received) -> bool:
        """Return whether a request gets the next item of the script. Requests beside the calls need not."""
        return True

    def wait_for(self, test: Callable[[list[Received]], bool], timeout: float = 20.0) -> bool:
        """Wait until the requests so far pass a test; return False after `timeout` seconds."""
        with self._arrived:
            return self._arrived.wait_for(lambda: test(self.requests), timeout)

    @property
    def posts(self) -> int:
        """The number of POST requests so far."""
        return sum(request.method == "POST" for request in self.requests)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        # Closing the socket does not wake a thread that waits in accept.
        with socket.socket() as waker:
            waker.connect_ex(("127.0.0.1", self.port))
        self._listener.close()
        with self.lock:
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
            with self.lock:
                self._open.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as reader:
                while not self._stop.is_set():
                    if self._resets_unread():
                        # The request must be on its way, because a client may take an earlier reset for a
                        # refused connection.
                        connection.recv(1, socket.MSG_PEEK)
                        _reset(connection)
                        return
                    received = _read(reader)
                    if received is None or not self._send(connection, self._next(received)):
                        return
        except (OSError, ValueError):
            # The client went away, perhaps in the middle of a line.
            pass
        finally:
            with self.lock:
                self._open.discard(connection)

    def _resets_unread(self) -> bool:
        with self.lock:
            if self.script and self.script[0] is RESET_BEFORE:
                self.script.pop(0)
                return True
        return False

    def _next(self, received: Received) -> Answer:
        path = received.path.partition("?")[0]
        with self.lock:
            self.requests.append(received)
            self._arrived.notify_all()
            file = self.files.get(path) if received.method == "GET" else None
            if file is not None:
                return file if isinstance(file, Answer) else Answer(200, {"Content-Type": "image/png"}, file)
            item = self.script.pop(0) if self.script and self.scripted(received) else None
        if item is None:
            return self.answer(received)
        return item(received) if callable(item) else item

    def _send(self, connection: socket.socket, found: Answer) -> bool:
        """Send an answer, and return whether the connection stays open."""
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
    # The file that was made from the socket would keep the socket open.
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
