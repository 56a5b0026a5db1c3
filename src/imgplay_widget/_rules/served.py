"""Whether the model that answered is the requested one."""

from __future__ import annotations

import re

__all__ = ["is_another"]

_SUFFIX = re.compile(
    r"[-_@.:](?:"
    r"20\d\d-\d\d(?:-\d\d)?"  # gpt-image-2-2026-04-21
    r"|(?:20)?\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])"  # seedream-5-0-260628, -20260628
    r"|\d{3}"  # imagen-4-001
    r"|latest"
    r"|[0-9a-f]{40,64}"  # owner/model:version
    r")"
)
"""The end of a name that tells the date or the version of the same model."""

_ROUTE = re.compile(r":[a-z][a-z-]{0,30}$")
"""The end of a name that tells how a request is routed and not which model it is: ``:free``, ``:fal-ai``."""

_FILE = re.compile(r"\.(?:safetensors|gguf|ckpt)$")
_ALIAS = re.compile(r"ep-\d+-\w+")
"""The id of an endpoint, which stands for any model that its owner chose."""


def is_another(requested: str, served: str) -> bool:
    """Return whether an answer names another model than the request did.

    The same model with a date or a version is not another one, but two different dates are.

    Args:
        requested: the id of the requested model.
        served: the name in the answer.
    """
    asked, answered = _plain(requested), _plain(served)
    if "/" not in asked or "/" not in answered:
        # A gateway may leave out the owner.
        asked, answered = asked.rpartition("/")[2], answered.rpartition("/")[2]
    return not (_ALIAS.fullmatch(asked) or _extends(asked, answered) or _extends(answered, asked))


def _extends(name: str, longer: str) -> bool:
    """Return whether a name is the other name, with or without a suffix."""
    base = name.removesuffix("-latest")
    if not longer.startswith(base):
        return False
    rest = longer[len(base) :]
    return rest == "" or _SUFFIX.fullmatch(rest) is not None


def _plain(name: str) -> str:
    return _FILE.sub("", _ROUTE.sub("", name.casefold().removeprefix("models/")))
