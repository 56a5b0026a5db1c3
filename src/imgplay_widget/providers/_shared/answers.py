"""Take images and fields out of an answer, and name the missing images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import urljoin

from imgplay_widget._rules.kinds import kind_of
from imgplay_widget._text import clean
from imgplay_widget._types import Done, Inline, Missing, Remote
from imgplay_widget.errors import BadResponse, CorruptImage, NoImage
from imgplay_widget.providers._shared.wire import decode_base64, media_type_of, slice_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from imgplay_widget.providers._shared.wire import Body
    from imgplay_widget.providers.http import Http

__all__ = [
    "Item",
    "beginning",
    "collected",
    "image_of",
    "items_of",
    "link",
    "read_images",
    "rows",
    "table",
    "text",
]

Item: TypeAlias = Inline | Remote | Missing
"""One image of an answer: its bytes, a link to it, or the reason why it is missing."""

_NOT_BASE64 = "The answer's image is not base64."
_LONGEST_LINK = 16_000
"""The most characters of a link. Signed links have some thousand."""
_LOOKED_AT = 400
_SHOWN = 80
"""The characters of an answer that is not understood, which its error shows."""


def read_images(body: Body, content_type: str, http: Http, *, field: str = "b64_json") -> dict[str, Any]:
    """Return the fields of a JSON answer, with decoded bytes in each field that holds an image as base64.

    Args:
        body: the raw JSON.
        content_type: the media type that the answer claims, for the error.
        http: the provider's client.
        field: the name of the fields that hold base64. What is not base64 stays: it may be a link.

    Raises:
        BadResponse: the answer is not a JSON object; the message shows its beginning.
    """
    provider = http.provider.spec.name
    try:
        images, answer = slice_images(body, f'"{field}"'.encode())
    except ValueError:
        kind = http.redact(content_type)[:_SHOWN] or "of no stated kind"
        raise BadResponse(
            f"The answer is not JSON but {kind}: {beginning(body, http)!r}.", provider=provider
        ) from None
    if not isinstance(answer, dict):
        raise BadResponse("The answer is JSON, but not an object.", provider=provider)
    return cast("dict[str, Any]", _with_bytes(answer, field, images) if images else answer)


def beginning(body: Body, http: Http) -> str:
    """Return the first words of a body that is not understood, for its error. They hold no key."""
    head = bytes(body[:_LOOKED_AT])
    return clean(http.redact(head.decode(json.detect_encoding(head), "replace")))[:_SHOWN]


def _with_bytes(value: Any, field: str, images: Sequence[bytes]) -> Any:
    """Return the JSON, in which each index of an image under `field` is replaced by the image."""
    if isinstance(value, dict):
        return {
            name: images[inner] if name == field and type(inner) is int else _with_bytes(inner, field, images)
            for name, inner in cast("dict[str, Any]", value).items()
        }
    if isinstance(value, list):
        return [_with_bytes(inner, field, images) for inner in cast("list[Any]", value)]
    return value


# ------------------------------------------------------------------ one image


def image_of(item: object, field: str = "b64_json", *, base: str = "", **applied: Any) -> Item | None:
    """Return the image of one entry of an answer: what its `field` holds, else what its ``url`` holds.

    Relays send both fields, put a link where base64 belongs, or base64 where a link belongs. All of this is
    read.

    Args:
        item: the entry, as `read_images` returned it; anything else than an object is no image.
        field: the name of the field that holds base64.
        base: the address to which relative links belong; without it there are none.
        applied: what the provider says it used for this image; values of None are left out.

    Returns:
        The image; its error, where the entry holds something that is no image; None where it holds nothing.
    """
    entry = table(item)
    data = entry.get(field)
    found = link(data, **applied)
    if isinstance(found, Missing):
        found = Missing(error=CorruptImage(_NOT_BASE64).info)
    if isinstance(found, Inline) and kind_of(found.data) is not None:
        return found
    # Words such as "null" are base64 too. So bytes of no known kind count only where there is no link.
    other = link(entry.get("url"), base=base, **applied)
    if isinstance(found, Remote) or other is None or (found and isinstance(other, Missing)):
        return found
    return other


def items_of(answer: Mapping[str, Any], field: str = "data") -> list[Any]:
    """Return the entries of an answer that has the form of the Images API.

    The last event of a stream is one entry without a list around it, and a gateway may send it as the whole
    answer.
    """
    listed = answer.get(field)
    if isinstance(listed, dict):
        return [cast("dict[str, Any]", listed)]
    return rows(listed) or ([answer] if answer.get("b64_json") or answer.get("url") else [])


def link(url: object, *, base: str = "", **applied: Any) -> Item | None:
    """Return the image that a value of an answer stands for: a link, a ``data:`` address, or base64.

    Args:
        url: the value; anything but a text or bytes is no image.
        base: the address to which a relative link belongs; without it, a relative link is an error.
        applied: what the provider says it used for this image; values of None are left out.

    Returns:
        The image; its error, where the text is none of the three; None where there is no text.
    """
    used = {name: value for name, value in applied.items() if value is not None}
    if isinstance(url, bytes):
        return Inline(data=url, applied=used) if url else None
    said = text(url).strip()
    if not said:
        return None
    if said[:8].lower().startswith(("https://", "http://")):
        return _remote(said, used)
    try:
        data = decode_base64(said)
    except ValueError:
        data = b""
    # Without a prefix, a path such as "images/1" could be base64 too.
    if data and (said[:5].lower() == "data:" or kind_of(data) is not None):
        return Inline(data=data, applied=used, media_type=media_type_of(said))
    if base and len(said) <= _LONGEST_LINK and "://" not in said and said[:5].lower() != "data:":
        try:
            return _remote(urljoin(base, said), used)
        except ValueError:
            pass
    return Missing(error=BadResponse("The link to the image is not an http address.").info)


def _remote(url: str, applied: Mapping[str, Any]) -> Item:
    if len(url) > _LONGEST_LINK:
        return Missing(error=BadResponse("The link to the image is too long.").info)
    return Remote(url=url, applied=applied)


# ------------------------------------------------------------------ the end of a call


def collected(
    found: Iterable[Item | None],
    n: int,
    http: Http,
    *,
    cost: str | None = None,
    request_id: str | None = None,
    usage: Mapping[str, Any] | None = None,
    served_by: str | None = None,
) -> Done:
    """Return the end of a call: the images, and a reason for each image that is missing.

    Args:
        found: the images of the answer, in their order; None for an entry that holds no image.
        n: the number of images that the call asked for.
        http: the provider's client.
        cost: what the call cost, in USD as a decimal string, or None.
        request_id: the provider's own id of the call, or None.
        usage: the provider's own figures.
        served_by: the model that answered, or an empty text.

    Raises:
        NoImage: there is no image at all.
        CorruptImage: not one of the images is base64.
    """
    provider = http.provider.spec.name
    images = [item for item in found if item is not None]
    if not images:
        raise NoImage("The answer holds no image.", provider=provider, request_id=request_id)
    if all(isinstance(item, Missing) and item.error.code == CorruptImage.code for item in images):
        raise CorruptImage(_NOT_BASE64, provider=provider, request_id=request_id)
    absent = NoImage(
        f"Asked for {n} images, the provider gave {len(images)}.",
        provider=provider,
        request_id=request_id,
    ).info
    gaps = [Missing(error=absent)] * max(0, n - len(images))
    return Done(
        images=(*images[:n], *gaps),
        cost=cost,
        request_id=request_id,
        usage=usage or {},
        served_by=served_by or None,
    )


def table(value: object) -> dict[str, Any]:
    """Return a JSON object as it is, and an empty one for any other value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def rows(value: object) -> list[Any]:
    """Return a JSON array as it is, and an empty one for any other value."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def text(value: object) -> str:
    """Return a string as it is, and an empty one for any other value."""
    return value if isinstance(value, str) else ""
