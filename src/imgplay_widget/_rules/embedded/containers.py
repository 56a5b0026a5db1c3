"""The sections of an image file: chunks of a PNG, segments of a JPEG, chunks of a WebP."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["JPEG", "PNG", "WEBP", "Section", "Sections", "kind_in", "sections_of"]

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"

MOST_SECTIONS = 100_000
"""The most sections of a file. A PNG of 256 MiB in pieces of 8 KiB has a third of them."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a file.

    Attributes:
        name: the name of a chunk; of a segment, its marker (one byte).
        start: the first byte of the section, with its header.
        body: the first byte of the content.
        length: the number of bytes of the content.
        end: the first byte after the section, with its checksum or padding.
    """

    name: bytes
    start: int
    body: int
    length: int
    end: int


@dataclass(frozen=True, slots=True)
class Sections:
    """The sections of a file that are whole, in their order.

    Attributes:
        kind: the media type of the file.
        size: the bytes of the file.
        found: the sections. Those of a JPEG end before its pixels.
        whole: False where a section is cut off, or there are too many.
    """

    kind: str
    size: int
    found: tuple[Section, ...]
    whole: bool


def kind_in(head: bytes) -> str | None:
    """Return the media type of a file whose sections are read here, by its first bytes, or None."""
    if head.startswith(_SIGNATURE):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    return WEBP if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def sections_of(file: BinaryIO) -> Sections | None:
    """Return the sections of a file, or None where it is of another kind. Only their headers are read."""
    size = file.seek(0, 2)
    file.seek(0)
    kind = kind_in(file.read(12))
    if kind is None:
        return None
    walk = {PNG: _png, JPEG: _jpeg, WEBP: _webp}[kind]
    found: list[Section] = []
    whole = walk(file, size, found)
    return Sections(kind, size, tuple(found), whole)


def _png(file: BinaryIO, size: int, found: list[Section]) -> bool:
    position = len(_SIGNATURE)
    while position + 12 <= size and len(found) < MOST_SECTIONS:
        file.seek(position)
        length, name = struct.unpack(">I4s", file.read(8))
        end = position + 12 + length
        if end > size:
            return False
        found.append(Section(name, position, position + 8, length, end))
        if name == b"IEND":
            return True
        position = end
    return False


def _jpeg(file: BinaryIO, size: int, found: list[Section]) -> bool:
    position = 2
    while position + 4 <= size and len(found) < MOST_SECTIONS:
        file.seek(position)
        head = file.read(4)
        if head[0] != 0xFF:
            return False
        if head[1] == 0xFF:
            # Any number of these bytes may stand before a marker.
            position += 1
            continue
        if head[1] == 0xDA:
            return True
        length = int.from_bytes(head[2:4], "big")
        end = position + 2 + length
        if length < 2 or end > size or head[1] in (0x00, 0x01, 0xD8, 0xD9) or 0xD0 <= head[1] <= 0xD7:
            return False
        found.append(Section(head[1:2], position, position + 4, length - 2, end))
        position = end
    return False


def _webp(file: BinaryIO, size: int, found: list[Section]) -> bool:
    file.seek(4)
    last = 8 + int.from_bytes(file.read(4), "little")
    if last > size:
        return False
    position = 12
    while position + 8 <= last and len(found) < MOST_SECTIONS:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        end = position + 8 + length + (length & 1)
        if position + 8 + length > last:
            return False
        # Some programs leave out the padding of the last chunk.
        found.append(Section(name, position, position + 8, length, min(end, last)))
        position = end
    return position >= last
