"""EXIF: its tags, and the same EXIF with more tags."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ASCII",
    "COMMENT",
    "RECIPE",
    "TAKEN",
    "UNDEFINED",
    "BadExif",
    "Value",
    "comment_bytes",
    "comment_text",
    "extended",
    "tags_of",
]

TAKEN, COMMENT = 0x9003, 0x9286
"""DateTimeOriginal and UserComment, in the second list."""

RECIPE = 0xFDE9
"""The tag of our recipe. The specification of TIFF leaves the numbers from 65000 on to everybody."""

ASCII, LONG, UNDEFINED = 2, 4, 7
"""The types of values, as TIFF numbers them."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""The bytes of one value, by its type."""

_SECOND = 0x8769
"""The tag with the offset of the second list."""

MOST_TAGS = 1000
"""The most tags of a list. Cameras write fewer than a hundred."""


class BadExif(ValueError):
    """The EXIF is damaged, or has more tags than are read here."""


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a tag.

    Attributes:
        type: the number of its type in TIFF.
        data: its bytes, in the order of the EXIF.
    """

    type: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Entry:
    """A tag as its list has it: the type, the number of values, and four bytes of value or offset."""

    type: int
    count: int
    offset: bytes


def tags_of(tiff: bytes) -> dict[int, Value]:
    """Return the tags of the first and of the second list. The second one counts where both have a tag.

    Raises:
        BadExif: it cannot be read.
    """
    order = _order(tiff)
    first, _ = _list(tiff, _number(order, tiff, 4), order)
    found = _values(tiff, first, order)
    second = found.get(_SECOND)
    if second is not None and len(second.data) >= 4:
        entries, _ = _list(tiff, _number(order, second.data, 0), order)
        found |= _values(tiff, entries, order)
    return found


def extended(tiff: bytes, first: Mapping[int, Value], second: Mapping[int, Value]) -> bytes:
    """Return an EXIF with more tags. All that it has stays where it is, as other places name it.

    Args:
        tiff: the EXIF, or no bytes for a new one.
        first: the new tags of the first list.
        second: the new tags of the second list.

    Raises:
        BadExif: the EXIF cannot be read.
    """
    order = _order(tiff) if tiff else ">"
    out = bytearray(tiff or b"MM\0*\0\0\0\0")
    at = _number(order, out, 4)
    entries, after = _list(tiff, at, order) if tiff else ({}, 0)
    if second:
        known = entries.get(_SECOND)
        offset = 0 if known is None else _number(order, known.offset, 0)
        inner, following = _list(tiff, offset, order) if offset else ({}, 0)
        begin = _append(out, order, inner, second, following)
        entries = entries | {_SECOND: _Entry(LONG, 1, struct.pack(f"{order}I", begin))}
    struct.pack_into(f"{order}I", out, 4, _append(out, order, entries, first, after))
    return bytes(out)


def _append(
    out: bytearray, order: str, old: Mapping[int, _Entry], new: Mapping[int, Value], following: int
) -> int:
    """Add a list of tags with its new values at the end, and return its offset."""
    entries = dict(old)
    for tag, value in new.items():
        _wipe(out, order, entries.get(tag))
        count = len(value.data) // _SIZES[value.type]
        if len(value.data) <= 4:
            entries[tag] = _Entry(value.type, count, value.data.ljust(4, b"\0"))
            continue
        out += b"\0" * (len(out) & 1)
        entries[tag] = _Entry(value.type, count, struct.pack(f"{order}I", len(out)))
        out += value.data
    out += b"\0" * (len(out) & 1)
    begin = len(out)
    out += struct.pack(f"{order}H", len(entries))
    for tag in sorted(entries):
        entry = entries[tag]
        out += struct.pack(f"{order}HHI", tag, entry.type, entry.count) + entry.offset
    out += struct.pack(f"{order}I", following)
    return begin


def _wipe(out: bytearray, order: str, old: _Entry | None) -> None:
    """Remove the bytes of a value that is replaced."""
    length = 0 if old is None else _SIZES.get(old.type, 0) * old.count
    if old is not None and length > 4:
        at = _number(order, old.offset, 0)
        if at >= 8 and at + length <= len(out):
            out[at : at + length] = bytes(length)


def comment_text(value: Value, order: str) -> str:
    """Return the words of a UserComment: those after its eight bytes for the encoding, where it has them.

    Args:
        value: the comment.
        order: the order of the bytes in the EXIF, ``">"`` or ``"<"``. Programs write Unicode in either.
    """
    head, data = value.data[:8], value.data[8:]
    if head == b"UNICODE\0":
        return data.decode(_wide(data, order), "replace").strip("\ufeff\0")
    if head in (b"ASCII\0\0\0", b"\0" * 8, b"JIS\0\0\0\0\0"):
        return data.decode("utf-8", "replace").strip("\0")
    return value.data.decode("utf-8", "replace").strip("\0")


def comment_bytes(text: str) -> bytes:
    """Return a UserComment in Unicode, as A1111 writes it: UTF-16, the high byte first."""
    return b"UNICODE\0" + text.encode("utf-16-be", "replace")


def _wide(data: bytes, order: str) -> str:
    if data[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return "utf-16"
    some = data[:4096]
    # Most letters of most texts have one zero byte. It tells more than the order of the EXIF.
    high, low = some[0::2].count(0), some[1::2].count(0)
    big = high > low if high != low else order == ">"
    return "utf-16-be" if big else "utf-16-le"


def _order(tiff: bytes) -> str:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(tiff[:4]))
    if order is None or len(tiff) < 8:
        raise BadExif("It is not an EXIF.")
    return order


def _list(tiff: bytes, at: int, order: str) -> tuple[dict[int, _Entry], int]:
    """Return the entries of a list of tags, and the offset of the one after it."""
    if at < 8 or at + 2 > len(tiff):
        raise BadExif("A list of tags lies outside.")
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    end = at + 2 + 12 * count
    if count > MOST_TAGS or end > len(tiff):
        raise BadExif("A list of tags is cut off.")
    entries: dict[int, _Entry] = {}
    for offset in range(at + 2, end, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", tiff, offset)
        entries[tag] = _Entry(kind, number, bytes(tiff[offset + 8 : offset + 12]))
    return entries, _number(order, tiff, end) if end + 4 <= len(tiff) else 0


def _values(tiff: bytes, entries: Mapping[int, _Entry], order: str) -> dict[int, Value]:
    found: dict[int, Value] = {}
    for tag, entry in entries.items():
        length = _SIZES.get(entry.type, 0) * entry.count
        if length <= 4:
            found[tag] = Value(entry.type, entry.offset[:length])
            continue
        at = _number(order, entry.offset, 0)
        if at + length <= len(tiff):
            found[tag] = Value(entry.type, bytes(tiff[at : at + length]))
    return found


def _number(order: str, data: bytes | bytearray, at: int) -> int:
    return struct.unpack_from(f"{order}I", data, at)[0]
