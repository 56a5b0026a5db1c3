"""The reader of the catalog files.

A file holds shared parameters, and models that name them. The key of a parameter is also its name, unless the
parameter has a ``name``::

    [parameters.width]
    type = "integer"
    kind = "width"
    title = "Width"

    [[models]]
    id = "instant"
    title = "Instant"
    parameters = ["width"]
"""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, get_args

from imgplay_widget._types import ModelSpec, Parameter, ParameterKind, Price, ReferenceRule, SizeRule
from imgplay_widget.catalog._request import check_value
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CatalogError", "check_parameter", "load", "parse"]


_KINDS: tuple[str, ...] = get_args(ParameterKind)


class CatalogError(ValueError):
    """A catalog file is wrong. The message names the file and the field."""


@cache
def load(provider: str) -> tuple[ModelSpec, ...]:
    """Return the models that the package ships for a provider.

    Args:
        provider: the provider's name; its file is ``<provider>.toml``.

    Raises:
        CatalogError: the file does not exist, or is wrong.
    """
    file = files("imgplay_widget.catalog") / f"{provider}.toml"
    if not file.is_file():
        raise CatalogError(f"There is no catalog file {provider}.toml.")
    return parse(file.read_text(encoding="utf-8"), provider=provider, file=f"{provider}.toml")


def parse(text: str, *, provider: str, file: str) -> tuple[ModelSpec, ...]:
    """Return the models of a catalog file, also for plug-ins that ship their models as data.

    Args:
        text: TOML, as the docstring of this module describes it.
        provider: the name of the provider that has the models.
        file: the name of the file in errors.

    Raises:
        CatalogError: the text is wrong; the message names the file and the field.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{file} is not TOML: {error}.") from error
    _only(data, ("parameters", "models"), f"{file}")
    shared = {
        key: _parameter(key, table, f"{file}: parameters.{key}")
        for key, table in data.get("parameters", {}).items()
    }
    models = tuple(_model(table, shared, provider, file) for table in data.get("models", ()))
    seen: set[str] = set()
    for model in models:
        if model.id in seen:
            raise CatalogError(f"{file}: the model {model.id!r} is listed twice.")
        seen.add(model.id)
    return models


def _parameter(key: str, table: Mapping[str, Any], where: str) -> Parameter:
    values = {"name": key, **table}
    if "choices" in values:
        values["choices"] = tuple(values["choices"])
    parameter: Parameter = _build(Parameter, values, where)
    check_parameter(parameter, where)
    return parameter


def check_parameter(parameter: Parameter, where: str) -> None:
    """Check the type and the kind of a parameter, and that its range, step and default agree with each other.

    Args:
        parameter: the parameter.
        where: the name of the parameter in errors.

    Raises:
        CatalogError: one of these is wrong; the message names the field.
    """
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if parameter.type not in ("integer", "number", "string", "boolean"):
        raise CatalogError(
            f"{where}: type {parameter.type!r} is not one of integer, number, string, boolean."
        )
    if parameter.kind is not None and parameter.kind not in _KINDS:
        near = get_close_matches(str(parameter.kind), _KINDS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise CatalogError(
            f"{where}: kind {parameter.kind!r} is not one of {', '.join(_KINDS)}.{hint} "
            "A parameter without such a meaning has no kind."
        )
    if low is not None and high is not None and low > high:
        raise CatalogError(f"{where}: minimum {low} is above maximum {high}.")
    if step is not None:
        if step <= 0:
            raise CatalogError(f"{where}: step {step} is not above 0.")
        if low is not None and abs(low / step - round(low / step)) > 1e-9:
            raise CatalogError(f"{where}: minimum {low} is not a multiple of step {step}.")
    if parameter.default is not None:
        try:
            check_value(parameter, parameter.default, model=where)
        except InvalidRequest as error:
            raise CatalogError(f"{where}: default: {error.message}") from error


def _model(table: Mapping[str, Any], shared: Mapping[str, Parameter], provider: str, file: str) -> ModelSpec:
    where = f"{file}: models.{table.get('id', '?')}"
    values = dict(table)
    names: list[str] = values.get("parameters", [])
    missing = [name for name in names if name not in shared]
    if missing:
        raise CatalogError(f"{where}: parameters: {missing[0]!r} is not in [parameters].")
    values["parameters"] = tuple(shared[name] for name in names)
    own = [parameter.name for parameter in values["parameters"]]
    if len(set(own)) != len(own):
        raise CatalogError(f"{where}: parameters: a name is listed twice.")
    if "size_rule" in values:
        values["size_rule"] = _build(SizeRule, values["size_rule"], f"{where}.size_rule")
    if "references" in values:
        rule = dict(values["references"])
        if "media_types" in rule:
            rule["media_types"] = tuple(rule["media_types"])
        values["references"] = _build(ReferenceRule, rule, f"{where}.references")
    if "price" in values:
        values["price"] = _build(Price, values["price"], f"{where}.price")
    if "deadline" in values:
        values["deadline"] = float(values["deadline"])
    if "provider" in values:
        raise CatalogError(f"{where}: provider: leave it out; the name of the file is the provider.")
    values["provider"] = provider
    return _build(ModelSpec, values, where)


def _build(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    known = fields(kind)
    _only(values, [field.name for field in known], where)
    for field in known:
        needed = field.default is MISSING and field.default_factory is MISSING
        if needed and field.name not in values:
            raise CatalogError(f"{where}: {field.name} is missing.")
    return kind(**values)


def _only(values: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    names = list(known)
    for name in values:
        if name not in names:
            raise CatalogError(f"{where}: unknown field {name!r}. The fields are {', '.join(names)}.")
