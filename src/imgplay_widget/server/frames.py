"""A message of the page or for the page as one binary frame of a socket.

A frame is the length of its JSON (4 bytes, big-endian), the JSON ``[content, [length of each buffer]]``, and
then the buffers. Both directions are alike.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["pack", "unpack"]

_LENGTH = struct.Struct("!I")


def pack(content: dict[str, Any], buffers: Sequence[bytes]) -> bytes:
    """Return a message as a frame."""
    text = json.dumps([content, [len(one) for one in buffers]], separators=(",", ":"), ensure_ascii=False)
    head = text.encode()
    return b"".join((_LENGTH.pack(len(head)), head, *buffers))


def unpack(frame: bytes) -> tuple[object, list[memoryview]]:
    """Return the content of a frame, which anybody may have made, and its buffers.

    Raises:
        InvalidRequest: this is not a frame.
    """
    try:
        (size,) = _LENGTH.unpack_from(frame)
        content, lengths = json.loads(frame[_LENGTH.size : _LENGTH.size + size])
        return content, _cut(memoryview(frame)[_LENGTH.size + size :], lengths)
    except (struct.error, ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest("The message on the socket cannot be read.") from error


def _cut(rest: memoryview, lengths: list[int]) -> list[memoryview]:
    if any(type(length) is not int or length < 0 for length in lengths) or sum(lengths) != len(rest):
        raise ValueError(lengths)
    found: list[memoryview] = []
    at = 0
    for length in lengths:
        found.append(rest[at : at + length])
        at += length
    return found
