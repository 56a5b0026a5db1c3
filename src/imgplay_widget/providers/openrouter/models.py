"""Turn OpenRouter's own list of image models into `ModelSpec`s."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from imgplay_widget import catalog
from imgplay_widget._types import ModelSpec, Parameter, ReferenceRule
from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers._shared.listed import makes_images

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MAX_REFERENCE", "general_model", "listed_model"]

MAX_REFERENCE = 15_000_000
"""The most bytes of a reference. OpenRouter names no limit; references travel in the JSON of the request."""
_NOT_PARAMETERS = ("model", "prompt", "n", "input_references", "stream", "provider")
_UNKEPT = ("svg",)
"""Formats that are not raster images."""


def general_model(provider: str, id: str) -> ModelSpec:
    """Return a model that nobody described: it takes all parameters of the call, without defaults.

    Args:
        provider: the provider's name.
        id: ``"author/slug"``.
    """
    names = ("aspect_ratio", "resolution", "quality", "background", "output_format")
    return ModelSpec(
        provider=provider,
        id=id,
        title=id,
        parameters=tuple(_known()[name] for name in names),
        references=ReferenceRule(max_count=16, max_bytes=MAX_REFERENCE),
    )


def listed_model(provider: str, record: Mapping[str, Any]) -> ModelSpec | None:
    """Return the model of a record, with exactly the parameters that the record names.

    Args:
        provider: the provider's name.
        record: an item of ``GET /images/models``.

    Returns:
        None if the record names no model, or a model whose images are not raster images.
    """
    id_ = text(record.get("id"))
    if not id_ or makes_images(record) is False:
        return None
    described = table(record.get("supported_parameters"))
    if _values(described, "output_format") == list(_UNKEPT):
        return None
    parameters = tuple(_parameters(described))
    least, count = (_bound(described, "input_references", end) for end in ("min", "max"))
    return ModelSpec(
        provider=provider,
        id=id_,
        title=text(record.get("name")) or id_,
        description=text(record.get("description"))[:300],
        parameters=parameters,
        native_n=max(1, min(10, _bound(described, "n", "max"))),
        seed="best_effort" if any(p.kind == "seed" for p in parameters) else "none",
        references=(
            ReferenceRule(max_count=count, max_bytes=MAX_REFERENCE, min_count=max(0, least))
            if count > 0
            else None
        ),
        previews=record.get("supports_streaming") is True,
    )


def _parameters(described: Mapping[str, Any]) -> Iterator[Parameter]:
    # In the order of our own file, so that forms look alike. Unknown parameters come last.
    known = _known()
    names = [name for name in known if name in described] + [name for name in described if name not in known]
    for name in names:
        if name in _NOT_PARAMETERS:
            continue
        descriptor = table(described[name])
        base = known.get(name)
        match descriptor.get("type"):
            case "enum":
                choices = [value for value in _values(described, name) if value not in _UNKEPT]
                if choices:
                    yield _choice(name, tuple(choices), base)
            case "range":
                low, high = _bound(described, name, "min"), _bound(described, name, "max")
                if high > low:
                    yield _number(name, low, high, base)
            case "boolean" if base is not None:
                # The record says "supported" but names no values; the values of the call are known here.
                yield base
            case _:
                pass


def _choice(name: str, choices: tuple[str, ...], base: Parameter | None) -> Parameter:
    if base is not None and base.type == "string":
        return replace(base, choices=choices)
    return Parameter(name=name, type="string", title=_title(name), choices=choices, advanced=True)


def _number(name: str, low: int, high: int, base: Parameter | None) -> Parameter:
    if base is not None and base.type == "integer":
        return replace(base, minimum=low, maximum=high)
    return Parameter(
        name=name,
        type="integer",
        title=_title(name),
        minimum=low,
        maximum=high,
        step=1,
        advanced=True,
    )


def _values(described: Mapping[str, Any], name: str) -> list[str]:
    return [v for v in rows(table(described.get(name)).get("values")) if isinstance(v, str) and v]


def _bound(described: Mapping[str, Any], name: str, end: str) -> int:
    value = table(described.get(name)).get(end)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


@cache
def _known() -> dict[str, Parameter]:
    """Return the parameters of the catalog file, each as wide as the call allows."""
    found: dict[str, Parameter] = {}
    for model in catalog.load("openrouter"):
        for parameter in model.parameters:
            found.setdefault(parameter.name, parameter)
    found["resolution"] = replace(found["resolution"], choices=("512", "1K", "2K", "4K"))
    return found
