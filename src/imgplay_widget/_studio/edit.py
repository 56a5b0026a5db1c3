"""Editing an image: it is the first input image of a new request, which keeps what made the image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget import catalog
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import Entry, Generation, ModelSpec, Parameter

__all__ = ["kept_params"]

EDGES = frozenset({"width", "height"})
"""The kinds of parameters that set the size in pixels."""


def kept_params(
    spec: ModelSpec, entry: Entry, generation: Generation, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameters of a request that edits an image: those of its batch, its seed, the given ones.

    A parameter that the model does not have, or whose value it does not take, gets its default. The size is
    not kept where the model gives an image the size of its first input image.

    Args:
        spec: the model that edits the image.
        entry: the batch of the image.
        generation: the image.
        given: the parameters that the caller gives, which win.
    """
    same = spec.name == f"{entry.batch.provider}:{entry.batch.model}"
    follows = spec.references is not None and spec.references.gives_size
    asked: dict[str, Any] = {name: value for name, value in entry.batch.config.items() if name != "n"}
    kept: dict[str, Any] = {}
    for parameter in spec.parameters:
        if _edge(parameter) and follows:
            continue
        if parameter.name == "seed":
            value = generation.seed
        elif same and not parameter.needs:
            # What the same model had and the request left out was left to the provider.
            value = asked.get(parameter.name)
            if value is None and parameter.name not in asked:
                kept[parameter.name] = None
        else:
            value = asked.get(parameter.name)
        if value is not None and _takes(spec, parameter, value):
            kept[parameter.name] = value
    # One edge of the old size beside another one would be a shape that nobody chose.
    edges = [parameter.name for parameter in spec.parameters if _edge(parameter)]
    if any(name in given or name not in kept for name in edges) or not _fits(spec, kept):
        kept = {name: value for name, value in kept.items() if not _is_edge(spec, name)}
    return {**kept, **given}


def _edge(parameter: Parameter) -> bool:
    return parameter.kind in EDGES or parameter.name in EDGES


def _is_edge(spec: ModelSpec, name: str) -> bool:
    known = spec.parameter(name)
    return known is not None and _edge(known)


def _takes(spec: ModelSpec, parameter: Parameter, value: Any) -> bool:
    try:
        catalog.check_value(parameter, value, model=spec.name)
    except InvalidRequest:
        return False
    return True


def _fits(spec: ModelSpec, values: Mapping[str, Any]) -> bool:
    """Return whether width and height go together."""
    edges = {name: value for name, value in values.items() if _is_edge(spec, name)}
    # Only the size counts here, so no input image is needed.
    alone = replace(spec, references=None, retired_on=None)
    try:
        catalog.make_request(alone, prompt="any", params=edges, partial=True)
    except InvalidRequest:
        return False
    return True
