"""The reading and checking of the input images that users give. Nothing is stored here."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from imgplay_widget._rules.embedded import found_in, metadata_of
from imgplay_widget._rules.kinds import SOME_IMAGE, kind_of
from imgplay_widget._store import images
from imgplay_widget._store.paths import path_of
from imgplay_widget._studio.handles import Array, BatchHandle, Figure, GenerationHandle, ReferenceLike
from imgplay_widget._studio.packages import needed
from imgplay_widget._text import clean, shown
from imgplay_widget._types import Reference
from imgplay_widget.errors import CorruptImage, ImgplayError, InvalidRequest, NotShown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._types import ModelSpec

__all__ = [
    "Array",
    "Figure",
    "Input",
    "ReferenceLike",
    "Role",
    "as_mask",
    "check_inputs",
    "embedded",
    "link_of",
    "read_input",
    "several",
]


SENT = frozenset({"image/png", "image/jpeg", "image/webp"})
"""The kinds in which input images are sent. An image of another kind becomes a PNG first."""

MAX_REASON = 200
"""The most characters of the words of another package in an error."""

Role = Literal["reference", "mask"]
"""The use of an input image."""


class Input(NamedTuple):
    """An input image that was read and checked.

    Attributes:
        reference: the reference to the image.
        size: the number of bytes.
        data: the bytes, or None where the store has them already.
    """

    reference: Reference
    size: int
    data: bytes | None


def check_inputs(spec: ModelSpec, inputs: Sequence[Input], mask: Input | None) -> None:
    """Refuse an input image or a mask that is too large for the model.

    Raises:
        InvalidRequest: an image is too large; the error names the image and the limit.
    """
    rule = spec.references
    for number, item in enumerate(inputs, 1):
        if rule is not None and item.size > rule.max_bytes:
            raise InvalidRequest(
                f"Reference {number} has {item.size / 1e6:.1f} MB; {spec.name} takes"
                f" {rule.max_bytes / 1e6:g} MB at most.",
                parameter="references",
            )
    limit = spec.max_mask_bytes or (rule.max_bytes if rule is not None else None)
    if mask is not None and limit is not None and mask.size > limit:
        raise InvalidRequest(
            f"The mask has {mask.size / 1e6:.1f} MB; {spec.name} takes {limit / 1e6:g} MB at most.",
            parameter="mask",
        )


def several(given: ReferenceLike | Iterable[ReferenceLike] | None) -> list[ReferenceLike]:
    """Return input images as a list, also where a single one was given without a list, or None."""
    if given is None:
        return []
    # A text, an array and a batch could be iterated too, and would fall apart.
    kinds = (str, bytes, bytearray, memoryview, os.PathLike, BatchHandle)
    single = isinstance(given, kinds) or hasattr(given, "dtype")
    return [given] if single or not isinstance(given, Iterable) else list(given)  # pyright: ignore[reportReturnType] - see above


def link_of(item: object, role: Role) -> str | None:
    """Return the link that an input image is, or None where it is something else.

    Raises:
        InvalidRequest: the link is not https.
    """
    if not isinstance(item, str) or "://" not in item[:20] or item[:5].lower() == "data:":
        return None
    if item.lower().startswith("https://"):
        return item
    raise InvalidRequest(
        f"The {role} {shown(item)} is not an https link.",
        parameter=_parameter(role),
        next_step="Give a public https link to an image, or save the image and give the file.",
    )


def as_mask(item: Input) -> Input:
    """Return the input image of a mask as a PNG that is transparent where the image may change.

    Raises:
        InvalidRequest: the image is neither transparent nor black and white.
    """
    assert item.data is not None
    try:
        data = images.mask_png(item.data)
    except (CorruptImage, NotShown) as error:
        raise InvalidRequest(f"A mask cannot be used: {error.message}", parameter="mask") from None
    if data is None:
        raise InvalidRequest(
            "The mask is an image in colours that is not transparent.",
            parameter="mask",
            next_step="Give a PNG that is transparent where the image may change, or an image in black and "
            "white that is white there.",
        )
    return item if data is item.data else read_input(data, "mask")


def embedded(text: str, role: Role) -> bytes | None:
    """Return the bytes of a data URL, or of base64 that is an image; None where a text is neither.

    Raises:
        InvalidRequest: the text is a data URL and cannot be read.
    """
    if text[:5].lower() == "data:":
        return _of_data_url(text, role)
    if len(text) < LEAST_BASE64 or _BASE64.match(text) is None:
        return None
    data = _decoded(text)
    # The bytes must be an image, because the name of a file may consist of the same letters.
    return data if data is not None and kind_of(data) is not None else None


LEAST_BASE64 = 64
"""The fewest characters of base64 that is looked at. The smallest images have more."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]+={0,2}\s*\Z")
_SPACE = str.maketrans("-_", "+/", " \t\r\n")


