"""The part of a file that a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["ByteRange", "span_of"]

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class ByteRange(NamedTuple):
    """The bytes from `start` up to `end`, which is not among them."""

    start: int
    end: int


def span_of(given: str | None, if_range: str | None, etag: str, size: int) -> ByteRange | None:
    """Return the bytes that a request asks for: the whole file where it names no range.

    A range that cannot be read, several ranges, and a range of other bytes than these mean the whole file, as
    the standard says.

    Args:
        given: the header Range, or None.
        if_range: the header If-Range, or None.
        etag: the ETag of the file, without quotes.
        size: the number of bytes of the file.

    Returns:
        The bytes, or None where the range lies beyond the file.
    """
    found = _RANGE.fullmatch(given.strip()) if given else None
    if found is None or (if_range is not None and if_range.strip() != f'"{etag}"'):
        return ByteRange(0, size)
    first, last = found.groups()
    if not first and not last:
        return ByteRange(0, size)
    if not first:
        length = min(int(last), size)
        return ByteRange(size - length, size) if length else None
    start = int(first)
    if last and int(last) < start:
        return ByteRange(0, size)
    if start >= size:
        return None
    return ByteRange(start, min(int(last) + 1, size) if last else size)
