"""The files that a page sends in pieces. They are kept in memory, in bounded size, until they are whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from imgplay_widget.errors import InvalidRequest

__all__ = ["MAX_FILE", "MAX_HELD", "MAX_OPEN", "MAX_PIECE", "PATIENCE", "Upload", "Uploads"]

MAX_PIECE = 2**20
"""The most bytes of one piece."""

MAX_FILE = 64 * 2**20
"""The most bytes of one file. Providers do not accept larger files, and the store does not keep them."""

MAX_OPEN, MAX_HELD = 16, 192 * 2**20
"""The most unfinished files of a page, and the most bytes that they announce together."""

PATIENCE = 300.0
"""Seconds after the last piece of a file, when the unfinished file is forgotten."""


@dataclass(slots=True)
class Upload:
    """A file of which pieces have come.

    Attributes:
        total: the bytes of the whole file.
        touched: the time of the last piece (monotonic seconds).
        data: the bytes that came so far.
    """

    total: int
    touched: float
    data: bytearray = field(default_factory=bytearray)


class Uploads:
    """The unfinished files of one page."""

    def __init__(self) -> None:
        self._open: dict[str, Upload] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, id: str, offset: int, total: int, piece: bytes | memoryview | None, now: float) -> Upload:
        """Add a piece, and return the file as it is now. A file that is whole is forgotten here.

        A page sends a piece again when the answer was lost, so a repeated piece changes nothing.

        Args:
            id: the id that the page gave the file.
            offset: the first byte of the piece in the file.
            total: the bytes of the whole file.
            piece: at most `MAX_PIECE` bytes, or None where the message came without a buffer.
            now: the time (monotonic seconds).

        Raises:
            InvalidRequest: the piece does not fit. The page must send the file again from its start.
        """
        self.forget_old(now)
        try:
            upload = self._of(id, offset, total, now)
            data = b"" if piece is None else memoryview(piece).cast("B")
            _check(upload, offset, total, len(data))
        except InvalidRequest:
            self.drop(id)
            raise
        upload.touched = now
        if offset + len(data) > len(upload.data):
            upload.data += data
        if len(upload.data) == upload.total:
            self.drop(id)
        return upload

    def drop(self, id: str) -> None:
        """Forget a file. An unknown id is ignored."""
        self._open.pop(id, None)

    def clear(self) -> None:
        """Forget all files."""
        self._open.clear()

    def forget_old(self, now: float) -> None:
        """Forget the files of which no piece has come for `PATIENCE` seconds."""
        for name, upload in tuple(self._open.items()):
            if now - upload.touched > PATIENCE:
                self.drop(name)

    def _of(self, id: str, offset: int, total: int, now: float) -> Upload:
        upload = self._open.get(id)
        if upload is not None:
            return upload
        if total > MAX_FILE:
            raise _refused(
                f"The file has {total / 1e6:.1f} MB; the most is {MAX_FILE / 1e6:.0f} MB.",
                "Choose a smaller image.",
            )
        if offset != 0:
            raise _refused("The beginning of this file is missing.")
        if len(self._open) >= MAX_OPEN or total + sum(u.total for u in self._open.values()) > MAX_HELD:
            raise _refused(
                f"{len(self._open)} files are being uploaded already.",
                "Wait until they are uploaded, then try again.",
            )
        upload = self._open[id] = Upload(total, now)
        return upload


def _check(upload: Upload, offset: int, total: int, size: int) -> None:
    if total != upload.total:
        raise _refused("The file changed its size while it was sent.")
    if not 1 <= size <= MAX_PIECE:
        raise _refused(f"A piece of the file has {size:,} bytes, but must have 1 to {MAX_PIECE:,}.")
    if offset + size > total:
        raise _refused("The file is longer than the page announced.")
    if offset != len(upload.data) and offset + size > len(upload.data):
        raise _refused(f"A piece of the file is missing: {len(upload.data):,} bytes came before {offset:,}.")


def _refused(message: str, next_step: str = "Add the image again.") -> InvalidRequest:
    return InvalidRequest(message, parameter="references", next_step=next_step)
