"""Images: the check of their bytes, and thumbnails and covers. Several threads may use the functions at once.

`accept` checks only the structure (signature, size, checksums, end), which takes a fraction of a millisecond.
The thumbnail decodes the pixels anyway, and so finds out whether they can be decoded.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps

from imgplay_widget.errors import CorruptImage

__all__ = [
    "EXTENSIONS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "Accepted",
    "accept",
    "cover",
    "has_alpha",
    "miniature",
    "png_of",
    "render",
    "thumbnail",
]

MAX_PIXELS = 50_000_000
"""The most pixels of an image, because a small file can unfold to gigabytes."""

MAX_BYTES = 64 * 1024 * 1024
"""The most bytes of an image."""

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
"""The accepted kinds, with the extensions of their files."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset({0x01, 0xD8})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An image whose structure is whole.

    Attributes:
        media_type: the kind by the signature of the bytes, not by the word of a server.
        width, height: the size in pixels, before a rotation that the file asks for.
        data: the image without bytes after its end.
    """

    media_type: str
    width: int
    height: int
    data: bytes


def accept(data: bytes) -> Accepted:
    """Check that bytes are one whole image, without decoding the pixels.

    Args:
        data: at most `MAX_BYTES`, with at most `MAX_PIXELS`.

    Raises:
        CorruptImage: the bytes are not a whole image; the message says what they look like.
    """
    if len(data) > MAX_BYTES:
        raise CorruptImage(f"The image has {len(data):,} bytes. At most {MAX_BYTES:,} are allowed.")
    try:
        if data.startswith(_PNG):
            kind, (width, height, end) = "image/png", _png(data)
        elif data.startswith(b"\xff\xd8\xff"):
            kind, (width, height, end) = "image/jpeg", _jpeg(data)
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            kind, (width, height, end) = "image/webp", _webp(data)
        else:
            raise CorruptImage(f"The data are not a PNG, JPEG or WebP image. They look like {_guess(data)}.")
    except (struct.error, IndexError) as error:
        raise CorruptImage("The image is cut off.") from error
    if width < 1 or height < 1:
        raise CorruptImage(f"The image has an impossible size of {width} × {height} pixels.")
    if width * height > MAX_PIXELS:
        raise CorruptImage(
            f"The image has {width} × {height} pixels. At most {MAX_PIXELS:,} in all are allowed."
        )
    return Accepted(
        media_type=kind, width=width, height=height, data=data if end == len(data) else data[:end]
    )


def thumbnail(data: bytes, edge: int = 768) -> bytes:
    """Return a small WebP of an image.

    Args:
        data: the image.
        edge: the most pixels of the longer edge; a smaller image keeps its size.

    Raises:
        CorruptImage: the bytes are not a whole image, or its pixels cannot be decoded.
    """
    return _webp_of(_fitted(_decoded(data, edge), edge))


def cover(data: bytes, edge: int = 256) -> bytes:
    """Return a square WebP of the middle of an image.

    Args:
        data: the image.
        edge: the pixels of each edge.

    Raises:
        CorruptImage: the bytes are not a whole image, or its pixels cannot be decoded.
    """
    return _webp_of(_square(_decoded(data, None), edge))


def white_mask(data: bytes) -> bytes:
    """Return a mask as a grayscale PNG, white where the image may change, as diffusion servers expect it.

    Args:
        data: the mask as a PNG, transparent where the image may change.

    Raises:
        CorruptImage: the mask cannot be decoded.
    """
    alpha = _decoded(data, None).convert("RGBA").getchannel("A")
    out = io.BytesIO()
    ImageOps.invert(alpha).save(out, "PNG", compress_level=1)
    return out.getvalue()


def miniature(data: bytes, edge: int = 192) -> bytes:
    """Return a very small WebP of an image, of two to four kilobytes, which only shows the main shapes.

    Args:
        data: the image.
        edge: the most pixels of the longer edge.

    Raises:
        CorruptImage: the bytes are not a whole image, or its pixels cannot be decoded.
    """
    return _webp_of(_fitted(_decoded(data, edge), edge), quality=50, method=4)


def has_alpha(data: bytes) -> bool:
    """Return whether the header of an accepted image allows transparency."""
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
        return image.has_transparency_data


def png_of(mode: str, size: tuple[int, int], pixels: bytes) -> bytes:
    """Return a PNG of raw pixels.

    Args:
        mode: ``"RGB"`` or ``"RGBA"``, with one byte for each channel.
        size: width and height in pixels.
        pixels: the bytes of the pixels, row by row.
    """
    out = io.BytesIO()
    Image.frombytes(mode, size, pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def render(data: bytes) -> tuple[bytes, bytes]:
    """Return the thumbnail and the cover of an image, which is decoded only once.

    Raises:
        CorruptImage: the bytes are not a whole image, or its pixels cannot be decoded.
    """
    small = _fitted(_decoded(data, 768), 768)
    return _webp_of(small), _webp_of(_square(small, 256))


# ------------------------------------------------------------------ structure: width, height and end


def _png(data: bytes) -> tuple[int, int, int]:
    view, position = memoryview(data), len(_PNG)
    width = height = 0
    pixels = False
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if position == len(_PNG):
            if name != b"IHDR" or length != 13:
                raise CorruptImage("The PNG image does not begin with its header.")
            width, height = struct.unpack_from(">II", data, position + 8)
        end = position + 8 + length
        (checksum,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[position + 4 : end]) != checksum:
            raise CorruptImage("The PNG image is damaged: a checksum does not match.")
        pixels = pixels or name == b"IDAT"
        position = end + 4
        if name == b"IEND":
            if not pixels:
                raise CorruptImage("The PNG image does not hold any pixels.")
            return width, height, position
    raise CorruptImage("The PNG image is cut off: its end is missing.")


def _jpeg(data: bytes) -> tuple[int, int, int]:
    width = height = position = 0
    # Outside the compressed pixels, a marker follows a segment directly. Inside them, the next one is
    # searched.
    while marker := _JPEG_MARKER.search(data, position):
        code, position = data[marker.start() + 1], marker.end()
        if code == 0xD9:
            if not width:
                raise CorruptImage("The JPEG image does not hold any pixels.")
            return width, height, position
        if code in _JPEG_BARE:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if code in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, position + 3)
        position += length
    raise CorruptImage("The JPEG image is cut off: its end is missing.")


def _webp(data: bytes) -> tuple[int, int, int]:
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise CorruptImage("The WebP image is cut off.")
    width = height = 0
    pixels = False
    position = 12
    while position + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, position)
        body = position + 8
        if body + length > end:
            raise CorruptImage("The WebP image is damaged: a part is longer than the whole.")
        match name:
            case b"VP8X":
                width = 1 + int.from_bytes(data[body + 4 : body + 7], "little")
                height = 1 + int.from_bytes(data[body + 7 : body + 10], "little")
            case b"VP8L":
                bits = struct.unpack_from("<I", data, body + 1)[0]
                pixels = True
                if not width:
                    width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
            case b"VP8 ":
                pixels = True
                if not width:
                    width, height = (n & 0x3FFF for n in struct.unpack_from("<HH", data, body + 6))
            case b"ANMF":
                pixels = True
            case _:
                pass
        position = body + length + (length & 1)
    if not pixels:
        raise CorruptImage("The WebP image does not hold any pixels.")
    return width, height, end


def _guess(data: bytes) -> str:
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not data:
        return "nothing (zero bytes)"
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page (HTML)"
    if head.startswith(b"<"):
        return "XML or HTML text"
    if head.startswith((b"{", b"[")):
        return "JSON text"
    if head.startswith(b"gif8"):
        return "a GIF image"
    if data[4:8] == b"ftyp":
        return "an AVIF or HEIC image, or a video"
    if head.isascii() and bytes(head).decode("ascii").isprintable():
        return "plain text"
    return "something else"


# ------------------------------------------------------------------ pixels


def _decoded(data: bytes, edge: int | None) -> Image.Image:
    # The check of the structure comes first, because the limit of pixels must hold before the decoding.
    accept(data)
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
        if edge is not None:
            image.draft("RGB", (edge, edge))
        image.load()
        image = ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, MemoryError) as error:
        raise CorruptImage("The image is damaged: its pixels cannot be decoded.") from error
    if image.mode.startswith("I;16"):
        # With sixteen bits for each pixel, Pillow would clip the values instead of scaling them.
        deep = image.convert("I")
        scaled = deep.point(lambda value: value * (1 / 257))  # pyright: ignore[reportUnknownMemberType]
        return scaled.convert("L").convert("RGB")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB")


def _fitted(image: Image.Image, edge: int) -> Image.Image:
    longest = max(image.size)
    if longest <= edge:
        return image
    width, height = (max(1, round(side * edge / longest)) for side in image.size)
    if longest // edge > 1:
        # Averaging whole blocks first is several times faster than a filter over all pixels.
        image = image.reduce(longest // edge)
    return image.resize((width, height), Image.Resampling.BICUBIC)  # pyright: ignore[reportUnknownMemberType]


def _square(image: Image.Image, edge: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    factor = max(1, side // edge)
    cut = image.reduce(factor, (left, top, left + side, top + side))
    return cut.resize((edge, edge), Image.Resampling.BICUBIC)  # pyright: ignore[reportUnknownMemberType]


def _webp_of(image: Image.Image, quality: int = 72, method: int = 0) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", method=method, quality=quality, icc_profile=b"", exif=b"", xmp=b"")
    return out.getvalue()
