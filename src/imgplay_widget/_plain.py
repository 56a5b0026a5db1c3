"""The door for numbers and texts of other packages. What passes it is Python's own, and JSON can hold it."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

__all__ = ["plain", "whole"]


def plain(value: Any) -> Any:
    """Return a number, a text or a truth value of any package as Python's own. Other values pass.

    The value may be a scalar or an array without dimensions, as NumPy, pandas and PyTorch have them. A
    `Decimal` and a `Fraction` become floats. A float of fewer bits than Python's keeps the digits that one
    sees: ``float32(0.1)`` is 0.1.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    with suppress(TypeError, ValueError, OverflowError, RuntimeError, AttributeError):
        if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
            item = value.item()
            if type(item) is float and getattr(value.dtype, "name", "") in ("float16", "float32"):
                return float(str(value))
            return item if type(item) in (bool, int, float, str) else value
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real | Decimal):
            return float(value)
    return value


def whole(value: Any) -> int | None:
    """Return a whole number of any package as an int, or None for anything else, such as 2.0 and True.

    It is for counts, which Python itself does not take as floats either.
    """
    number = plain(value)
    return number if isinstance(number, int) and not isinstance(number, bool) else None
