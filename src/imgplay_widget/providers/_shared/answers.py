"""Take images and fields out of an answer, and name the missing images."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._types import Done, Inline, Missing, Remote
from imgplay_widget.errors import BadResponse, CorruptImage, NoImage
from imgplay_widget.providers.http import slice_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import Unit
    from imgplay_widget.providers.http import Body, Http

__all__ = ["collected", "painted", "read_images", "rows", "table", "text"]


def read_images(
    body: Body, content_type: str, http: Http, *, key: bytes = b'"b64_json"'
) -> tuple[list[bytes], dict[str, Any]]:
    """Return the images of a JSON answer, and its fields. Each payload is replaced by the index of its image.

    Args:
        body: the raw JSON.
        content_type: the media type that the answer claims, for the error.
        http: the provider's client.
        key: the quoted name of the fields that hold base64.

    Raises:
        CorruptImage: a payload is not base64.
        BadResponse: the answer is not a JSON object; the message shows its beginning.
    """
    provider = http.provider.spec.name
    try:
        images, answer = slice_images(body, key)
    except binascii.Error:
        raise CorruptImage("The answer's image is not base64.", provider=provider) from None
    except ValueError:
        shown = http.redact(bytes(body[:400]).decode(errors="replace"))[:80]
        raise BadResponse(
            f"The answer is not JSON but {content_type or 'of no stated kind'}: {shown!r}.",
            provider=provider,
        ) from None
    if not isinstance(answer, dict):
        raise BadResponse("The answer is JSON, but not an object.", provider=provider)
    return images, cast("dict[str, Any]", answer)


def painted(item: Mapping[str, Any], images: Sequence[bytes]) -> Inline | Remote | None:
    """Return the image of one entry of an answer: its bytes, else the link in its ``url``, else None.

    Args:
        item: the entry, as `read_images` returned it.
        images: the images that `read_images` took out of the answer.
    """
    index, url = item.get("b64_json"), text(item.get("url"))
    if type(index) is int and images[index]:
        return Inline(data=images[index])
    return Remote(url=url) if url.startswith(("https://", "http://")) else None


def collected(
    found: Sequence[Inline | Remote | Missing],
    unit: Unit,
    http: Http,
    *,
    cost: str | None = None,
    request_id: str | None = None,
    usage: Mapping[str, Any] | None = None,
    served_by: str | None = None,
) -> Done:
    """Return the end of a call: the images, and a reason for each image that is missing.

    Raises:
        NoImage: there is no image at all.
    """
    provider = http.provider.spec.name
    if not found:
        raise NoImage("The answer holds no image.", provider=provider, request_id=request_id)
    absent = NoImage(
        f"Asked for {unit.n} images, the provider gave {len(found)}.",
        provider=provider,
        request_id=request_id,
    ).info
    gaps = [Missing(error=absent)] * max(0, unit.n - len(found))
    return Done(
        images=(*found[: unit.n], *gaps),
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
