"""Copies of originals for users: with the recipe inside the file, where the file can have it."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, BinaryIO

from imgplay_widget._rules.embedded import joined, pieces_with, read_at, size_of

if TYPE_CHECKING:
    from imgplay_widget._rules.embedded import Written

__all__ = ["copy_saved", "saved_bytes"]

_PIECE = 2**20
"""The number of bytes that are copied at once."""


def copy_saved(source: BinaryIO, target: IO[bytes], made: Written | None) -> None:
    """Copy an original, with its recipe in it where the file can have one. Its pixels are not touched.

    Args:
        source: the original, which can be sought in.
        target: gets the copy.
        made: the texts of the recipe, or None for a copy byte for byte.

    Raises:
        OSError: one of the files cannot be read or written.
    """
    pieces = None if made is None else pieces_with(source, made)
    if pieces is None:
        pieces = [range(source.seek(0, io.SEEK_END))]
    position, end = 0, size_of(pieces)
    while position < end:
        piece = read_at(source, pieces, position, min(_PIECE, end - position))
        if not piece:
            raise OSError("The original became shorter while it was copied.")
        target.write(piece)
        position += len(piece)


def saved_bytes(data: bytes, made: Written | None) -> bytes:
    """Return an original with its recipe in it, or as it is where it can have none."""
    pieces = None if made is None else pieces_with(io.BytesIO(data), made)
    return data if pieces is None else joined(data, pieces)
