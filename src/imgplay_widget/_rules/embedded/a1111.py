"""The text of A1111 and of its relatives: the prompt, the negative prompt, and a line of parameters."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from imgplay_widget._rules.embedded.metadata import PARAMETERS
from imgplay_widget._rules.embedded.values import MAX_NAME, number, parameters_of, text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read"]

_KEY = re.compile(r"\w[\w \-/]{0,63}")
_SIZE = re.compile(r"(\d{1,6})x(\d{1,6})")
_FORGE = re.compile(r"f\d|forge", re.IGNORECASE)
_NEGATIVE = "Negative prompt:"

FEWEST = 3
"""The fewest parameters of the last line. A1111 takes a line with fewer of them for words of the prompt."""

LAST_LINES = 20
"""The number of last lines among which the parameters are looked for: some extensions write more below."""

_NAMED = ("Steps", "Sampler", "CFG scale", "Seed", "Size", "Model")


def read(texts: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the fields of a `FileRecipe`, or None where there is no such text."""
    said = texts.get(PARAMETERS, "").strip()
    lines = said.split("\n")
    found: dict[str, str] = {}
    end = len(lines)
    for at in range(len(lines) - 1, max(-1, len(lines) - 1 - LAST_LINES), -1):
        found = dict(_pairs(lines[at]))
        if len(found) >= FEWEST and (at == len(lines) - 1 or "Steps" in found):
            end = at
            break
        found = {}
    if not found:
        return None
    prompt: list[str] = []
    negative: list[str] = []
    into = prompt
    for line in lines[:end]:
        own = line.strip()
        if own.startswith(_NEGATIVE):
            into, own = negative, own.removeprefix(_NEGATIVE).strip()
        into.append(own)
    size = _SIZE.fullmatch(found.get("Size", ""))
    return {
        "tool": _tool(found),
        "prompt": "\n".join(prompt),
        "negative_prompt": "\n".join(negative),
        "model": text(found.get("Model")),
        "seed": whole(found.get("Seed")),
        "width": int(size[1]) if size else None,
        "height": int(size[2]) if size else None,
        "steps": whole(found.get("Steps")),
        "cfg": number(found.get("CFG scale")),
        "sampler": text(found.get("Sampler")),
        "parameters": parameters_of(found, without=_NAMED),
    }


def _tool(found: Mapping[str, str]) -> str:
    version = found.get("Version", "")
    if version.startswith("imgplay-widget"):
        return "imgplay-widget"
    return "Forge" if _FORGE.match(version) else "AUTOMATIC1111"


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a line, in a time that grows as the line does."""
    at, colon = 0, -1
    while at < len(line):
        if colon < at:
            colon = line.find(":", at)
        if colon < 0:
            return
        comma = line.find(",", at, colon)
        if comma >= 0:
            # Words without a value.
            at = comma + 1
            continue
        name = line[at:colon].strip() if colon - at <= 2 * MAX_NAME else ""
        at = colon + 1
        while at < len(line) and line[at] == " ":
            at += 1
        value, at = _value(line, at)
        if _KEY.fullmatch(name):
            yield name, value


def _value(line: str, at: int) -> tuple[str, int]:
    """Return the value at a place, and the place after it and its comma."""
    if line[at : at + 1] in ('"', "[", "{"):
        try:
            found, end = _DECODER.raw_decode(line, at)
        except (ValueError, RecursionError):
            pass
        else:
            comma = line.find(",", end)
            after = len(line) if comma < 0 else comma + 1
            return found if isinstance(found, str) else line[at:end], after
    comma = line.find(",", at)
    end = len(line) if comma < 0 else comma
    return line[at:end].strip(), end + 1


_DECODER = json.JSONDecoder(strict=False)
