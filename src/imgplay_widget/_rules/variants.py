"""Patterns of several prompts: ``a {red|blue} fox``. `lib/variants.ts` reads them on the page."""

from __future__ import annotations

import math
import re
from itertools import pairwise, product

from imgplay_widget.errors import InvalidRequest

__all__ = ["MAX_VARIANTS", "variants"]

MAX_VARIANTS = 1000
"""The most prompts of one pattern."""

_MARK = re.compile(r"\\[{}]|[{}|]")
_ESCAPED = re.compile(r"\\([{}])")


def variants(prompt: str) -> list[str]:
    r"""Return the prompts of a pattern, as the page's prompt box reads it.

    ``{red|blue} fox in {snow|rain}`` is a pattern of four prompts; the last choice changes first. A choice
    may be empty, and equal choices count once. Braces without a bar, braces within braces and braces that are
    not closed stay as they are. ``\{`` and ``\}`` are always plain braces. Each prompt is one request::

        [pg.generate(p, model=m) for p in variants("a {red|blue} fox") for m in ("demo:instant", "demo:slow")]

    Args:
        prompt: the pattern; a text without choices is one prompt.

    Raises:
        InvalidRequest: the pattern has more than 1000 prompts (a ValueError).
    """
    pieces = _pieces(prompt)
    count = math.prod(len(texts) for texts in pieces)
    if count > MAX_VARIANTS:
        raise InvalidRequest(
            f"The pattern has {count} prompts. At most {MAX_VARIANTS} are allowed.",
            parameter="prompt",
            next_step="Write fewer choices in braces.",
        )
    return ["".join(texts) for texts in product(*pieces)]


def _pieces(prompt: str) -> list[list[str]]:
    """Split a pattern at its choices; each piece is a list of one or several texts to choose from."""
    marks = [mark for mark in _MARK.finditer(prompt) if len(mark[0]) == 1]
    ends = _ends([mark[0] for mark in marks])
    found: list[list[str]] = []
    done = at = 0
    while at < len(marks):
        end = ends.get(at)
        if end is None:
            at += 1
            continue
        cuts = marks[at : end + 1]
        if len(cuts) > 2 and all(mark[0] == "|" for mark in cuts[1:-1]):
            found.append([prompt[done : cuts[0].start()]])
            found.append([prompt[one.end() : next_one.start()] for one, next_one in pairwise(cuts)])
            done = cuts[-1].end()
        # Braces that contain braces stay as they are, and so do the inner ones.
        at = end + 1
    found.append([prompt[done:]])
    return [list(dict.fromkeys(_ESCAPED.sub(r"\1", text) for text in texts)) for texts in found]


def _ends(signs: list[str]) -> dict[int, int]:
    """Return, for the index of each brace that is closed, the index of the brace that closes it."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for index, sign in enumerate(signs):
        if sign == "{":
            opened.append(index)
        elif sign == "}" and opened:
            ends[opened.pop()] = index
    return ends
