"""What providers do alike with an answer: take images and fields out of it, and name what is missing."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._types import Done, Missing
from imgplay_widget.errors import BadResponse, CorruptImage, NoImage
from imgplay_widget.providers.http import slice_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import Inline, Remote, Unit
    from imgplay_widget.providers.http import Body, Http

__all__ = ["collected", "read_images", "rows", "table", "text"]


def read_images(
    body: Body, content_type: str, http: Http, *, key: bytes = b'"b64_json"'
) -> tuple[list[bytes], dict[str, Any]]:
    """Gives the images of a JSON answer, and its fields, in which each payload is the index of its image.

    Args:
        body: the raw JSON.
        content_type: what the answer calls itself, for the error.
        http: whose provider is named, and who takes keys out of what is shown.
        key: the quoted name of the fields that hold base64.

    Raises:
        CorruptImage: a payload is not base64.
        BadResponse: it is not a JSON object; shows its beginning.
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


def collected(
    found: Sequence[Inline | Remote | Missing],
    unit: Unit,
    http: Http,
    *,
    cost: str | None = None,
    request_id: str | None = None,
    usage: Mapping[str, Any] | None = None,
) -> Done:
    """Gives the end of a call: what was found, and a named gap for each place that stayed empty.

    Raises:
        NoImage: nothing was found.
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
    return Done(images=(*found[: unit.n], *gaps), cost=cost, request_id=request_id, usage=usage or {})


def table(value: object) -> dict[str, Any]:
    """Gives the JSON object, or an empty one where it is something else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def rows(value: object) -> list[Any]:
    """Gives the JSON array, or an empty one where it is something else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def text(value: object) -> str:
    """Gives the string, or an empty one where it is something else."""
    return value if isinstance(value, str) else ""
