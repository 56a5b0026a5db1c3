"""Patterns of several prompts: ``a {red|blue} fox``. `lib/variants.ts` reads them on the page."""

from __future__ import annotations

import math
import re
from itertools import pairwise, product

from imgplay_widget._text import shown
from imgplay_widget.errors import InvalidRequest

__all__ = ["MAX_VARIANTS", "variants"]

MAX_VARIANTS = 1000
"""The most prompts of one pattern."""

_MARK = re.compile(r"\\[{}]|[{}|]")
_ESCAPED = re.compile(r"\\([{}])")
_WORD = re.compile(r"\\[A-Za-z]+\*?")
"""A command of LaTeX. Braces after it hold its argument."""

_DATA = re.compile(r"""[{}":\\]|(?:^|[\W_])'""")
"""Braces that hold one of these signs are text, because JSON and LaTeX have the signs in their braces. The
apostrophe of a word such as "fox's" is no such sign."""


def variants(prompt: str) -> list[str]:
    r"""Return the prompts of a pattern, as the page's prompt box reads it.

    ``{red|blue} fox in {snow|rain}`` is a pattern of four prompts; the last choice changes first. A choice
    may be empty, equal choices count once, and a prompt that would be empty is left out.

    Braces without a bar, braces within braces and braces that are not closed stay as they are. So do braces
    with a quotation mark, a colon or a backslash in them, and those directly after a ``\word`` or after a
    brace that is plain text: JSON and LaTeX stay whole. ``\{`` and ``\}`` are always plain braces. Each
    prompt is one request::

        [pg.generate(p, model=m) for p in variants("a {red|blue} fox") for m in ("demo:instant", "demo:slow")]

    Args:
        prompt: the pattern; a text without choices is one prompt.

    Raises:
        InvalidRequest: the pattern has more than 1000 prompts (a ValueError).
    """
    pieces = _pieces(prompt)
    count = math.prod(len(texts) for texts in pieces)
    if count > 1:
        count -= math.prod(sum(not text.strip() for text in texts) for texts in pieces)
    if count > MAX_VARIANTS:
        raise InvalidRequest(
            f"The pattern has {shown(count)} prompts. At most {MAX_VARIANTS} are allowed.",
            parameter="prompt",
            next_step="Write fewer choices in braces.",
        )
    found = ["".join(texts) for texts in product(*pieces)]
    return found if len(found) == 1 else [text for text in found if text.strip()]


def _pieces(prompt: str) -> list[list[str]]:
    """Split a pattern at its choices; each piece is a list of one or several texts to choose from."""
    marks = [mark for mark in _MARK.finditer(prompt) if len(mark[0]) == 1]
    ends = _ends([mark[0] for mark in marks])
    words = {word.end() for word in _WORD.finditer(prompt)}
    found: list[list[str]] = []
    done = at = 0
    # Where the last brace ended that is plain text.
    text_end = -1
    while at < len(marks):
        end = ends.get(at)
        if end is None:
            if marks[at][0] == "}":
                text_end = marks[at].end()
            at += 1
            continue
        cuts = marks[at : end + 1]
        start, last = cuts[0].start(), cuts[-1].end()
        inner = _ESCAPED.sub("_", prompt[start + 1 : last - 1])
        bars = len(cuts) > 2 and _DATA.search(inner) is None
        if bars and start not in words and start != text_end and inner.replace("|", "").strip():
            choices = [prompt[one.end() : next_one.start()] for one, next_one in pairwise(cuts)]
            found += [prompt[done:start]], choices
            done = last
        else:
            text_end = last
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
