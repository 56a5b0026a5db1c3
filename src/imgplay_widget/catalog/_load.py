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
    price = "by_size"

A price is one of ``[prices]``, or a table of its own. What it leaves out comes from ``[price_list]``, which
names the page and the day of all prices of the file. A tier leaves out what it shares with the price::

    [price_list]
    source = "https://cloud.example/pricing"
    day = "2026-11-30"

    [prices.by_size]
    amount = "0.04"
    unit = "image"
    tiers = [{ when = { resolution = ["4K"] }, amount = "0.08" }]
"""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, get_args

from imgplay_widget._types import (
    SIDES,
    Ability,
    ModelSpec,
    Parameter,
    ParameterKind,
    Price,
    Rate,
    ReferenceRule,
    SizeRule,
    Tier,
)
from imgplay_widget.catalog._request import check_value
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "CatalogError",
    "build",
    "check_parameter",
    "check_price",
    "load",
    "models_of",
    "parse",
    "tables_of",
]


_KINDS: tuple[str, ...] = get_args(ParameterKind)
_ABILITIES: tuple[str, ...] = get_args(Ability)
_PROMPTS = ("needed", "optional", "none")


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
    data = tables_of(text, file)
    _only(data, ("parameters", "price_list", "prices", "models"), f"{file}")
    return models_of(data, provider=provider, file=file)


def tables_of(text: str, file: str) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Args:
        text: the content of the file.
        file: the name of the file in errors.

    Raises:
        CatalogError: the text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{file} is not TOML: {error}.") from error


def models_of(data: Mapping[str, Any], *, provider: str, file: str) -> tuple[ModelSpec, ...]:
    """Return the models of the tables that a catalog file holds.

    Args:
        data: the tables, as the docstring of this module describes them.
        provider: the name of the provider that has the models.
        file: the name of the file in errors.

    Raises:
        CatalogError: a table is wrong; the message names the file and the field.
    """
    shared = {
        key: _parameter(key, table, f"{file}: parameters.{key}")
        for key, table in data.get("parameters", {}).items()
    }
    listed = data.get("price_list", {})
    prices = {
        key: _price({**listed, **table}, f"{file}: prices.{key}")
        for key, table in data.get("prices", {}).items()
    }
    models = tuple(
        _model(_with_price(table, prices, listed, file), shared, provider, file)
        for table in data.get("models", ())
    )
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
    parameter: Parameter = build(Parameter, values, where)
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
        values["size_rule"] = build(SizeRule, values["size_rule"], f"{where}.size_rule")
    if "references" in values:
        rule = dict(values["references"])
        if "media_types" in rule:
            rule["media_types"] = tuple(rule["media_types"])
        values["references"] = build(ReferenceRule, rule, f"{where}.references")
    if "does" in values:
        values["does"] = tuple(values["does"])
    if "deadline" in values:
        values["deadline"] = float(values["deadline"])
    if "provider" in values:
        raise CatalogError(f"{where}: provider: leave it out; the name of the file is the provider.")
    values["provider"] = provider
    spec: ModelSpec = build(ModelSpec, values, where)
    _check_use(spec, where)
    if spec.price is not None:
        check_price(spec.price, spec.parameters, f"{where}.price")
    return spec


def _check_use(spec: ModelSpec, where: str) -> None:
    """Check that the other fields of a model allow what it is for."""
    if spec.prompt not in _PROMPTS:
        raise CatalogError(f"{where}: prompt {spec.prompt!r} is not one of {', '.join(_PROMPTS)}.")
    if spec.prompt == "none" and spec.max_prompt is not None:
        raise CatalogError(f"{where}: max_prompt: the model takes no words.")
    if spec.prompt != "needed" and spec.references is None:
        raise CatalogError(f"{where}: prompt: a model without words and without references makes nothing.")
    if spec.mask_needed and not spec.mask:
        raise CatalogError(f"{where}: mask_needed: the model takes no mask.")
    does = spec.does or ()
    strange = [word for word in does if word not in _ABILITIES]
    if strange:
        raise CatalogError(f"{where}: does: {strange[0]!r} is not one of {', '.join(_ABILITIES)}.")
    if len(set(does)) != len(does):
        raise CatalogError(f"{where}: does: a word is listed twice.")
    if does and spec.references is None:
        raise CatalogError(f"{where}: does: the model takes no references.")
    if "inpaint" in does and not spec.mask:
        raise CatalogError(f"{where}: does: inpaint needs a mask.")
    missing = [name for name in SIDES if spec.parameter(name) is None]
    if "outpaint" in does and missing:
        raise CatalogError(f"{where}: does: outpaint needs the parameter {missing[0]!r}.")


def _with_price(
    table: Mapping[str, Any], prices: Mapping[str, Price], listed: Mapping[str, Any], file: str
) -> Mapping[str, Any]:
    """Return the table of a model with its price as a value, where it has one."""
    given = table.get("price")
    if given is None:
        return table
    where = f"{file}: models.{table.get('id', '?')}.price"
    if isinstance(given, str):
        if given not in prices:
            raise CatalogError(f"{where}: {given!r} is not in [prices].")
        return {**table, "price": prices[given]}
    return {**table, "price": _price({**listed, **given}, where)}


def _price(table: Mapping[str, Any], where: str) -> Price:
    values = dict(table)
    shared = {name: values[name] for name in ("amount", "unit", "further", "grid") if name in values}
    values["tiers"] = tuple(
        _tier(tier, shared, f"{where}.tiers[{index}]") for index, tier in enumerate(values.get("tiers", ()))
    )
    if "size" in values:
        values["size"] = tuple(values["size"])
    return build(Price, values, where)


def _tier(table: Mapping[str, Any], shared: Mapping[str, Any], where: str) -> Tier:
    values = dict(table)
    own = {name: values.pop(name) for name in ("when", "up_to") if name in values}
    when = {name: tuple(chosen) for name, chosen in own.get("when", {}).items()}
    return Tier(rate=build(Rate, {**shared, **values}, where), when=when, up_to=own.get("up_to"))


def check_price(price: Price, parameters: Iterable[Parameter], where: str) -> None:
    """Check that all amounts of a price are amounts, and that its tiers name values of parameters.

    Args:
        price: the price.
        parameters: the parameters of its model.
        where: the name of the price in errors.

    Raises:
        CatalogError: one of these is wrong; the message names the field.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for rate in (price.rate, *(tier.rate for tier in price.tiers)):
        _check_rate(rate, where)
    _amount(price.reference, f"{where}.reference")
    if price.token:
        _amount(price.token, f"{where}.token")
    for tier in price.tiers:
        for name, values in tier.when.items():
            parameter = known.get(name)
            if parameter is None:
                raise CatalogError(f"{where}: a tier names {name!r}, which the model does not have.")
            strange = [value for value in values if parameter.choices and value not in parameter.choices]
            if strange:
                raise CatalogError(f"{where}: a tier names {strange[0]!r}, which {name} does not offer.")
    if price.size is not None and (len(price.size) != 2 or min(price.size) <= 0):
        raise CatalogError(f"{where}.size: {price.size!r} is not a width and a height.")
    if price.day:
        try:
            date.fromisoformat(price.day)
        except ValueError as error:
            raise CatalogError(f"{where}.day: {price.day!r} is not a day.") from error


def _check_rate(rate: Rate, where: str) -> None:
    if rate.unit not in ("image", "megapixel", "token"):
        raise CatalogError(f"{where}: unit {rate.unit!r} is not one of image, megapixel, token.")
    if (rate.unit == "token") != (rate.grid > 0):
        raise CatalogError(f"{where}: grid belongs to the unit token, and is above 0.")
    amount = _amount(rate.amount, f"{where}.amount")
    if rate.most is not None and _amount(rate.most, f"{where}.most") < amount:
        raise CatalogError(f"{where}.most: {rate.most!r} is below the amount, {rate.amount!r}.")
    if rate.further is not None:
        _amount(rate.further, f"{where}.further")


def _amount(text: str, where: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise CatalogError(f"{where}: {text!r} is not an amount of USD.") from error
    if not amount.is_finite() or amount < 0:
        raise CatalogError(f"{where}: {text!r} is not an amount of USD.")
    return amount


def build(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    """Return a value of a dataclass from a table.

    Args:
        kind: the dataclass.
        values: the table.
        where: the name of the table in errors.

    Raises:
        CatalogError: the table has a field that the dataclass does not have, or lacks one that it needs.
    """
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
