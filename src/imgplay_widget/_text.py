"""The door for text from outside: whatever passes it can be stored, sent, written to files and shown.

Half an emoji is a lone surrogate, which no file, database or message can encode. A NUL ends a text in some
programs, and other control characters do harm in a terminal.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["MAX_MESSAGE", "MAX_NAME", "clean", "clean_json", "is_clean"]

MAX_MESSAGE = 4000
"""The most characters of a message."""

MAX_NAME = 300
"""The most characters of an id or of another name."""

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


def clean_json(value: Any) -> Any:
    """Return a JSON value whose texts and names are clean."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(name)): clean_json(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - any JSON
    return value