def _decoded(text: str) -> bytes | None:
    """Return the bytes of base64 in either alphabet, with or without padding and line ends, or None."""
    if len(text) > images.MAX_BYTES * 2:
        return None
    plain = text.translate(_SPACE).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None


def _of_data_url(text: str, role: Role) -> bytes:
    head, comma, body = text.partition(",")
    if comma and len(body) <= images.MAX_BYTES * 2:
        is_base64 = head.rstrip().lower().endswith(";base64")
        data = _decoded(unquote(body)) if is_base64 else unquote_to_bytes(body)
        if data is not None:
            return data
    raise InvalidRequest(
        f"The {role} {shown(text)} is a data URL that cannot be read.",
        parameter=_parameter(role),
        next_step="Copy the whole data URL, or save the image and give the file.",
    )


def _of_file(given: str | os.PathLike[str], role: Role, parameter: str) -> bytes:
    path = path_of(given, parameter)
    try:
        # Reading a device or a pipe might never end.
        if path.exists() and not path.is_file():
            raise InvalidRequest(
                f"The {role} {shown(os.fspath(given))} is {'a folder' if path.is_dir() else 'not a file'}.",
                parameter=parameter,
                next_step="Give the path of an image file.",
            )
        if path.stat().st_size > images.MAX_BYTES:
            raise InvalidRequest(
                f"The {role} {shown(os.fspath(given))} has more than {images.MAX_BYTES:,} bytes.",
                parameter=parameter,
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"The {role} {shown(os.fspath(given))} cannot be read ({error.strerror}).", parameter=parameter
        ) from None


def _parameter(role: Role) -> str:
    return "references" if role == "reference" else role


def _only(batch: BatchHandle, role: Role) -> GenerationHandle:
    if len(batch) == 1:
        return batch[0]
    raise InvalidRequest(
        f"A batch of {len(batch)} images cannot be used as a {role}.",
        parameter=_parameter(role),
        next_step="Give one of its images, such as batch[0].",
    )


def read_input(item: ReferenceLike, role: Role = "reference", said: str = "") -> Input:
    """Read and check an input image.

    Args:
        item: the image, but not a `Reference`, which only a studio can find, and not a link.
        role: the use of the image, which errors name.
        said: the media type that the sender of the image named.

    Raises:
        InvalidRequest: the item cannot be read, or is not an image.
    """
    parameter = _parameter(role)
    if isinstance(item, BatchHandle):
        item = _only(item, role)
    match item:
        case bytes():
            data = item
        case GenerationHandle():
            data, said = item.bytes, SOME_IMAGE
        case str() | os.PathLike():
            written = embedded(item, role) if isinstance(item, str) else None
            data = _of_file(item, role, parameter) if written is None else written
        case _:
            data = _encoded(item, role, parameter)
    made_by = item.id if isinstance(item, GenerationHandle) else _maker(data)
    try:
        accepted = images.accept(data, said)
        if accepted.media_type not in SENT:
            data = images.as_png(data)
            accepted = images.accept(data)
        elif accepted.turned and accepted.whole:
            # Some providers turn a photo as its metadata ask, others do not: the pixels say the same to both.
            data = images.upright(data)
            accepted = images.accept(data)
    except (CorruptImage, NotShown) as error:
        raise InvalidRequest(f"A {role} cannot be used: {error.message}", parameter=parameter) from None
    if accepted.width is None or accepted.height is None or not accepted.whole:
        raise InvalidRequest(
            f"A {role} cannot be used: the image is cut off or damaged.", parameter=parameter
        )
    reference = Reference(
        digest=hashlib.sha256(data).hexdigest(),
        media_type=accepted.media_type,
        width=accepted.width,
        height=accepted.height,
        generation_id=made_by,
    )
    return Input(reference, len(data), data)


