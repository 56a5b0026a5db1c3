"""Scores and tags: what their names and values may be, and how many of them one image may have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from imgplay_widget._plain import plain
from imgplay_widget._text import is_clean, shown
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["LONGEST_NAME", "MOST", "check_count", "check_name", "check_score"]

LONGEST_NAME = 64
"""The most characters of the name of a score, and of a tag."""

MOST = 64
"""The most scores of one image, and the most tags."""


def check_name(name: object, parameter: str) -> str:
    """Return a name that can be stored, shown and searched.

    Args:
        name: the name of a score, or a tag.
        parameter: ``"scores"`` or ``"tags"``, for the message.

    Raises:
        InvalidRequest: the name is not a text of 1 to 64 characters on one line, without control characters
            and without white space at its ends.
    """
    if not isinstance(name, str):
        raise _refused(f"{shown(name, 60)} is not text", parameter)
    if not name or name != name.strip():
        raise _refused(f"{shown(name, 60)} is empty, or has white space at an end", parameter)
    if len(name) > LONGEST_NAME:
        raise _refused(f"{shown(name, 60)} has {len(name)} characters", parameter)
    if not is_clean(name) or len(name.splitlines()) > 1 or "\t" in name:
        raise _refused(f"{shown(name, 60)} has a control character, a line end or half an emoji", parameter)
    return name


def check_score(name: str, value: Any) -> float:
    """Return the value of a score as a float. Numbers of other libraries, such as NumPy, are taken too.

    Raises:
        InvalidRequest: the value is not a finite number.
    """
    try:
        value = plain(value)
        number = math.nan if isinstance(value, bool | str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidRequest(
            f"The score {shown(name)} is {shown(value)}, which is not a finite number.",
            parameter="scores",
            next_step="Give a number such as 0.31, or None to remove the score. Nothing was stored.",
        )
    return number


def check_count(names: Collection[str], parameter: str) -> None:
    """Refuse more scores or tags than one image may have.

    Raises:
        InvalidRequest: there are too many.
    """
    if len(names) > MOST:
        raise InvalidRequest(
            f"An image would have {len(names)} {parameter}: {MOST} are the most.",
            parameter=parameter,
            next_step="Remove some of them first. Nothing was stored.",
        )


def _refused(what: str, parameter: str) -> InvalidRequest:
    one = "The name of a score" if parameter == "scores" else "A tag"
    return InvalidRequest(
        f"{what}. {one} has 1 to {LONGEST_NAME} characters on one line.",
        parameter=parameter,
        next_step="Correct the name and call again. Nothing was stored.",
    )
