"""The door for text and JSON from outside: what passes it can be stored, sent, written to files and shown.

Half an emoji is a lone surrogate, which no file, database or message can encode. A NUL ends a text in some
programs, and other control characters do harm in a terminal. JSON of a hostile sender holds numbers that
overflow in a calculation, and is nested so deeply that a program which walks through it breaks off.
"""

from __future__ import annotations

import math
import re
import reprlib
from decimal import Decimal
from typing import Any

__all__ = [
    "MAX_DEPTH",
    "MAX_ECHO",
    "MAX_MESSAGE",
    "MAX_NAME",
    "MAX_SHOWN",
    "clean",
    "clean_json",
    "is_clean",
    "money",
    "shown",
]

MAX_DEPTH = 100
"""The most levels of lists and objects in JSON. The deepest schemas of providers have about twenty."""

MAX_MESSAGE = 4000
"""The most characters of a message."""

MAX_ECHO = 1000
"""The most characters of an error about what a user gave."""

MAX_NAME = 300
"""The most characters of an id or of another name."""

MAX_SHOWN = 120
"""The most characters of a user's value in an error: it may be a whole image as base64."""

_MANY_BITS = 1000

_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def is_clean(text: str) -> bool:
    """Return whether a text is valid Unicode without control characters (tabs and line ends are fine)."""
    return _BAD.search(text) is None


def clean(text: str, most: int | None = None) -> str:
    """Return a text with U+FFFD for each character that cannot be stored or shown.

    Args:
        text: the text. Two halves of an emoji that stand together become the emoji.
        most: the most characters, or None for any number. A longer text ends with "…".
    """
    if _BAD.search(text) is not None:
        text = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
        text = _BAD.sub("\ufffd", text)
    return text if most is None or len(text) <= most else text[: most - 1] + "…"


def shown(value: object, most: int = MAX_SHOWN) -> str:
    """Return what a user gave as an error shows it: as Python writes it, clean and cut off where it is long.

    Args:
        value: anything.
        most: the most characters.
    """
    if isinstance(value, int) and value.bit_length() > _MANY_BITS:
        # Python refuses to write the longest numbers.
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str | bytes | bytearray):
        return clean(repr(value[:most]), most)
    try:
        # It also writes values whose own `repr` fails.
        return clean(_SHORT.repr(value), most)
    except ValueError:
        return f"<{type(value).__name__}>"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = MAX_SHOWN


def clean_json(value: Any, *, depth: int = MAX_DEPTH) -> Any:
    """Return a JSON value whose texts and names are clean, with None for each number that is none of 64 bits.

    Args:
        value: any JSON.
        depth: the most levels of lists and objects.

    Raises:
        ValueError: there are more levels.
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict | list | tuple) and depth == 0:
        raise ValueError("It is nested too deeply.")
    if isinstance(value, dict):
        return {clean(str(name)): clean_json(item, depth=depth - 1) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
    if isinstance(value, list | tuple):
        return [clean_json(item, depth=depth - 1) for item in value]  # pyright: ignore[reportUnknownVariableType] - any JSON
    return None if isinstance(value, int | float) and not _usable(value) else value


def _usable(number: float) -> bool:
    # The seeds of some servers have all 64 bits.
    return -(2**63) <= number < 2**64 if isinstance(number, int) else math.isfinite(number)


def money(usd: Decimal) -> str:
    """Return an amount as text for people: ``"$0.04"``, with up to four digits after the point."""
    if 0 < usd < Decimal("0.0001"):
        return "<$0.0001"
    digits = f"{usd:.4f}"
    return f"${digits.rstrip('0') if digits[-2:] != '00' else digits[:-2]}"