def _maker(data: bytes) -> str | None:
    """Return the generation that a saved file names. The store checks that it is one of the user's."""
    found = found_in(metadata_of(io.BytesIO(data)))
    named = None if found is None or found.own is None else found.own.get("generation_id")
    return named if isinstance(named, str) else None


def _encoded(item: Any, role: str, parameter: str) -> bytes:
    """Return the bytes of another object as a file.

    Its methods are tried, so that no library is imported.
    """
    if isinstance(item, bytearray | memoryview):
        return bytes(item)  # pyright: ignore[reportUnknownArgumentType] - of any numbers
    buffer = io.BytesIO()
    try:
        if callable(getattr(item, "savefig", None)):
            item.savefig(buffer, format="png")
        elif callable(getattr(item, "tobytes", None)) and hasattr(item, "dtype"):
            return _of_array(item, role, parameter)
        elif images.is_picture(item):
            return images.picture_png(item)
        elif callable(getattr(item, "save", None)):
            item.save(buffer, format="PNG")
        elif hasattr(item, "__array__"):
            return _of_array(needed("numpy").asarray(item), role, parameter)
        else:
            raise InvalidRequest(
                f"{type(item).__name__} cannot be used as a {role}.",
                parameter=parameter,
                next_step="Give a path, a link, a data URL, bytes, a generation, a batch of one image, a "
                "Pillow image, a NumPy array or a matplotlib figure.",
            )
    except ImgplayError:
        raise
    except _UNWRITTEN as error:
        raise InvalidRequest(
            f"The {role} cannot be written as a PNG: {clean(str(error), MAX_REASON)}.", parameter=parameter
        ) from None
    return buffer.getvalue()


_UNWRITTEN = (
    OSError, TypeError, ValueError, RuntimeError, AttributeError, LookupError, SyntaxError, EOFError,
)  # fmt: skip
"""The errors of objects that cannot be written as an image.

Pillow cannot convert some modes, or cannot read the file of the image any more; the `save` of other objects
may not take a format; and a tensor on a GPU is not an array.
"""


def _of_array(array: Any, role: str, parameter: str) -> bytes:
    shape = tuple(array.shape)
    # The name does not tell the order of the bytes, which `astype` takes care of.
    dtype = str(getattr(array.dtype, "name", array.dtype))
    channels = shape[2] if len(shape) == 3 else 1
    known = dtype in ("uint8", "uint16", "bool") or dtype.startswith("float")
    if len(shape) not in (2, 3) or channels not in _MODES or not known:
        text = " × ".join(str(side) for side in shape)
        raise InvalidRequest(
            f"The {role} is an array of shape {clean(text or '()', MAX_REASON)} and type {dtype}.",
            parameter=parameter,
            next_step="Give height × width × 3 (RGB) or 4 (RGBA), or height × width (grey), as uint8, as "
            "uint16, as floats of 0 to 1, or as True and False.",
        )
    height, width = shape[:2]
    if height < 1 or width < 1:
        raise InvalidRequest(f"The {role} has {width} × {height} pixels.", parameter=parameter)
    if dtype == "bool":
        array = array.astype("uint8") * 255
    elif dtype == "uint16":
        array = (array.astype("float32") / 257 + 0.5).astype("uint8")
    elif dtype != "uint8":
        # A comparison with not-a-number is False, so this form refuses it too. What rounding leaves beyond
        # the ends counts as the end.
        if not (array.min() > -_ROUNDED and array.max() < 1 + _ROUNDED):
            raise InvalidRequest(
                f"The {role} is an array with floats outside of 0 to 1.",
                parameter=parameter,
                next_step="Scale the array, or convert it to uint8.",
            )
        array = (array.clip(0, 1) * 255 + 0.5).astype("uint8")
    return images.png_of(_MODES[channels], (width, height), array.tobytes())


_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""The mode of Pillow for a number of channels."""

_ROUNDED = 0.5 / 255
"""How far a float may lie beyond 0 and 1 and still round to the darkest or brightest of 256 values."""
