"""The texts of InvokeAI: JSON of three ages, and a command line of the first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._rules.embedded.values import json_of, number, parameters_of, table, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read"]

_SWITCH = re.compile(r'"(?P<prompt>.*)"(?P<rest>[^"]*)', re.DOTALL)
_BRACKETS = re.compile(r"\[([^\[\]]+)\]")

_LETTERS = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale", "A": "sampler"}
"""The letters of the first command line, by what they set."""

_NAMED = (
    *(
        "positive_prompt",
        "negative_prompt",
        "positive_conditioning",
        "negative_conditioning",
        "prompt",
        "model",
    ),
    *("seed", "width", "height", "steps", "cfg_scale", "scheduler", "sampler"),
)


def read(texts: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the fields of a `FileRecipe`, or None where there is no text of InvokeAI."""
    for name in ("invokeai_metadata", "invokeai"):
        said = json_of(texts.get(name))
        if said is not None and (said := said if name == "invokeai_metadata" else _node(said)):
            return _fields(said, model=_model(said.get("model")))
    old = json_of(texts.get("sd-metadata"))
    if old is not None:
        image = table(old.get("image"))
        prompt = image.get("prompt")
        if isinstance(prompt, list) and prompt:
            prompt = table(cast("list[Any]", prompt)[0]).get("prompt")
        return _with_brackets(_fields(image | {"prompt": prompt}, model=text(old.get("model_weights"))))
    dream = texts.get("Dream")
    return None if dream is None else _dream(dream)


def _node(said: dict[str, Any]) -> dict[str, Any]:
    """Return the node with the parameters, in the JSON of the first versions with nodes."""
    return table(said.get("node")) or said


def _fields(said: Mapping[str, Any], *, model: str | None) -> dict[str, Any]:
    prompts = (said.get(name) for name in ("positive_prompt", "positive_conditioning", "prompt"))
    negatives = (said.get(name) for name in ("negative_prompt", "negative_conditioning"))
    return {
        "tool": "InvokeAI",
        "prompt": next((one for one in prompts if isinstance(one, str)), ""),
        "negative_prompt": next((one for one in negatives if isinstance(one, str)), ""),
        "model": model,
        "seed": whole(said.get("seed")),
        "width": whole(said.get("width")),
        "height": whole(said.get("height")),
        "steps": whole(said.get("steps")),
        "cfg": number(said.get("cfg_scale")),
        "sampler": text(said.get("scheduler")) or text(said.get("sampler")),
        "parameters": parameters_of(said, without=_NAMED),
    }


def _model(said: Any) -> str | None:
    if isinstance(said, str):
        return said
    # The name stood in another field before version 4.
    return text(table(said).get("name")) or text(table(said).get("model_name"))


def _with_brackets(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with what stands in brackets as the negative prompt, as these versions have it."""
    prompt = fields["prompt"]
    without = ", ".join(part.strip(" ,") for part in _BRACKETS.findall(prompt))
    return fields | {"prompt": _BRACKETS.sub("", prompt).strip(), "negative_prompt": without}


def _dream(said: str) -> dict[str, Any] | None:
    match = _SWITCH.match(said.strip())
    if match is None:
        return None
    found: dict[str, Any] = {"prompt": match["prompt"]}
    words = match["rest"].split()
    for at, word in enumerate(words):
        name = _LETTERS.get(word[1:2]) if word.startswith("-") and not word.startswith("--") else None
        if name is not None:
            found[name] = word[2:] or (words[at + 1] if at + 1 < len(words) else "")
    return _with_brackets(_fields(found, model=None))
