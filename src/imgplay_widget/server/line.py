"""One socket of a server: it is one `Page` of a studio, and the way between two loops."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tornado.ioloop import IOLoop
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from imgplay_widget._page.page import Page
from imgplay_widget._studio.api import core_of
from imgplay_widget.errors import InvalidRequest, StudioClosed
from imgplay_widget.server.frames import pack, unpack
from imgplay_widget.server.sockets import NO_STUDIO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imgplay_widget.server.hosting import Hosted

__all__ = ["PageLine"]

ROOM = 4 * 2**20
"""The bytes that may wait for a slow reader before its next request is taken."""

MOST_WAITING = 64 * 2**20
"""The bytes that may wait for a reader before the socket is closed. The page connects again, and asks for
what it shows."""

TOO_SLOW, NOT_READ = 4008, 4007
"""Why a socket was closed: its reader is too slow, or its message cannot be read."""


class PageLine:
    """A page on a socket. The server's loop makes all calls.

    Args:
        hosted: the studio.
        write: sends a frame, and returns when the system has taken all of it.
        hang_up: closes the socket with a code and a reason.
    """

    def __init__(
        self,
        hosted: Hosted,
        write: Callable[[bytes], Awaitable[None]],
        hang_up: Callable[[int, str], None],
    ) -> None:
        self._core = core_of(hosted.studio)
        self._write = write
        self._hang_up = hang_up
        self._loop = IOLoop.current()
        self._page = Page(self._core, self._send, once=hosted.once)
        # Ends the subscription. `open` sets it.
        self._end: Callable[[], None] | None = None
        # The frames that wait for the reader, and their bytes. The engine's thread adds, the server's takes.
        self._frames: deque[bytes] = deque()
        self._waiting = 0
        # A frame came although too many bytes waited. The socket is closed soon.
        self._full = False
        self._lock = threading.Lock()
        self._writing = False
        self._closed = False
        # Set while there is room for the answer to another request.
        self._room = asyncio.Event()
        self._room.set()

    @property
    def studio(self) -> str:
        """The name of the studio. A studio that is opened again has another name."""
        return self._core.engine.owner

    async def open(self) -> None:
        """Begin to send the changes of the studio.

        Raises:
            StudioClosed: the studio was closed meanwhile.
        """
        # Subscribing waits for the engine's loop, and the server's loop must not wait.
        end = await asyncio.get_running_loop().run_in_executor(None, self._core.subscribe, self._page.publish)
        if self._closed:
            end()
        else:
            self._end = end

    async def take(self, frame: bytes | str) -> None:
        """Pass a message of the page on. Return when the next one may come."""
        await self._room.wait()
        try:
            content, buffers = unpack(frame.encode() if isinstance(frame, str) else frame)
            self._core.start(self._page.receive, content, tuple(buffers))
        except InvalidRequest as error:
            self._stop(NOT_READ, error.message)
        except StudioClosed as error:
            self._stop(NO_STUDIO, error.message)

    def close(self) -> None:
        """Let go of the page. The socket is closed already."""
        with self._lock:
            self._closed = True
            self._frames.clear()
            self._waiting, self._full = 0, False
        self._room.set()
        # A closed studio has let go of the page itself.
        with suppress(StudioClosed, RuntimeError):
            if self._end is not None:
                self._end()
            self._core.start(self._page.close)

    def _stop(self, code: int, reason: str) -> None:
        self._hang_up(code, reason)
        self.close()

    # -------------------------------------------------------------- to the page

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Let a message wait for the reader. The engine's thread calls this."""
        frame = pack(content, buffers)
        with self._lock:
            if self._closed:
                return
            if self._waiting > MOST_WAITING:
                # The server's loop may be busy meanwhile, so the frame itself must not wait.
                self._full = True
            else:
                self._frames.append(frame)
                self._waiting += len(frame)
        self._loop.add_callback(self._deliver)  # pyright: ignore[reportUnknownMemberType] - not typed

    async def _deliver(self) -> None:
        if self._full:
            self._stop(TOO_SLOW, "The page does not read what it is sent.")
            return
        if self._writing:
            return
        self._writing = True
        try:
            while (frame := self._next()) is not None:
                await self._write(frame)
                self._written(frame)
        except (WebSocketClosedError, StreamClosedError):
            # The handler of the socket learns of it, and closes this line.
            return
        finally:
            self._writing = False

    def _next(self) -> bytes | None:
        """Return the frame to write next. It waits until it is written."""
        with self._lock:
            if self._waiting > ROOM:
                self._room.clear()
            return self._frames[0] if self._frames else None

    def _written(self, frame: bytes) -> None:
        with self._lock:
            if self._closed:
                return
            self._frames.popleft()
            self._waiting -= len(frame)
            if self._waiting <= ROOM:
                self._room.set()
