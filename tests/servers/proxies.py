"""Proxies on loopback that lead every host to one server: a SOCKS 5 proxy and an HTTP proxy.

with SocksProxy(server.port) as proxy:
    ...  # proxy.url, proxy.asked
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Any, Self


class _Proxy:
    """A proxy that serves each connection in a thread of its own.

    Args:
        port: the port of the server on this machine to which every host leads.
        answer: what the proxy says in place of leading anywhere; None leads.

    Attributes:
        asked: the hosts and ports that were asked for, in order.
    """

    scheme = ""

    def __init__(self, port: int, answer: bytes | None = None) -> None:
        self.target = port
        self.answer = answer
        self.asked: list[tuple[str, int]] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{self.scheme}://{self.address}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            reader = connection.makefile("rb", buffering=0)
            if not self.greet(connection, reader):
                connection.close()
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            self._open.append(server)
            threading.Thread(target=_pump, args=(server, connection), daemon=True).start()
            _pump(connection, server)

    def greet(self, connection: socket.socket, reader: Any) -> bool:
        """Speak the proxy's protocol, and return whether the connection leads on."""
        raise NotImplementedError


class SocksProxy(_Proxy):
    """A SOCKS 5 proxy without a login (RFC 1928)."""

    scheme = "socks5"

    def greet(self, connection: socket.socket, reader: Any) -> bool:
        """Take the greeting and the command CONNECT."""
        _, count = reader.read(2)
        reader.read(count)
        if self.answer is not None:
            connection.sendall(self.answer)
            return False
        connection.sendall(b"\x05\x00")
        kind = reader.read(4)[3]
        host = reader.read(reader.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(reader.read(4))
        self.asked.append((host, struct.unpack(">H", reader.read(2))[0]))
        connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return True


class HttpProxy(_Proxy):
    """An HTTP proxy that knows CONNECT only."""

    scheme = "http"

    def greet(self, connection: socket.socket, reader: Any) -> bool:
        """Take the head of a request."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = reader.read(1)
            if not byte:
                return False
            head += byte
        host, _, port = head.split()[1].decode().rpartition(":")
        self.asked.append((host, int(port) if port.isdecimal() else 0))
        connection.sendall(self.answer or b"HTTP/1.1 200 Connection established\r\n\r\n")
        return self.answer is None


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
