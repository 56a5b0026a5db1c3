"""An image file with a recipe in it, as pieces: spans of the old file, and new bytes between them.

The pixels are in the spans, so they stay byte for byte the same, and nobody needs the file in memory.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, TypeAlias

from imgplay_widget._rules.embedded import exif
from imgplay_widget._rules.embedded.containers import JPEG, PNG, sections_of
from imgplay_widget._rules.embedded.metadata import PARAMETERS, RECIPE, is_exif, metadata_in, tiff_in
from imgplay_widget._rules.embedded.written import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import BinaryIO

    from imgplay_widget._rules.embedded.containers import Section, Sections
    from imgplay_widget._rules.embedded.metadata import Metadata
    from imgplay_widget._rules.embedded.written import Written

__all__ = ["Piece", "joined", "pieces_with", "read_at", "size_of"]

Piece: TypeAlias = bytes | range
"""New bytes, or a span of the old file."""

SEGMENT = 65_533 - 6
"""The most bytes of the EXIF in a JPEG: a segment without its length and the mark of an EXIF."""

PACKED = 512 * 2**10
"""The most bytes of one text in a file of another kind. Pillow refuses texts of more than a megabyte."""

_HAS_ALPHA, _HAS_EXIF = 0x10, 0x08
"""The flags in the header of an extended WebP."""

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})

_LAST = b"XMP "
"""The chunk of a WebP before which the EXIF stands."""


def pieces_with(file: BinaryIO, made: Written) -> list[Piece] | None:
    """Return an image file with a recipe in it, or None where it must stay as it is.

    A file stays as it is where it has a manifest that a change would break (C2PA), where it is damaged, where
    its EXIF has no room, where it has this recipe already, and where it is of a kind for which nothing is
    written here. A file that has a text of A1111 keeps it. Another recipe of ours is replaced.

    Args:
        file: the file, which can be sought in. Its pixels are not read.
        made: the texts to write.

    Raises:
        OSError: the file cannot be read.
    """
    sections = sections_of(file)
    if sections is None or not sections.whole:
        return None
    known = metadata_in(file, sections)
    if known.signed or known.texts.get(RECIPE) == made.recipe(LIMITS[0]):
        return None
    if sections.kind == PNG:
        return _png(file, sections, known, made)
    try:
        return (_jpeg if sections.kind == JPEG else _webp)(file, sections, known, made)
    except exif.BadExif:
        return None


def size_of(pieces: Iterable[Piece]) -> int:
    """Return the number of bytes of all pieces together."""
    return sum(len(piece) for piece in pieces)


def read_at(file: BinaryIO, pieces: Iterable[Piece], position: int, length: int) -> bytes:
    """Return some bytes of the file that pieces make, as a file itself would return them.

    Args:
        file: the old file.
        pieces: what `pieces_with` returned for it.
        position: the first byte of the new file.
        length: the most bytes.

    Raises:
        OSError: the file cannot be read.
    """
    found: list[bytes] = []
    for piece in pieces:
        wanted = piece[position : position + length]
        position = max(0, position - len(piece))
        length -= len(wanted)
        if isinstance(wanted, range):
            file.seek(wanted.start)
            found.append(file.read(len(wanted)))
        else:
            found.append(wanted)
        if length <= 0:
            break
    return b"".join(found)


def joined(data: bytes, pieces: Iterable[Piece]) -> bytes:
    """Return pieces as one file.

    Args:
        data: the old file.
        pieces: what `pieces_with` returned for it.
    """
    view = memoryview(data)
    return b"".join(view[one.start : one.stop] if isinstance(one, range) else one for one in pieces)


# ------------------------------------------------------------------ PNG


def _png(file: BinaryIO, sections: Sections, known: Metadata, made: Written) -> list[Piece] | None:
    if not sections.found or sections.found[0].name != b"IHDR":
        return None
    limit = next((one for one in LIMITS if len(made.recipe(one).encode()) <= PACKED), LIMITS[-1])
    new = b"" if PARAMETERS in known.texts else _text_chunk(PARAMETERS, made.parameters(limit))
    new += _text_chunk(RECIPE, made.recipe(limit))
    begin = sections.found[0].end
    out: list[Piece] = [range(begin), new]
    old = [one for one in sections.found if one.name in _TEXTS and _names(file, one, RECIPE)]
    return out + _without(range(begin, sections.size), old)


def _text_chunk(name: str, text: str) -> bytes:
    """Return a text as Pillow writes it, and so A1111: in Latin-1 where that has all its letters."""
    head = name.encode() + b"\0"
    try:
        return _chunk(b"tEXt", head + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", head + b"\0\0\0\0" + text.encode("utf-8", "replace"))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _names(file: BinaryIO, section: Section, name: str) -> bool:
    file.seek(section.body)
    return file.read(len(name) + 1) == name.encode() + b"\0"


def _without(span: range, sections: Sequence[Section]) -> list[Piece]:
    """Return a span of the file without some sections in it."""
    out: list[Piece] = []
    at = span.start
    for section in sections:
        out.append(range(at, section.start))
        at = section.end
    return [one for one in (*out, range(at, span.stop)) if one]


# ------------------------------------------------------------------ EXIF


def _tiff(old: bytes, known: Metadata, made: Written, most: int) -> bytes | None:
    """Return an EXIF with the texts, or None where there is no room for them.

    Our recipe goes first, as it is the whole truth. The text of A1111 gets the room that is left: in Unicode,
    as A1111 writes it; else in ASCII, which needs half as much; else with shorter texts.
    """
    for limit in LIMITS:
        packed = zlib.compress(made.recipe(limit).encode(), 9)
        tiff = _tiff_of(old, packed, known, made, limit, most)
        if tiff is not None:
            return tiff
    return None


def _tiff_of(
    old: bytes, packed: bytes, known: Metadata, made: Written, limit: int, most: int
) -> bytes | None:
    first = {exif.RECIPE: exif.Value(exif.UNDEFINED, packed)}
    if PARAMETERS in known.texts:
        only = exif.extended(old, first, {})
        return only if len(only) <= most else None
    for shorter in (one for one in LIMITS if one <= limit):
        text = made.parameters(shorter)
        comments = [exif.comment_bytes(text)]
        if text.isascii():
            comments.append(b"ASCII\0\0\0" + text.encode())
        for comment in comments:
            second = {exif.COMMENT: exif.Value(exif.UNDEFINED, comment)}
            tiff = exif.extended(old, first, second)
            if len(tiff) <= most:
                return tiff
    return None


# ------------------------------------------------------------------ JPEG


def _jpeg(file: BinaryIO, sections: Sections, known: Metadata, made: Written) -> list[Piece] | None:
    own = [one for one in sections.found if is_exif(file, JPEG, one)]
    old = tiff_in(file, own[0]) if own else b""
    tiff = _tiff(old, known, made, SEGMENT)
    if tiff is None:
        return None
    if own:
        begin = own[0].start
    else:
        # The segment of JFIF stands directly after the beginning of the file.
        heads = [one for one in sections.found if one.name == b"\xe0"]
        begin = heads[-1].end if heads and heads[-1] in sections.found[: len(heads)] else 2
    body = b"Exif\0\0" + tiff
    new = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return [range(begin), new, *_without(range(begin, sections.size), own[:1])]


# ------------------------------------------------------------------ WebP


def _webp(file: BinaryIO, sections: Sections, known: Metadata, made: Written) -> list[Piece] | None:
    head = _extended_head(file, sections)
    if head is None:
        return None
    own = [one for one in sections.found if is_exif(file, sections.kind, one)]
    if own and own[0].length > PACKED:
        return None
    tiff = _tiff(tiff_in(file, own[0]) if own else b"", known, made, PACKED)
    if tiff is None:
        return None
    chunk = b"EXIF" + struct.pack("<I", len(tiff)) + tiff + b"\0" * (len(tiff) & 1)
    extended = sections.found[0].name == b"VP8X"
    begin = sections.found[0].end if extended else 12
    last = sections.found[-1].end
    before = next((one.start for one in sections.found if one.name == _LAST), last)
    # The padding of the last chunk, where the file leaves it out.
    pad = b"\0" if before == last and sections.found[-1].length & 1 and _unpadded(sections.found[-1]) else b""
    middle = _without(range(begin, before), [one for one in own if one.start < before])
    rest = _without(range(before, last), [one for one in own if one.start >= before])
    inner: list[Piece] = [head, *middle, pad, chunk, *rest]
    size = 4 + size_of(inner)
    return [
        b"RIFF" + struct.pack("<I", size) + b"WEBP",
        *[one for one in inner if one],
        *([range(last, sections.size)] if last < sections.size else []),
    ]


def _unpadded(section: Section) -> bool:
    return section.end == section.body + section.length


def _extended_head(file: BinaryIO, sections: Sections) -> bytes | None:
    """Return the header of an extended WebP that has an EXIF, or None where the file has no picture."""
    if not sections.found:
        return None
    first = sections.found[0]
    file.seek(first.body)
    data = bytearray(file.read(min(first.length, 10)))
    if len(data) < 10 and first.name != b"VP8L":
        return None
    match first.name:
        case b"VP8X":
            data[0] |= _HAS_EXIF
            # Later versions of the format may have a longer header.
            file.seek(first.body + 10)
            more = file.read(min(first.length, PACKED) - 10)
            return _riff(b"VP8X", bytes(data) + more)
        case b"VP8L" if len(data) >= 5 and data[0] == 0x2F:
            bits = int.from_bytes(data[1:5], "little")
            width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF
            flags = _HAS_EXIF | (_HAS_ALPHA if bits >> 28 & 1 else 0)
        case b"VP8 " if data.startswith(b"\x9d\x01\x2a", 3):
            width, height = ((n & 0x3FFF) - 1 for n in struct.unpack_from("<HH", data, 6))
            flags = _HAS_EXIF
            if width < 0 or height < 0:
                return None
        case _:
            return None
    return _riff(
        b"VP8X", bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")
    )


def _riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
