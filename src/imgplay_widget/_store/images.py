"""Images: the check of their bytes, and thumbnails and covers. Several threads may use the functions at once.

`accept` keeps every image. It reads only the structure (signature, size, checksums, end), which takes a
fraction of a millisecond. The drawing functions find out whether the pixels can be decoded.
"""

from __future__ import annotations

import io
import math
import re
import struct
import threading
import zlib
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageChops,
    ImageCms,
    ImageOps,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

from imgplay_widget._rules.kinds import EXTENSIONS, OTHER, SOME_IMAGE, kind_of, likeness, said_kind
from imgplay_widget.errors import CorruptImage, NotShown

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from PIL.ImageFile import ImageFile

__all__ = [
    "MAX_BYTES",
    "MAX_MEMORY",
    "Accepted",
    "accept",
    "as_png",
    "cover",
    "has_alpha",
    "is_picture",
    "mask_png",
    "memory_of",
    "miniature",
    "picture_png",
    "pillow_image",
    "png_of",
    "render",
    "thumbnail",
    "thumbnail_within",
    "true_colours",
    "upright",
    "view",
    "white_mask",
    "within",
]

MAX_BYTES = 256 * 2**20
"""The most bytes of an image."""

MAX_MEMORY = 2**30
"""The most bytes of memory for the decoding of one image, because a small file can unfold to gigabytes.
8192 × 8192 pixels fit in every kind."""

VIEW_EDGE = 4096
"""The most pixels of the longer edge of a picture for the large view."""

SMALLEST = 24
"""The fewest pixels of the longer edge of a picture in which one still sees something."""

NOT_GREY = 24
"""From this difference between two channels on, of 255, a pixel is coloured."""

_LARGE = 64 * 2**20
"""The bytes of memory from which on images are decoded one at a time."""

_one_at_a_time = threading.Lock()

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset({0x01, 0xD8})

# The chunks of a PNG that change the pixels or their direction. All others, such as texts, are left out
# before the decoding: their content can be a bomb or damaged.
_PNG_DRAWN = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT"})

# Each class is called directly: `Image.open` would warn about large images through the settings of the whole
# process, which belong to the user.
_READERS: dict[str, type[ImageFile]] = {
    "image/png": PngImagePlugin.PngImageFile,
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
    "image/avif": AvifImagePlugin.AvifImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
    "image/tiff": TiffImagePlugin.TiffImageFile,
    "image/jp2": Jpeg2KImagePlugin.Jpeg2KImageFile,
}

_FEATURES = {"image/avif": "avif", "image/jp2": "jpg_2000"}
for _kind, _feature in _FEATURES.items():
    if not features.check(_feature):
        del _READERS[_kind]

# The bytes that the decoding of one pixel takes, beside the decoded image itself: decoders of animations hold
# several frames.
_BESIDE = {"image/webp": 12, "image/avif": 12, "image/gif": 8, "image/jp2": 24}

# The kinds that browsers draw. They draw a BMP too, but it can be ten times as large as a WebP.
_BY_BROWSERS = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif", "image/gif"})

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_ON_ITS_SIDE = frozenset({5, 6, 7, 8})
"""The orientations that make the width of the image from the height of its pixels."""

_WEBP_EXIF = re.compile(rb"EXIF(.{3}\0)(?=Exif\0\0|II\*\0|MM\0\*)", re.DOTALL)
"""The beginning of the metadata in a WebP. Compressed pixels hardly look like this."""

_IN_PNG = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
"""The modes of Pillow that a PNG holds and that all programs read. Some read white from sixteen bits."""

_NAMELESS = "The image is of an unknown kind, so it is not drawn here."

_UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, OverflowError, RuntimeError,
    struct.error, zlib.error, MemoryError, Warning, Image.DecompressionBombError,
)  # fmt: skip
"""The errors of Pillow's decoders for damaged images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the structure of an image says.

    Attributes:
        media_type: the kind by the signature of the bytes; by the word of the sender only where the
            signature is unknown.
        width, height: the size in pixels of the upright image; None where the kind is not read here.
        whole: False where the image is cut off or damaged, so that another download may bring a better one.
        turned: True where the file asks programs to turn or mirror its pixels, as photos of phones do.
    """

    media_type: str
    width: int | None
    height: int | None
    whole: bool
    turned: bool = False


def accept(data: bytes, said: str = "") -> Accepted:
    """Return the kind and the size of an image, without decoding the pixels.

    Args:
        data: at most `MAX_BYTES`.
        said: the media type that the sender of the bytes named. It only counts where the signature of the
            bytes is unknown.

    Raises:
        CorruptImage: the bytes are not an image; the message says what they look like.
    """
    if len(data) > MAX_BYTES:
        raise CorruptImage(f"The image has {len(data):,} bytes. At most {MAX_BYTES:,} are allowed.")
    kind = kind_of(data)
    if kind is None:
        return _by_word(data, said)
    width = height = 0
    try:
        match kind:
            case "image/png":
                width, height, whole = _png(data)
            case "image/jpeg":
                width, height, whole = _jpeg(data)
            case "image/webp":
                width, height, whole = _webp(data)
            case _:
                width, height, whole = _other(data, kind)
    except (struct.error, IndexError):
        whole = False
    if kind not in _READERS:
        return Accepted(media_type=kind, width=None, height=None, whole=True)
    if width < 1 or height < 1:
        raise CorruptImage("The image is cut off or damaged: its size cannot be read.")
    orientation = _orientation_of(data, kind)
    if orientation in _ON_ITS_SIDE:
        width, height = height, width
    return Accepted(media_type=kind, width=width, height=height, whole=whole, turned=orientation in _UPRIGHT)


def _by_word(data: bytes, said: str) -> Accepted:
    kind = said_kind(data, said)
    if kind is None:
        raise CorruptImage(f"The data are not an image. They look like {likeness(data)}.")
    # A kind that is known by a signature which these bytes do not have: perhaps another download is better.
    return Accepted(media_type=kind, width=None, height=None, whole=said not in EXTENSIONS)


def thumbnail(data: bytes, edge: int = 768, *, quality: int = 72) -> bytes:
    """Return a small WebP of an image.

    Args:
        data: the image.
        edge: the most pixels of the longer edge; a smaller image keeps its size.
        quality: the quality of the WebP, 1 to 100.

    Raises:
        NotShown: the image cannot be drawn.
        CorruptImage: the bytes are not an image.
    """
    return _webp_of(within(data, edge), quality)


def thumbnail_within(data: bytes, most: int, edge: int = 512, *, quality: int = 62) -> bytes | None:
    """Return a small WebP of an image that fits into some bytes, or None where none fits.

    Args:
        data: the image, which is decoded only once.
        most: the most bytes.
        edge: the most pixels of the longer edge; a smaller image keeps its size.
        quality: the quality of the WebP, 1 to 100.

    Raises:
        NotShown: the image cannot be drawn.
        CorruptImage: the bytes are not an image.
    """
    image = within(data, edge)
    longest = max(image.size)
    while longest >= SMALLEST:
        factor = longest / max(image.size)
        size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
        small = image.resize(size, Image.Resampling.BICUBIC)  # pyright: ignore[reportUnknownMemberType]
        encoded = _webp_of(small, quality)
        if len(encoded) <= most:
            return encoded
        # The bytes grow about as the pixels do.
        longest = min(longest - 1, int(longest * 0.95 * (most / len(encoded)) ** 0.5))
    return None


def cover(data: bytes, edge: int = 256) -> bytes:
    """Return a square WebP of the middle of an image.

    Args:
        data: the image.
        edge: the pixels of each edge.

    Raises:
        NotShown: the image cannot be drawn.
        CorruptImage: the bytes are not an image.
    """
    return _webp_of(_square(_reduced(data, edge, shorter=True)[0], edge))


