"""The texts that an image file holds beside its pixels."""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imgplay_widget._rules.embedded import exif
from imgplay_widget._rules.embedded.containers import JPEG, PNG, sections_of
from imgplay_widget._text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from imgplay_widget._rules.embedded.containers import Section, Sections

__all__ = ["MAX_TEXT", "PARAMETERS", "RECIPE", "Metadata", "is_exif", "metadata_in", "metadata_of", "tiff_in"]

PARAMETERS, RECIPE = "parameters", "imgplay"
"""The names of the texts that a saved image gets: that of A1111, and our own."""

MAX_TEXT = 4 * 2**20
"""The most bytes of one unpacked text. The largest workflows of ComfyUI have a few hundred kilobytes."""

MAX_TEXTS, MAX_ALL = 256, 16 * 2**20
"""The most texts of a file that are read, and the most bytes of all of them together."""

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ELSEWHERE = b"dcterms:provenance"
"""What XMP has where the manifest of the file lies on a server."""

_SCHEMES = frozenset({"fooocus", "a1111"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What an image file holds beside its pixels.

    Attributes:
        texts: the texts by their names, as a PNG has them. A comment of the EXIF is the text "parameters",
            and a text of the EXIF that begins with ``prompt:{`` is the text "prompt".
        taken_at: when a camera says that it took the photo, in UTC as the file does not name a zone; or None.
        signed: True where the file has a manifest (C2PA), which the change of any byte would break.
    """

    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    taken_at: datetime | None = None
    signed: bool = False


def metadata_of(file: BinaryIO) -> Metadata:
    """Return what an image file holds beside its pixels. What cannot be read is left out.

    Args:
        file: a file that can be sought in. Its pixels are not read.

    Raises:
        OSError: the file cannot be read.
    """
    sections = sections_of(file)
    return Metadata() if sections is None else metadata_in(file, sections)


def metadata_in(file: BinaryIO, sections: Sections) -> Metadata:
    """Return what a file holds whose sections are known."""
    reader = _Reader(file)
    for section in sections.found:
        match sections.kind:
            case "image/png":
                reader.png(section)
            case "image/jpeg":
                reader.jpeg(section)
            case _:
                reader.webp(section)
    return Metadata(texts=reader.texts, taken_at=reader.taken_at, signed=reader.signed)


def is_exif(file: BinaryIO, kind: str, section: Section) -> bool:
    """Return whether a section of a file is its EXIF."""
    if kind == PNG:
        return section.name == b"eXIf"
    if kind != JPEG:
        return section.name == b"EXIF"
    file.seek(section.body)
    return section.name == b"\xe1" and file.read(min(section.length, len(_EXIF))) == _EXIF


def tiff_in(file: BinaryIO, section: Section) -> bytes:
    """Return the EXIF of a section, without the mark before it."""
    file.seek(section.body)
    return file.read(section.length).removeprefix(_EXIF)


class _Reader:
    """Collects what the sections of a file say."""

    def __init__(self, file: BinaryIO) -> None:
        self.texts: dict[str, str] = {}
        self.taken_at: datetime | None = None
        self.signed = False
        self._file = file
        self._left = MAX_ALL

    def png(self, section: Section) -> None:
        if section.name == b"caBX":
            self.signed = True
        elif section.name in (b"tEXt", b"zTXt", b"iTXt"):
            self._text(section)
        elif section.name == b"eXIf":
            self._tags(self._read(section))

    def jpeg(self, section: Section) -> None:
        if section.name == b"\xeb":
            # JUMBF, of which C2PA is the only common use.
            self.signed = self.signed or self._head(section, 2) == b"JP"
        elif section.name == b"\xe1" and self._head(section, len(_EXIF)) == _EXIF:
            self._tags(self._read(section).removeprefix(_EXIF))
        elif section.name == b"\xe1" and self._head(section, len(_XMP)) == _XMP:
            self._xmp(self._read(section))

    def webp(self, section: Section) -> None:
        if section.name == b"C2PA":
            self.signed = True
        elif section.name == b"EXIF":
            self._tags(self._read(section).removeprefix(_EXIF))
        elif section.name == b"XMP ":
            self._xmp(self._read(section))

    def _head(self, section: Section, length: int) -> bytes:
        self._file.seek(section.body)
        return self._file.read(min(section.length, length))

    def _read(self, section: Section) -> bytes:
        """Return the content of a section; no bytes where it is larger than what is read here."""
        if section.length > min(MAX_TEXT, self._left):
            return b""
        self._left -= section.length
        return self._head(section, section.length)

    def _xmp(self, data: bytes) -> None:
        self.signed = self.signed or _ELSEWHERE in data

    def _text(self, section: Section) -> None:
        name, _, rest = self._read(section).partition(b"\0")
        said: str | None = None
        match section.name:
            case b"tEXt":
                said = rest.decode("latin-1")
            case b"zTXt" if rest[:1] == b"\0":
                said = self._unpacked(rest[1:], "latin-1")
            case b"iTXt" if len(rest) > 2:
                # The language and the translated name stand before the text, each with a zero behind it.
                *_, own = rest[2:].split(b"\0", 2)
                said = self._unpacked(own, "utf-8") if rest[0] else own.decode("utf-8", "replace")
            case _:
                pass
        if said is not None and name:
            word = name[:79].decode("latin-1")
            if word == "XML:com.adobe.xmp":
                self._xmp(said.encode())
            self._keep(word, said)

    def _unpacked(self, data: bytes, encoding: str) -> str | None:
        most = min(MAX_TEXT, self._left)
        with suppress(zlib.error):
            out = zlib.decompressobj().decompress(data, most + 1)
            self._left -= len(out)
            return out.decode(encoding, "replace") if len(out) <= most else None
        return None

    def _keep(self, name: str, said: str) -> None:
        # Where a file has a text twice, the first one counts, as in most programs.
        if len(self.texts) < MAX_TEXTS and name not in self.texts:
            self.texts[name] = clean(said)

    def _tags(self, tiff: bytes) -> None:
        with suppress(exif.BadExif):
            tags = exif.tags_of(tiff)
            order = ">" if tiff[:2] == b"MM" else "<"
            if (packed := tags.pop(exif.RECIPE, None)) is not None:
                said = self._unpacked(packed.data, "utf-8")
                if said is not None:
                    self._keep(RECIPE, said)
            if (comment := tags.pop(exif.COMMENT, None)) is not None:
                said = exif.comment_text(comment, order)
                if said.strip():
                    self._keep(PARAMETERS, said)
            if (taken := tags.pop(exif.TAKEN, None)) is not None:
                self.taken_at = _moment(taken.data)
            for value in tags.values():
                if value.type in (exif.ASCII, exif.UNDEFINED):
                    self._said(value.data.decode("utf-8", "replace").strip("\0"))

    def _said(self, text: str) -> None:
        """Keep a text that tells its name itself."""
        if text in _SCHEMES:
            self._keep("fooocus_scheme", text)
        name, colon, rest = text.partition(":")
        if colon and rest.startswith("{") and name.lower() in ("prompt", "workflow"):
            self._keep(name.lower(), rest)


def _moment(data: bytes) -> datetime | None:
    try:
        said = data[:19].decode("ascii")
        return datetime.strptime(said, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
