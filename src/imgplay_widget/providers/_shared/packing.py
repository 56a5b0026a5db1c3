"""Unpack a body that a server compressed: one layer, in small steps, without I/O.

A few kilobytes can hold gigabytes. So a step never unpacks more than `STEP` bytes, and the reader stops
between two steps when it has enough.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ACCEPTED", "STEP", "Unpacker", "packing_of"]

ACCEPTED = "gzip, deflate"
"""What a request asks for. Both are one call of zlib; no other packing is ever read."""

STEP = 2**20
"""The most bytes of one step, which takes a few milliseconds."""

_GZIP_HEAD = b"\x1f\x8b"
_NAMES = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


def packing_of(header: str) -> str:
    """Return how a body is packed: ``"gzip"``, ``"deflate"``, or an empty text for a plain body.

    Args:
        header: the header Content-Encoding, or an empty text.

    Raises:
        ValueError: the body is packed in another way, or more than once; the message names the way.
    """
    layers = [name for part in header.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(layers) > 1:
        raise ValueError("several layers of packing")
    if layers and layers[0] not in _NAMES:
        raise ValueError(layers[0][:40])
    return _NAMES[layers[0]] if layers else ""


class Unpacker:
    """Unpacks one body.

    Args:
        packing: ``"gzip"`` or ``"deflate"``.
    """

    def __init__(self, packing: str) -> None:
        self._packing = packing
        self._head = b""
        self._plain = False
        # The first bytes decide, because servers disagree about both formats.
        self._inner: Any = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what the chunk holds, in steps.

        Raises:
            ValueError: the bytes are damaged.
        """
        if self._inner is None and not self._plain:
            self._head += chunk
            if len(self._head) < 2:
                return
            chunk, self._head = self._head, b""
            self._begin(chunk)
        if self._plain:
            yield chunk
            return
        while chunk and self._inner is not None:
            if self._inner.eof:
                if not chunk.startswith(_GZIP_HEAD):
                    # Some servers pad the end with zeros.
                    return
                self._begin(chunk)
            try:
                found = self._inner.decompress(chunk, STEP)
            except zlib.error as error:
                raise ValueError("The packed bytes are damaged.") from error
            chunk = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            if found:
                yield found

    def end(self) -> Iterator[bytes]:
        """Yield what is left at the end of the body.

        Raises:
            ValueError: the packed bytes end too early.
        """
        if self._inner is None:
            yield self._head
        elif not self._inner.eof:
            raise ValueError("The packed bytes end too early.")

    def _begin(self, head: bytes) -> None:
        if self._packing == "gzip":
            # A proxy that unpacks a body may leave the header as it was.
            self._plain = not head.startswith(_GZIP_HEAD)
            self._inner = None if self._plain else zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        else:
            # By the standard there is a head of zlib. Many servers leave it out.
            wrapped = head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0
            self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