def white_mask(data: bytes) -> bytes:
    """Return a mask as a grayscale PNG, white where the image may change, as diffusion servers expect it.

    Args:
        data: the mask as a PNG, transparent where the image may change.

    Raises:
        NotShown: the mask cannot be decoded.
    """
    alpha = _reduced(data, None)[0].convert("RGBA").getchannel("A")
    out = io.BytesIO()
    ImageOps.invert(alpha).save(out, "PNG", compress_level=1)
    return out.getvalue()


def as_png(data: bytes) -> bytes:
    """Return an image of any kind as a PNG of the same size, upright; of an animation, the first frame.

    Raises:
        NotShown: the image cannot be decoded.
        CorruptImage: the bytes are not an image.
    """
    out = io.BytesIO()
    _reduced(data, None)[0].save(out, "PNG", compress_level=1)
    return out.getvalue()


def upright(data: bytes) -> bytes:
    """Return an image whose pixels lie as one sees them, and which asks nobody to turn them.

    An image that does not ask for a turn is returned as it is. A turned PNG keeps its pixels; a JPEG or WebP
    is encoded again in high quality. The colour profile stays, and other metadata goes.

    Args:
        data: an accepted PNG, JPEG or WebP.

    Raises:
        NotShown: the image asks for a turn, and cannot be decoded.
    """
    kind = kind_of(data)
    orientation = 1 if kind is None else _orientation_of(data, kind)
    if kind is None or orientation not in _UPRIGHT:
        return data
    image = _decoded(data)
    keeps = kind == "image/png" or image.mode in ("L", "RGB", "RGBA")
    turned = (image if keeps else true_colours(image)).transpose(_UPRIGHT[orientation])
    out = io.BytesIO()
    profile = image.info.get("icc_profile", b"") if keeps else b""
    match kind:
        case "image/jpeg":
            # Colours at half the resolution stay so. Any other sampling is lost least at the full one.
            halved = JpegImagePlugin.get_sampling(image) == 2  # pyright: ignore[reportArgumentType] - see `_READERS`
            turned.save(out, "JPEG", quality=95, subsampling=2 if halved else 0, icc_profile=profile)
        case "image/webp":
            exact = b"VP8L" in data[:4096]
            turned.save(out, "WEBP", quality=95, lossless=exact, icc_profile=profile, exif=b"", xmp=b"")
        case _:
            turned.save(out, "PNG", compress_level=1, icc_profile=profile or None, exif=None)
    return out.getvalue()


def miniature(data: bytes, edge: int = 192) -> bytes:
    """Return a very small WebP of an image, of two to four kilobytes, which only shows the main shapes.

    Args:
        data: the image.
        edge: the most pixels of the longer edge.

    Raises:
        NotShown: the image cannot be drawn.
        CorruptImage: the bytes are not an image.
    """
    return _webp_of(within(data, edge), quality=50, method=4)


def has_alpha(data: bytes) -> bool:
    """Return whether the header of an accepted image allows transparency."""
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
        return image.has_transparency_data


def mask_png(data: bytes) -> bytes | None:
    """Return a mask as a PNG that is transparent where the image may change.

    An image in black and white is a mask too: white is what may change.

    Args:
        data: an accepted image.

    Returns:
        The mask, or None where the image is neither transparent nor black and white.

    Raises:
        NotShown: the image cannot be decoded.
    """
    if has_alpha(data):
        return data if kind_of(data) == "image/png" else as_png(data)
    red, green, blue = _reduced(data, None)[0].split()
    # A JPEG does not keep grey exactly.
    if any(any(ImageChops.difference(green, one).histogram()[NOT_GREY:]) for one in (red, blue)):
        return None
    out = io.BytesIO()
    Image.merge("RGBA", (green, green, green, ImageOps.invert(green))).save(out, "PNG", compress_level=1)
    return out.getvalue()


