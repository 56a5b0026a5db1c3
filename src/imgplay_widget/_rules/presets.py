"""Presets: a model, its parameters and words that a user keeps under a name.

`lib/presets.ts` joins the words on the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._plain import plain
from imgplay_widget._text import is_clean, shown
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from imgplay_widget._types import JSON

__all__ = [
    "MAX_PRESETS",
    "MAX_PRESET_NAME",
    "MAX_WORDS",
    "Preset",
    "check_preset_name",
    "near_field",
    "preset_of",
    "stored_preset",
    "with_words",
]

MAX_PRESETS = 200
"""The most presets of a user. A page lists all of them."""

MAX_PRESET_NAME = 60
"""The most characters of the name of a preset."""

MAX_WORDS = 2000
"""The most characters of the words before a prompt, and of those after it."""

_CLOSING = frozenset(",.;:!?…)]，。；：！？、）")
"""Signs that stand directly after a word. Words after the prompt that begin with one get no space."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Preset(Mapping[str, Any]):
    """A preset: a model, its parameters, and words around the prompt. It can be read and not changed.

    It is a mapping of these four too, so that ``{**preset, "suffix": "at night"}`` is the next one.

    Attributes:
        model: ``"provider:id"``, or None where the preset only has words.
        params: the parameters that differ from the defaults of the model. None: the parameter is not sent.
        prefix: the words before the prompt, or empty.
        suffix: the words after the prompt, or empty.
    """

    model: str | None = None
    params: Mapping[str, JSON] = field(default_factory=lambda: MappingProxyType({}))
    prefix: str = ""
    suffix: str = ""

    def __getitem__(self, name: str) -> Any:
        """Return the model, the parameters or the words."""
        if name not in FIELDS:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(FIELDS)

    def __len__(self) -> int:
        return len(FIELDS)

    def __repr__(self) -> str:
        return f"Preset({', '.join(f'{name}={value!r}' for name, value in self.as_json().items())})"

    def as_json(self) -> dict[str, JSON]:
        """Return the preset as JSON."""
        return {**self, "params": dict(self.params)}


FIELDS = tuple(one.name for one in fields(Preset))

_APART = {
    "prompt": "The prompt of a request stands between prefix and suffix.",
    "n": "Give the number of images to generate.",
    "references": "Give input images to generate.",
    "mask": "Give the mask to generate.",
    "topic": "Give the topic to generate.",
}
"""What a request has and a preset does not, with the next step."""


def with_words(prompt: Any, prefix: str = "", suffix: str = "") -> Any:
    """Return a prompt with the words of a preset around it, as it is sent, stored and shown.

    The pieces are joined by one space, without the spaces and line ends at their own ends. Words after the
    prompt that begin with a closing sign such as a comma get no space. A prompt without words stays exactly
    as it is, and so does an empty one.

    Args:
        prompt: the prompt. What is not text is returned as it is.
        prefix: the words before it.
        suffix: the words after it.
    """
    before, after = prefix.strip(), suffix.strip()
    if not isinstance(prompt, str) or not prompt.strip() or not (before or after):
        return prompt
    text = " ".join(piece for piece in (before, prompt.strip()) if piece)
    if not after:
        return text
    return f"{text}{after}" if after[0] in _CLOSING else f"{text} {after}"


def check_preset_name(name: object) -> str:
    """Return the name of a preset.

    Raises:
        InvalidRequest: it is not text, or it is empty or too long, or has a sign that a name cannot have.
    """
    if not isinstance(name, str):
        raise InvalidRequest(
            f"{shown(name)} is not the name of a preset.",
            parameter="preset",
            next_step="Give the name as text.",
        )
    if not is_clean(name) or not name.isprintable() or name != name.strip():
        raise InvalidRequest(
            f"A preset cannot have the name {shown(name)}.",
            parameter="preset",
            next_step="Use a name on one line, without control characters and without spaces at its ends.",
        )
    if not 1 <= len(name) <= MAX_PRESET_NAME:
        raise InvalidRequest(
            f"The name of a preset has 1 to {MAX_PRESET_NAME} characters, not {len(name)}.",
            parameter="preset",
            next_step="Choose a shorter name." if name else "Give the preset a name.",
        )
    return name


def preset_of(given: object) -> Preset:
    """Return the preset that a user wrote as a dict. The parameters are not checked.

    Args:
        given: a mapping with ``model``, ``params``, ``prefix`` and ``suffix``, each of which may be missing.
            Other names are parameters.

    Raises:
        InvalidRequest: it is not such a mapping, or holds something that a preset does not have.
    """
    if not isinstance(given, Mapping):
        raise InvalidRequest(
            f"{shown(given)} is not a preset.",
            parameter="preset",
            next_step='Give a dict, such as {"model": "demo:instant", "width": 768, "suffix": "in oil"}.',
        )
    values = dict(cast("Mapping[Any, Any]", given))
    model, prefix, suffix = (values.pop(name, None) for name in ("model", "prefix", "suffix"))
    if model is not None and not isinstance(model, str):
        raise InvalidRequest(f'model={shown(model)} is not text: write "provider:id".', parameter="model")
    params = _params(values)
    words = [_words("prefix", prefix), _words("suffix", suffix)]
    if params and model is None:
        raise InvalidRequest(
            f"The preset has parameters ({shown(', '.join(params))}) and no model.",
            parameter="model",
            next_step='Add a "model", whose parameters they are.',
        )
    if model is None and not any(words):
        raise InvalidRequest(
            "The preset is empty.",
            parameter="preset",
            next_step='Give it a "model", a "prefix" or a "suffix".',
        )
    return Preset(model=model, params=MappingProxyType(params), prefix=words[0], suffix=words[1])


def _params(values: dict[Any, Any]) -> dict[str, Any]:
    """Return the parameters that stand in ``params`` or beside it."""
    inner = values.pop("params", None)
    if inner is not None and not isinstance(inner, Mapping):
        raise InvalidRequest(
            f"params={shown(inner)} is not a dict.",
            parameter="params",
            next_step='Give a dict such as {"width": 1024}.',
        )
    for name in values:
        if name in _APART:
            raise InvalidRequest(
                f"A preset does not have {shown(name)}.", parameter=name, next_step=_APART[name]
            )
    found = dict(cast("Mapping[Any, Any]", inner or {}))
    for name, value in values.items():
        if name in found:
            raise InvalidRequest(
                f"{shown(name)} stands in params and beside it.",
                parameter=str(name),
                next_step="Give it once.",
            )
        found[name] = value
    odd = next((name for name in found if not isinstance(name, str)), None)
    if odd is not None:
        raise InvalidRequest(f"{shown(odd)} is not the name of a parameter.", parameter="params")
    return found


def near_field(name: str) -> str | None:
    """Return the part of a preset that a user may have meant by a name that is no parameter, or None."""
    near = get_close_matches(name.casefold(), FIELDS, n=1, cutoff=0.7)
    return near[0] if near else None


def _words(name: str, text: object) -> str:
    text = plain(text)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise InvalidRequest(f"{name}={shown(text)} is not text.", parameter=name)
    if not is_clean(text):
        raise InvalidRequest(
            f"{name} has a character that cannot be stored: half an emoji, or a control character.",
            parameter=name,
            next_step="Remove the character.",
        )
    if len(text) > MAX_WORDS:
        raise InvalidRequest(f"{name} has {len(text)} characters: {MAX_WORDS} are the most.", parameter=name)
    return text.strip()


def stored_preset(value: JSON) -> Preset | None:
    """Return a stored preset, or None where no version wrote such a value."""
    try:
        return preset_of(value)
    except InvalidRequest:
        return None
