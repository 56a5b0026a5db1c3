"""The recipes of files, as the models that are offered here can use them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imgplay_widget import catalog
from imgplay_widget._rules.embedded.values import CFG, SAMPLERS, TOOL
from imgplay_widget._store.imports import PROVIDERS
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._rules.embedded import FileRecipe
    from imgplay_widget._types import ModelSpec, Parameter
    from imgplay_widget.providers.registry import Registry

__all__ = ["UsableRecipe", "usable"]

_ENDING = re.compile(r"\.(safetensors|ckpt|gguf|sft)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableRecipe:
    """What a request can take over from the recipe of a file.

    Attributes:
        model: the model that is offered here, or None where there is none of this name.
        requested: the parameters that the model takes, with values that it allows.
    """

    model: ModelSpec | None = None
    requested: Mapping[str, Any] = field(default_factory=dict[str, Any])


def usable(registry: Registry, found: FileRecipe) -> UsableRecipe:
    """Return what a request can take over from the recipe of a file."""
    model = _model(registry, found)
    if model is None:
        return UsableRecipe()
    said = _said(found)
    taken = {one.name: said[one.name] for one in model.parameters if _takes(model, one, said)}
    by_kind = {one.kind: one.name for one in model.parameters if one.kind is not None}
    by_name = {one.name: one for one in model.parameters}
    for kind in ("seed", "width", "height", "negative_prompt"):
        name = by_kind.get(kind)
        if name is not None and _takes(model, by_name[name], {name: said.get(kind)}):
            taken[name] = said[kind]
    for names, value in ((CFG, found.cfg), (SAMPLERS, found.sampler)):
        name = next((one for one in names if one in by_name), None)
        if name is not None and name not in taken and _takes(model, by_name[name], {name: value}):
            taken[name] = value
    return UsableRecipe(model=model, requested=taken)


def _said(found: FileRecipe) -> dict[str, Any]:
    own = (found.own or {}).get("requested")
    said: dict[str, Any] = {
        "seed": found.seed,
        "width": found.width,
        "height": found.height,
        "steps": found.steps,
        "negative_prompt": found.negative_prompt or None,
    }
    return {**(own if isinstance(own, dict) else {}), **said}


def _takes(model: ModelSpec, parameter: Parameter, said: Mapping[str, Any]) -> bool:
    value = said.get(parameter.name)
    if value is None:
        return False
    try:
        catalog.check_value(parameter, value, model=model.name)
    except InvalidRequest:
        return False
    return True


def _model(registry: Registry, found: FileRecipe) -> ModelSpec | None:
    """Return the model of a recipe: by its full name; of another tool, by the name of its file."""
    wanted = found.model
    if wanted is None:
        return None
    specs = registry.models()
    if found.tool == TOOL:
        return next((spec for spec in specs if spec.name == wanted), None)
    named = _plain(wanted)
    # The last part of an id may say what a model does ("…/upscale/image"). Such a model needs no words.
    alike = [
        spec for spec in specs if spec.prompt == "needed" and named in (_plain(spec.id), _plain(spec.title))
    ]
    own = PROVIDERS.get(found.tool)
    return next((spec for spec in alike if spec.provider == own), alike[0] if alike else None)


def _plain(name: str) -> str:
    return _ENDING.sub("", re.split(r"[/\\]", name)[-1]).casefold()