def png_of(mode: str, size: tuple[int, int], pixels: bytes) -> bytes:
    """Return a PNG of raw pixels.

    Args:
        mode: ``"L"``, ``"RGB"`` or ``"RGBA"``, with one byte for each channel.
        size: width and height in pixels.
        pixels: the bytes of the pixels, row by row.
    """
    out = io.BytesIO()
    Image.frombytes(mode, size, pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def is_picture(value: object) -> TypeGuard[Image.Image]:
    """Return whether a value is a Pillow image."""
    return isinstance(value, Image.Image)


def picture_png(picture: Image.Image) -> bytes:
    """Return a Pillow image as a PNG, upright, in colours that every program reads.

    Print and video colours become RGB, and sixteen bits become eight. Whole numbers (I) are of 0 to 255 where
    none is larger, else of 0 to 65535; floats (F) are of 0 to 1 where none is larger, else of 0 to 255.

    Raises:
        ValueError: a number lies outside of these ranges, or Pillow cannot convert the colours.
        OSError: the image cannot be read.
    """
    picture.load()
    with suppress(*_UNREADABLE):
        picture = ImageOps.exif_transpose(picture)
    out = io.BytesIO()
    if picture.mode in _IN_PNG:
        picture.save(out, "PNG")
    else:
        # A colour profile belongs to the colours before.
        _in_colours(picture).save(out, "PNG", icc_profile=None)
    return out.getvalue()


def _in_colours(picture: Image.Image) -> Image.Image:
    if picture.mode == "LAB":
        # Pillow does not say what this returns.
        made = cast("Any", ImageCms).createProfile
        profiles = made("LAB"), made("sRGB")
        try:
            converted = ImageCms.applyTransform(picture, ImageCms.buildTransform(*profiles, "LAB", "RGB"))
        except (ImageCms.PyCMSError, ImportError) as error:
            raise ValueError(str(error)) from error
        assert converted is not None
        return converted
    if picture.mode not in ("I", "F"):
        colours = true_colours(picture)
        return colours.convert("L") if picture.mode.startswith("I;16") else colours
    low, high = cast("tuple[float, float]", picture.getextrema())
    most = (1, 255) if picture.mode == "F" else (255, 65535)
    top = most[0] if high <= most[0] else most[1]
    # One number that is not one makes the sum so. Pillow's extremes may pass over it.
    numbers = memoryview(picture.tobytes()).cast("f" if picture.mode == "F" else "i")
    if not (low >= 0 and high <= top and math.isfinite(sum(numbers))):
        raise ValueError(f"its numbers are not all of 0 to {most[1]}")
    scaled = picture.point(lambda value: value * (255 / top) + 0.5)  # pyright: ignore[reportUnknownMemberType]
    return scaled.convert("L")


def render(data: bytes) -> tuple[bytes, bytes]:
    """Return the thumbnail and the cover of an image, which is decoded only once.

    Raises:
        NotShown: the image cannot be drawn.
        CorruptImage: the bytes are not an image.
    """
    small = within(data, 768)
    return _webp_of(small), _webp_of(_square(small, 256))


def view(data: bytes, *, always: bool = False) -> bytes | None:
    """Return a WebP for the large view, or None where browsers draw the original themselves.

    Args:
        data: the image.
        always: True where the browser could not draw the original.

    Raises:
        NotShown: the image cannot be drawn.
        CorruptImage: the bytes are not an image.
    """
    image, kind, full = _opened(data)
    with _memory(image, kind, full):
        pass
    if kind in _BY_BROWSERS and not always:
        return None
    return _webp_of(within(data, VIEW_EDGE), quality=85)


def pillow_image(data: bytes) -> Image.Image:
    """Return an image as Pillow reads it, decoded and upright, of any kind that Pillow knows.

    Raises:
        NotShown: Pillow cannot read the image.
    """
    image = _decoded(data)
    kind = kind_of(data)
    orientation = _orientation_of(data, kind) if kind in _READERS else _orientation(image)
    if orientation not in _UPRIGHT:
        return image
    try:
        # This also removes the turn from the metadata, so that nobody turns the image again.
        return ImageOps.exif_transpose(image)
    except _UNREADABLE:
        return image.transpose(_UPRIGHT[orientation])


def true_colours(image: Image.Image) -> Image.Image:
    """Return an image as RGB, or as RGBA where it can be transparent, with one byte for each channel."""
    return _colours(image, "RGBA" if image.has_transparency_data else "RGB")


def _decoded(data: bytes) -> Image.Image:
    kind = kind_of(data)
    if kind not in _READERS:
        try:
            image = Image.open(io.BytesIO(data))
            image.load()
        except _UNREADABLE as error:
            raise _unknown(kind or OTHER) from error
        return image
    try:
        image = _open(data, kind)
    except _UNREADABLE:
        # Perhaps only a text in the file is damaged, or a bomb.
        image = _opened(data)[0]
    with _memory(image, kind, image.size):
        try:
            _load(image)
        except _UNREADABLE:
            image = _opened(data)[0]
            try:
                _load(image)
            except _UNREADABLE as error:
                raise _damaged() from error
    return image


# ------------------------------------------------------------------ structure: width, height and wholeness


def _png(data: bytes) -> tuple[int, int, bool]:
    width = height = 0
    pixels = whole = False
    for name, body, sound in _chunks(data):
        if name == b"IHDR" and len(body) == 13:
            width, height = struct.unpack_from(">II", body)
        pixels = pixels or name == b"IDAT"
        if not sound and name in _PNG_DRAWN:
            return width, height, False
        whole = sound and name == b"IEND"
    return width, height, whole and pixels


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Yield the name, the content and whether it is whole and right, for each chunk of a PNG."""
    view, position = memoryview(data), len(_PNG)
    while position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            yield name, view[position + 8 : end], False
            return
        (checksum,) = struct.unpack_from(">I", data, end)
        yield name, view[position + 8 : end], zlib.crc32(view[position + 4 : end]) == checksum
        if name == b"IEND":
            return
        position = end + 4


def _jpeg(data: bytes) -> tuple[int, int, bool]:
    width = height = position = 0
    # Outside the compressed pixels, a marker follows a segment directly. Inside them, the next one is
    # searched.
    while marker := _JPEG_MARKER.search(data, position):
        code, position = data[marker.start() + 1], marker.end()
        if code == 0xD9:
            return width, height, True
        if code in _JPEG_BARE:
            continue
        if position + 2 > len(data):
            break
        (length,) = struct.unpack_from(">H", data, position)
        if code in _JPEG_SIZES and position + 7 <= len(data):
            height, width = struct.unpack_from(">HH", data, position + 3)
        position += length
    return width, height, False


def _webp(data: bytes) -> tuple[int, int, bool]:
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    width = height = 0
    pixels = False
    whole = end <= len(data)
    position = 12
    while position + 18 <= min(end, len(data)):
        name, length = struct.unpack_from("<4sI", data, position)
        body = position + 8
        whole = whole and body + length <= end
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
    return width, height, whole and pixels


def _other(data: bytes, kind: str) -> tuple[int, int, bool]:
    """Return the size of an image of a kind whose header Pillow reads; 0 × 0 where Pillow cannot."""
    if kind not in _READERS:
        return 0, 0, True
    try:
        width, height = _open(data, kind).size
    except _UNREADABLE:
        return 0, 0, False
    return width, height, _ends(data, kind)


def _ends(data: bytes, kind: str) -> bool:
    """Return whether the end of an image is there, as far as its kind says where it ends."""
    match kind:
        case "image/gif":
            return data.rstrip(b"\0").endswith(b";")
        case "image/bmp":
            return len(data) >= int.from_bytes(data[2:6], "little")
        case "image/avif":
            position = 0
            while position + 8 <= len(data):
                length = int.from_bytes(data[position : position + 4], "big")
                # A length of 0 or 1 is written elsewhere, or means the rest of the file.
                if length < 8:
                    return True
                position += length
            return position <= len(data)
        case "image/tiff":
            tags = dict(getattr(_open(data, kind), "tag_v2", {}))
            # The places and the lengths of its strips, or of its tiles.
            starts, lengths = tags.get(273) or tags.get(324) or (), tags.get(279) or tags.get(325) or ()
            return all(start + length <= len(data) for start, length in zip(starts, lengths, strict=False))
        case _:
            return True


# ------------------------------------------------------------------ pixels


def _open(data: bytes, kind: str) -> ImageFile:
    return _READERS[kind](io.BytesIO(data))


def _mended(data: bytes, kind: str) -> bytes:
    """Return bytes of the same picture that the decoder takes although an unimportant part is damaged."""
    if kind == "image/jpeg":
        # Without an end, the decoder refuses the whole image. With one, it draws what came.
        return data + b"\xff\xd9"
    if kind != "image/png":
        return data
    out = [_PNG]
    for name, body, _ in _chunks(data):
        if name in _PNG_DRAWN:
            out += [
                struct.pack(">I", len(body)),
                name,
                body,
                struct.pack(">I", zlib.crc32(body, zlib.crc32(name))),
            ]
    out += [bytes(4), b"IEND", struct.pack(">I", zlib.crc32(b"IEND"))]
    return b"".join(out)


def memory_of(image: ImageFile, kind: str, full: tuple[int, int]) -> int:
    """Return the bytes that the decoding of an opened image takes at most.

    Args:
        image: the image, after `draft`.
        kind: its media type.
        full: its size before `draft`.
    """
    of_pixel = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "LA": 4}.get(image.mode, 4)
    # A progressive JPEG keeps all its coefficients, however small the picture becomes.
    beside = 6 if "progressive" in image.info or "progression" in image.info else _BESIDE.get(kind, 0)
    return image.width * image.height * of_pixel + full[0] * full[1] * beside


def _reduced(data: bytes, edge: int | None, *, shorter: bool = False) -> tuple[Image.Image, tuple[int, int]]:
    """Return an image upright as RGB or RGBA, reduced by a whole factor, and its full size.

    Args:
        data: the image.
        edge: the fewest pixels that the longer edge keeps, or None for the full size.
        shorter: True where the shorter edge keeps so many.
    """
    image, kind, full = _opened(data, edge)
    with _memory(image, kind, full):
        try:
            _load(image)
            edges = (min if shorter else max)(image.size)
            small = _pieces(image, 1 if edge is None else max(1, edges // edge))
        except _UNREADABLE as error:
            raise _damaged() from error
    orientation = _orientation(image)
    if orientation not in _UPRIGHT:
        return small, full
    if orientation in _ON_ITS_SIDE:
        full = full[1], full[0]
    return small.transpose(_UPRIGHT[orientation]), full


def _opened(data: bytes, edge: int | None = None) -> tuple[ImageFile, str, tuple[int, int]]:
    """Return an image whose pixels are not decoded yet, its kind and its full size.

    Args:
        data: the image.
        edge: the fewest pixels of the longer edge, where the decoder may make the image smaller; or None.

    Raises:
        NotShown: no reader takes the image.
        CorruptImage: the bytes are not an image.
    """
    kind = accept(data, SOME_IMAGE).media_type
    if kind not in _READERS:
        raise _unknown(kind)
    try:
        image = _open(_mended(data, kind), kind)
        full = image.size
        if edge is not None:
            image.draft("RGB", (edge, edge))
    except _UNREADABLE as error:
        raise _damaged() from error
    return image, kind, full


@contextmanager
def _memory(image: ImageFile, kind: str, full: tuple[int, int]) -> Generator[None]:
    """Return a context for the decoding of an image, which waits while another large image is decoded.

    Raises:
        NotShown: the decoding would take more than `MAX_MEMORY`.
    """
    needed = memory_of(image, kind, full)
    if needed > MAX_MEMORY:
        raise NotShown(
            f"The image of {full[0]} × {full[1]} pixels is too large to be drawn here.", reason="large"
        )
    with _one_at_a_time if needed > _LARGE else nullcontext():
        yield


def _load(image: ImageFile) -> None:
    """Decode the pixels. Of a damaged image, the pixels before the damage are enough."""
    try:
        image.load()
    except _UNREADABLE:
        # Without tiles, Pillow does not try again.
        image.tile = []
        try:
            drawn = image.im.getbbox()
        except (*_UNREADABLE, AssertionError):
            drawn = None
        if drawn is None:
            raise


def _unknown(kind: str) -> NotShown:
    name = EXTENSIONS.get(kind) or kind.removeprefix("image/")
    known = kind in EXTENSIONS or kind.startswith("image/")
    return NotShown(f"Images of the kind {name.upper()} are not drawn here." if known else _NAMELESS)


def _damaged() -> NotShown:
    return NotShown("The image is damaged: its pixels cannot be decoded.", reason="damaged")


def _orientation_of(data: bytes, kind: str | None) -> int:
    """Return the EXIF orientation of an image, 1 to 8, without decoding the pixels."""
    with suppress(*_UNREADABLE):
        match kind:
            case "image/png":
                for name, body, sound in _chunks(data) if b"eXIf" in data else ():
                    if name == b"eXIf" and sound:
                        return _orientation_in(bytes(body))
            case "image/webp":
                # Pillow would decode the frame here.
                found = _WEBP_EXIF.search(data)
                if found is not None:
                    return _orientation_in(
                        data[found.end() : found.end() + int.from_bytes(found[1], "little")]
                    )
            case "image/jpeg":
                if b"Exif\0\0" in data or b"tiff:Orientation" in data:
                    return _orientation(_open(data, kind))
            case "image/avif" if kind in _READERS:
                return _orientation(_open(data, kind))
            case _:
                # Pillow gives the pixels of a TIFF upright, and the other kinds do not ask.
                pass
    return 1


def _orientation_in(metadata: bytes) -> int:
    exif = Image.Exif()
    exif.load(metadata)
    return int(exif.get(0x0112, 1))


def _orientation(image: Image.Image) -> int:
    with suppress(*_UNREADABLE):
        return int(image.getexif().get(0x0112, 1))
    return 1


def _pieces(image: Image.Image, factor: int) -> Image.Image:
    """Return a decoded image as RGB or RGBA, reduced by a factor. Strips of rows keep the memory small."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    width, height = image.size
    if factor == 1:
        return _colours(image, mode)
    small = Image.new(mode, (-(-width // factor), -(-height // factor)))
    rows = max(1, 1024 // factor) * factor
    for top in range(0, height, rows):
        strip = _colours(image.crop((0, top, width, min(height, top + rows))), mode)
        # Averaging whole blocks first is several times faster than a filter over all pixels.
        small.paste(strip.reduce(factor), (0, top // factor))
    return small


def _colours(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I;16"):
        # With sixteen bits for each pixel, Pillow would clip the values instead of scaling them.
        deep = image.convert("I")
        scaled = deep.point(lambda value: value * (1 / 257))  # pyright: ignore[reportUnknownMemberType]
        return scaled.convert("L").convert(mode)
    return image.convert(mode)


def within(data: bytes, edge: int) -> Image.Image:
    """Return an image upright as RGB or RGBA, with at most so many pixels on its longer edge.

    Raises:
        NotShown: the image cannot be drawn.
        CorruptImage: the bytes are not an image.
    """
    image, full = _reduced(data, edge)
    longest = max(full)
    if longest <= edge:
        return image
    width, height = (max(1, round(side * edge / longest)) for side in full)
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
