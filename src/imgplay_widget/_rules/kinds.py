"""The kinds of image files: which kind some bytes are by their signature, and what each kind is called."""

from __future__ import annotations

import re

__all__ = ["EXTENSIONS", "OTHER", "SOME_IMAGE", "SUFFIXES", "extension", "kind_of", "likeness", "said_kind"]

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "image/svg+xml": "svg",
    "image/heic": "heic",
    "image/jxl": "jxl",
    "image/jp2": "jp2",
    "image/x-icon": "ico",
}
"""The kinds that are known by their signature, with the extensions of their files."""

OTHER = "application/octet-stream"
"""The kind of an image whose real kind nothing tells."""

SOME_IMAGE = "image/*"
"""The media type of bytes that are known to be an image, where nobody kept the name of the kind."""

_OTHER_SUFFIX = "bin"

SUFFIXES = (*EXTENSIONS.values(), _OTHER_SUFFIX)
"""The extensions that the files of images can have."""

_NAME = re.compile(r"image/[a-z0-9][a-z0-9.+-]{0,60}")

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
)
_BRANDS = (
    (frozenset({b"avif", b"avis"}), "image/avif"),
    (frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}), "image/heic"),
)
# The letters "BM" may begin a text, so the length of the header that follows must be a known one too.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_ICON = re.compile(rb"\x00\x00\x01\x00[\x01-\x40]\x00...\x00", re.DOTALL)
# What may come before the root element of an XML file: a declaration, comments and a document type.
_BEFORE_ROOT = re.compile(
    rb"\s+|<\?.*?\?>|<!--.*?-->|<!doctype\s+svg\b[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE
)
_SVG = re.compile(rb"<(?:[a-z_][\w.-]*:)?svg[\s/>]", re.IGNORECASE)
_XML_HEAD = 65_536
_VIDEO, _BINARY = "a video", "something else"


def kind_of(data: bytes) -> str | None:
    """Return the media type of an image by its signature, or None where the bytes are not an image."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return _kind_of_brands(data)
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    if _ICON.match(data):
        return "image/x-icon"
    return "image/svg+xml" if _is_svg(data) else None


def extension(media_type: str) -> str:
    """Return the extension of the files of a kind; ``bin`` for a kind that only its sender knows."""
    return EXTENSIONS.get(media_type, _OTHER_SUFFIX)


def said_kind(data: bytes, said: str) -> str | None:
    """Return the kind of bytes with an unknown signature, if their sender says that they are an image.

    Args:
        data: the bytes.
        said: the media type that the sender named, or an empty text.

    Returns:
        The named kind; `OTHER` where the bytes do not have the signature of the named kind; None where the
        sender names no image, or the bytes are a text such as a web page.
    """
    if not said.startswith("image/") or likeness(data) not in (_BINARY, _VIDEO):
        return None
    return said if _NAME.fullmatch(said) and said not in EXTENSIONS else OTHER


def likeness(data: bytes) -> str:
    """Return in words what bytes look like that are not an image."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not data:
        return "nothing (zero bytes)"
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page (HTML)"
    if head.startswith(b"<"):
        return "XML or HTML text"
    if head.startswith((b"{", b"[")):
        return "JSON text"
    if data[4:8] == b"ftyp":
        return _VIDEO
    if head.isascii() and bytes(head).decode("ascii").isprintable():
        return "plain text"
    return _BINARY


def _kind_of_brands(data: bytes) -> str | None:
    # A box of the ISO media format names its main brand, a version, and the brands that it agrees with.
    end = min(int.from_bytes(data[:4], "big"), 256)
    names = {bytes(data[8:12]), *(bytes(data[at : at + 4]) for at in range(16, end, 4))}
    return next((kind for brands, kind in _BRANDS if brands & names), None)


def _is_svg(data: bytes) -> bool:
    head = bytes(data[:_XML_HEAD])
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "ignore").encode()
    head = head.removeprefix(b"\xef\xbb\xbf")
    position = 0
    while before := _BEFORE_ROOT.match(head, position):
        position = before.end()
    return _SVG.match(head, position) is not None
