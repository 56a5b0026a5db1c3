"""The texts that a saved image gets: that of A1111, and our recipe as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._rules.embedded.values import CFG, SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LIMITS", "Written", "written"]

LIMITS = (10**9, 24_000, 12_000, 6_000, 2_000, 500)
"""The most characters of each text of a recipe. Where the file has no room, the next limit is tried."""

FORMAT = 1
"""The version of our JSON."""

_NAME = re.compile(r"\w[\w -]{1,60}")
_QUOTED = re.compile(r"[,\n:]")

_OWN = frozenset((*CFG, *SAMPLERS, "negative_prompt", "steps", "seed", "width", "height", "tool"))
"""The parameters that A1111 has names for."""

_PRIVATE = ("path", "request_id")
"""What a file that users pass on does not tell: where this machine keeps the original, and the account."""


@dataclass(frozen=True, slots=True)
class Written:
    """The texts for a file, each of them as long as there is room for.

    Attributes:
        made: the recipe, as JSON.
    """

    made: Mapping[str, Any]

    def recipe(self, most: int) -> str:
        """Return our JSON, with a mark where a text of it was longer than so many characters."""
        shared = {name: _shared(value) for name, value in self.made.items() if name not in _PRIVATE}
        cut = _cut(shared, most)
        if cut != shared:
            cut["shortened"] = True
        return json.dumps({"format": FORMAT, **cut}, ensure_ascii=False)

    def parameters(self, most: int) -> str:
        """Return the text of A1111: the prompt, the negative prompt, and a line of parameters."""
        made: Mapping[str, Any] = _cut(self.made, most)
        width, height = made["width"], made["height"]
        requested: Mapping[str, Any] = _shared(dict(made["requested"]))
        said: dict[str, Any] = {
            "Steps": made["steps"],
            "Sampler": made["sampler"],
            "CFG scale": made["cfg"],
            "Seed": made["seed"],
            "Size": None if width is None or height is None else f"{width}x{height}",
            "Model": made["model"].partition(":")[2],
            "Provider": made["provider"],
        }
        for name, value in requested.items():
            title = name.replace("_", " ").capitalize()
            if name not in _OWN and _NAME.fullmatch(title) and title not in said:
                said[title] = value
        said["Version"] = f"imgplay-widget {made['version']}"
        line = ", ".join(f"{name}: {_quoted(value)}" for name, value in said.items() if value is not None)
        negative = made["negative_prompt"]
        without = f"\nNegative prompt: {negative}" if negative else ""
        return f"{made['prompt']}{without}\n{line}"


def written(made: Mapping[str, Any]) -> Written:
    """Return the texts for a file.

    Args:
        made: the recipe of the image, as JSON.
    """
    return Written(made)


def _quoted(value: Any) -> str:
    """Return a value as A1111 writes it: as JSON where it would be read as several."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if _QUOTED.search(text) else text


def _shared(value: Any) -> Any:
    """Return a part of the recipe without links, which may open what is private."""
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        return {name: item for name, item in named.items() if not _is_link(item)}
    return value


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and value.lower().startswith(("http://", "https://", "data:"))


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= most else value[: most - 1] + "…"
    if isinstance(value, dict):
        return {name: _cut(item, most) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType] - any JSON
    if isinstance(value, list):
        return [_cut(item, most) for item in value]  # pyright: ignore[reportUnknownVariableType] - any JSON
    return value
