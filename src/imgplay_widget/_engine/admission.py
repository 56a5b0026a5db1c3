"""The door for what a provider says beside its images: clean text of a bounded length, without the key.

An answer is stored, shown, and written into recipes and ZIPs. Only its images and links pass unchanged, and a
link that holds the key is stored without the key.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar, cast

from imgplay_widget._text import MAX_MESSAGE, MAX_NAME, clean, clean_json
from imgplay_widget._types import Inline, Missing
from imgplay_widget.errors import BadResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imgplay_widget._types import Done, Remote
    from imgplay_widget.errors import ErrorInfo
    from imgplay_widget.providers.http import Http

__all__ = ["MAX_TEXT", "MAX_VALUES", "admit", "admit_error", "admit_ticket"]

MAX_TEXT = 20_000
"""The most characters of a text, such as a revised prompt."""

MAX_VALUES = 100_000
"""The most characters of all values of an image, or of the figures of a call, as JSON. More are left out."""

MAX_TICKET = 100_000
"""The most characters of a ticket as JSON."""

MOST_DOLLARS = Decimal(10**6)
"""A call that costs more is a wrong figure."""

_WHOLE = 2**63
"""Databases add whole numbers below this one."""

T = TypeVar("T")


def admit(done: Done, http: Http) -> Done:
    """Return an answer that can be stored, shown and written to files.

    Args:
        done: the answer of a provider.
        http: the provider's client, which knows the key.
    """
    hide = http.hide

    def name(text: str | None) -> str | None:
        return None if text is None else clean(hide(text), MAX_NAME)

    def admitted(image: Inline | Remote | Missing) -> Inline | Remote | Missing:
        if isinstance(image, Missing):
            return replace(image, error=admit_error(image.error, http))
        image = replace(image, applied=_values(image.applied, hide))
        return replace(image, media_type=name(image.media_type)) if isinstance(image, Inline) else image

    return replace(
        done,
        images=tuple(map(admitted, done.images)),
        cost=_cost(done.cost),
        request_id=name(done.request_id),
        usage=_values(done.usage, hide),
        served_by=name(done.served_by),
    )


def admit_error(error: ErrorInfo, http: Http) -> ErrorInfo:
    """Return an error without the key. It names the provider."""
    hide, id_ = http.hide, error.request_id
    return replace(
        error,
        message=clean(hide(error.message), MAX_MESSAGE),
        next_step=clean(hide(error.next_step), MAX_MESSAGE),
        request_id=None if id_ is None else clean(hide(id_), MAX_NAME),
        provider=error.provider or http.provider.spec.name,
    )


def admit_ticket(ticket: Mapping[str, Any], http: Http) -> dict[str, Any]:
    """Return the ticket of a job as it can be stored.

    Raises:
        BadResponse: it cannot be stored, because it holds the key or is no JSON of a sensible size.
    """
    try:
        admitted = cast("dict[str, Any]", clean_json(ticket))
        text = json.dumps(admitted, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        text = ""
        admitted = {}
    if not 0 < len(text) <= MAX_TICKET or http.hide(text) != text:
        raise BadResponse(
            "The answer names its job in a way that cannot be stored.", provider=http.provider.spec.name
        )
    return admitted


def _cost(cost: str | None) -> str | None:
    try:
        amount = Decimal(cost or "NaN")
    except InvalidOperation:
        return None
    return cost if amount.is_finite() and 0 <= amount <= MOST_DOLLARS else None


def _values(values: Mapping[str, Any], hide: Callable[[str], str]) -> dict[str, Any]:
    try:
        admitted = {
            clean(hide(str(name)), MAX_NAME): _value(v, hide) for name, v in clean_json(values).items()
        }
        return admitted if len(json.dumps(admitted)) <= MAX_VALUES else {}
    except (RecursionError, TypeError, ValueError):
        return {}


def _value(value: T, hide: Callable[[str], str]) -> T | Any:
    if isinstance(value, str):
        return clean(hide(value), MAX_TEXT)
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {clean(hide(str(name)), MAX_NAME): _value(item, hide) for name, item in items}
    if isinstance(value, (list, tuple)):
        return [_value(item, hide) for item in cast("list[Any]", value)]
    if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        return str(value)
    return value
