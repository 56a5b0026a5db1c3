"""The handler of the socket, for both servers. It imports nothing but tornado before a page connects."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tornado.websocket import WebSocketClosedError, WebSocketHandler

if TYPE_CHECKING:
    from imgplay_widget.server.hosting import Hosted
    from imgplay_widget.server.line import PageLine

__all__ = ["NO_STUDIO", "LineHandler"]

LARGEST_MESSAGE = 8 * 2**20
"""The most bytes of a message of the page. The page sends files in pieces of a megabyte."""

NO_STUDIO = 4011
"""Why a socket was closed: the studio cannot be used."""


class LineHandler(WebSocketHandler):
    """The handler of the socket. Each server adds who may open it, and whose studio it shows."""

    _line: PageLine | None = None
    _gone = False

    async def hosted(self) -> Hosted:
        """Return the studio that the request is for."""
        raise NotImplementedError

    @property
    def max_message_size(self) -> int:
        """The most bytes of a message."""
        return LARGEST_MESSAGE

    def get_compression_options(self) -> dict[str, Any] | None:
        """Return None: images do not become smaller."""
        return None

    async def open(self, *args: str, **kwargs: str) -> None:
        """Connect the page with its studio, and tell the page that it is ready."""
        # These are imported with the first socket, so that a server starts without them.
        from imgplay_widget.errors import ImgplayError
        from imgplay_widget.server.line import PageLine

        try:
            line = PageLine(await self.hosted(), self._write_frame, self._hang_up)
            await line.open()
        except ImgplayError as error:
            self._hang_up(NO_STUDIO, error.message)
            return
        if self._gone:
            line.close()
            return
        self._line = line
        with suppress(WebSocketClosedError):
            await self.write_message(f"ready {line.studio}")

    async def on_message(self, message: str | bytes) -> None:
        """Take a message of the page."""
        if self._line is not None:
            await self._line.take(message)

    def on_close(self) -> None:
        """Let go of the page."""
        self._gone = True
        if self._line is not None:
            self._line.close()
        super().on_close()

    async def _write_frame(self, frame: bytes) -> None:
        await self.write_message(frame, binary=True)

    def _hang_up(self, code: int, reason: str) -> None:
        # A reason has at most 123 bytes.
        self.close(code, reason.encode()[:120].decode(errors="ignore"))
