"""The door for what a provider says beside its images: clean text of a bounded length, without the key.

An answer is stored, shown, and written into recipes and ZIPs. Only its images and links pass unchanged.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from imgplay_widget._text import MAX_NAME, clean
from imgplay_widget._types import Inline, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imgplay_widget._types import Done, Remote

__all__ = ["MAX_TEXT", "MAX_VALUES", "admit"]

MAX_TEXT = 20_000
"""The most characters of a text, such as a revised prompt."""

MAX_VALUES = 100_000
"""The most characters of all values of an image, or of the figures of a call, as JSON. More are left out."""

T = TypeVar("T")


def admit(done: Done, hide: Callable[[str], str]) -> Done:
    """Return an answer that can be stored, shown and written to files.

    Args:
        done: the answer of a provider.
        hide: returns a text without the provider's key.
    """

    def name(text: str | None) -> str | None:
        return None if text is None else clean(hide(text), MAX_NAME)

    def admitted(image: Inline | Remote | Missing) -> Inline | Remote | Missing:
        if isinstance(image, Missing):
            return image
        image = replace(image, applied=_values(image.applied, hide))
        return replace(image, media_type=name(image.media_type)) if isinstance(image, Inline) else image

    return replace(
        done,
        images=tuple(map(admitted, done.images)),
        cost=name(done.cost),
        request_id=name(done.request_id),
        usage=_values(done.usage, hide),
        served_by=name(done.served_by),
    )


def _values(values: Mapping[str, Any], hide: Callable[[str], str]) -> dict[str, Any]:
    try:
        admitted = {clean(str(name), MAX_NAME): _value(value, hide) for name, value in values.items()}
        return admitted if len(json.dumps(admitted)) <= MAX_VALUES else {}
    except (RecursionError, TypeError, ValueError):
        return {}


def _value(value: T, hide: Callable[[str], str]) -> T | Any:
    if isinstance(value, str):
        return clean(hide(value), MAX_TEXT)
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {clean(str(name), MAX_NAME): _value(item, hide) for name, item in items}
    if isinstance(value, (list, tuple)):
        return [_value(item, hide) for item in cast("list[Any]", value)]
    return value
