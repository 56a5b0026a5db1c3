"""Values of other tools, which write numbers as texts and texts as numbers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._text import clean_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "CFG",
    "MAX_NAME",
    "SAMPLERS",
    "TOOL",
    "json_of",
    "number",
    "parameters_of",
    "table",
    "text",
    "whole",
]

TOOL = "imgplay-widget"
"""The name of this package as a tool."""

CFG = ("cfg", "cfg_scale", "guidance_scale", "guidance")
SAMPLERS = ("sampler", "sampler_name", "scheduler")
"""The names that models give to two parameters, the likeliest first."""

MAX_NAME, MAX_VALUE, MOST = 64, 4000, 100
"""The most characters of the name and of the value of a parameter, and the most parameters of a recipe."""


def json_of(said: str | None) -> dict[str, Any] | None:
    """Return a text as a JSON object that is clean and not too deep, or None."""
    if said is None or not said.lstrip().startswith("{"):
        return None
    try:
        found = clean_json(json.loads(said))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def table(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one for any other value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """Return a text, also of a number, or None where the value is neither or is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value) or None


def whole(value: object) -> int | None:
    """Return a whole number of 64 bits, also of a text, or None where the value is none."""
    found = number(value)
    if found is None:
        return None
    try:
        exact = int(value) if isinstance(value, str | int) else int(found)
    except ValueError:
        exact = int(found)
    return exact if -(2**63) <= exact < 2**64 else None


def number(value: object) -> float | None:
    """Return a number, also of a text, or None where the value is none or is not finite."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value[:MAX_NAME] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def parameters_of(said: Mapping[str, Any], *, without: Collection[str] = ()) -> dict[str, str]:
    """Return parameters as text, without those that have fields of their own."""
    found: dict[str, str] = {}
    for name, value in said.items():
        if name in without or value is None or value == "" or len(name) > MAX_NAME:
            continue
        as_text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(as_text) <= MAX_VALUE and len(found) < MOST:
            found[name] = as_text
    return found
