"""Prompts that are written as one: ``a {red|blue} fox``. Read on the page by `lib/variants.ts` too. Pure."""

from __future__ import annotations

import math
import re
from itertools import pairwise, product

from imgplay_widget.errors import InvalidRequest

__all__ = ["MAX_VARIANTS", "variants"]

MAX_VARIANTS = 1000
"""The most prompts that one pattern may stand for."""

_MARK = re.compile(r"\\[{}]|[{}|]")
_ESCAPED = re.compile(r"\\([{}])")


def variants(prompt: str) -> list[str]:
    r"""Gives the prompts that a pattern stands for, as the page's prompt box reads it.

    ``{red|blue} fox in {snow|rain}`` are four prompts, the last choice changing first. A choice may be empty,
    and one that is there twice counts once. Braces without a bar, braces in braces and those that are not
    closed stay as they are; ``\{`` and ``\}`` are braces and nothing else. Each prompt is one request::

        [pg.generate(p, model=m) for p in variants("a {red|blue} fox") for m in ("demo:instant", "demo:slow")]

    Args:
        prompt: the pattern; without choices it stands for itself.

    Raises:
        InvalidRequest: it stands for more than 1000 prompts (a ValueError).
    """
    pieces = _pieces(prompt)
    count = math.prod(len(texts) for texts in pieces)
    if count > MAX_VARIANTS:
        raise InvalidRequest(
            f"The pattern stands for {count} prompts: {MAX_VARIANTS} at most.",
            parameter="prompt",
            next_step="Give it fewer choices.",
        )
    return ["".join(texts) for texts in product(*pieces)]


def _pieces(prompt: str) -> list[list[str]]:
    """Parts the pattern where there is a choice: each piece has the texts to choose from, one or several."""
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
        # What has braces in it stays as it is, and so do those.
        at = end + 1
    found.append([prompt[done:]])
    return [list(dict.fromkeys(_ESCAPED.sub(r"\1", text) for text in texts)) for texts in found]


def _ends(signs: list[str]) -> dict[int, int]:
    """Gives for each brace that is closed the place of the one that closes it."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for place, sign in enumerate(signs):
        if sign == "{":
            opened.append(place)
        elif sign == "}" and opened:
            ends[opened.pop()] = place
    return ends
