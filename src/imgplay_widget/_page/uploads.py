"""Files that a page sends in pieces, until they are whole. In memory and bounded; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from imgplay_widget.errors import InvalidRequest

__all__ = ["MAX_FILE", "MAX_HELD", "MAX_OPEN", "MAX_PIECE", "PATIENCE", "Upload", "Uploads"]

MAX_PIECE = 2**20
"""Bytes of one piece."""

MAX_FILE = 64 * 2**20
"""Bytes of one file: no provider takes more, and the store keeps no larger image."""

MAX_OPEN, MAX_HELD = 16, 192 * 2**20
"""Files that may be on their way at once, and the bytes that they may say to have in all."""

PATIENCE = 300.0
"""Seconds without a new piece after which a file is forgotten."""


@dataclass(slots=True)
class Upload:
    """A file on its way.

    Attributes:
        total: the bytes that it will have.
        touched: when the last piece came (monotonic seconds).
        data: what came so far.
    """

    total: int
    touched: float
    data: bytearray = field(default_factory=bytearray)


class Uploads:
    """The files that one page is sending."""

    def __init__(self) -> None:
        self._open: dict[str, Upload] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, id: str, offset: int, total: int, piece: bytes | memoryview | None, now: float) -> Upload:
        """Takes a piece, and gives the file as it is now; a whole one is held no longer.

        A piece that is there already changes nothing: its answer may have been lost.

        Args:
            id: the page's name of the file.
            offset: where the piece belongs, in bytes.
            total: bytes of the file.
            piece: at most `MAX_PIECE` bytes; None where the message brought none.
            now: monotonic seconds.

        Raises:
            InvalidRequest: the piece does not fit; the file has to be sent again from its start.
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
        """Forgets a file; nothing happens where it is unknown."""
        self._open.pop(id, None)

    def clear(self) -> None:
        """Forgets all files."""
        self._open.clear()

    def forget_old(self, now: float) -> None:
        """Forgets the files of which nothing has come for `PATIENCE` seconds."""
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
            raise _refused("The beginning of this file is not there (any more).")
        if len(self._open) >= MAX_OPEN or total + sum(u.total for u in self._open.values()) > MAX_HELD:
            raise _refused(
                f"{len(self._open)} files are on their way already.",
                "Wait until they are there, then try again.",
            )
        upload = self._open[id] = Upload(total, now)
        return upload


def _check(upload: Upload, offset: int, total: int, size: int) -> None:
    if total != upload.total:
        raise _refused("The file changed its size while it was sent.")
    if not 1 <= size <= MAX_PIECE:
        raise _refused(f"A piece of the file has {size:,} bytes; it has 1 to {MAX_PIECE:,}.")
    if offset + size > total:
        raise _refused("More of the file came than it was said to have.")
    if offset != len(upload.data) and offset + size > len(upload.data):
        raise _refused(f"A piece of the file is missing: {len(upload.data):,} bytes came before {offset:,}.")


def _refused(message: str, next_step: str = "Add the image again.") -> InvalidRequest:
    return InvalidRequest(message, parameter="references", next_step=next_step)
