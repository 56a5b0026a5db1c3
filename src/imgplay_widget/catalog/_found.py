"""The models that a provider lists itself: as JSON, checked, and merged over the shipped models.

The answer of a provider is foreign data, and so is JSON that an older or a newer version stored. A model or a
parameter that is not complete is left out, so that the layers above can rely on what they get.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from imgplay_widget._text import MAX_MESSAGE, MAX_NAME, clean
from imgplay_widget._types import Ability, ModelSpec, Parameter, ParameterKind, Price, Rate
from imgplay_widget.catalog._load import CatalogError, check_parameter, check_price

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["checked", "from_json", "merge", "to_json"]

T = TypeVar("T")


def to_json(spec: ModelSpec) -> dict[str, Any]:
    """Return a model as JSON, without the fields that have their default."""
    return _plain(spec)


def from_json(data: Any, provider: str) -> ModelSpec | None:
    """Return the model of JSON that `to_json` wrote, or None where the data do not describe a model.

    Args:
        data: any JSON.
        provider: the name of the provider that has the model.
    """
    if not isinstance(data, dict):
        return None
    values = _known(cast("dict[str, Any]", data))
    listed = values.get("parameters", ())
    parameters = [_parameter(item) for item in cast("list[Any]", listed)] if isinstance(listed, list) else []
    kept = tuple(parameter for parameter in parameters if parameter is not None)
    spec = _build(ModelSpec, {**values, "provider": provider, "parameters": (), "price": None})
    if spec is None or not spec.id or len(spec.id) > MAX_NAME:
        return None
    names = [parameter.name for parameter in kept]
    unique = tuple(p for index, p in enumerate(kept) if p.name not in names[:index])
    return replace(
        spec,
        title=clean(spec.title or spec.id, MAX_NAME),
        parameters=unique,
        price=_price(values.get("price"), unique),
    )


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a model without abilities that another version may have written."""
    does = values.get("does")
    if not isinstance(does, list | tuple):
        return values
    return {**values, "does": [word for word in cast("list[Any]", does) if word in get_args(Ability)]}


def checked(
    specs: Iterable[ModelSpec], provider: str, hide: Callable[[str], str] = str, *, day: str = ""
) -> tuple[ModelSpec, ...]:
    """Return the complete ones among models, each id once, as `from_json` would read them.

    Args:
        specs: the models.
        provider: the name of the provider that has the models.
        hide: returns a text without the provider's key.
        day: the day (ISO 8601) of the answer, for the prices in it that do not name a day.
    """
    found: dict[str, ModelSpec] = {}
    for spec in specs:
        whole = from_json(_hidden(to_json(spec), hide), provider)
        if whole is not None:
            found.setdefault(whole.id, _dated(whole, day))
    return tuple(found.values())


def _dated(spec: ModelSpec, day: str) -> ModelSpec:
    if spec.price is None or spec.price.day or not day:
        return spec
    return replace(spec, price=replace(spec.price, day=day))


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {name: _hidden(item, hide) for name, item in cast("dict[str, Any]", value).items()}
    return [_hidden(item, hide) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def merge(shipped: Iterable[ModelSpec], found: Mapping[str, ModelSpec]) -> dict[str, ModelSpec]:
    """Merge the models that a provider lists over the shipped ones.

    The provider's value counts. Where a field has its default, the shipped value stays.

    Args:
        shipped: the models of the catalog file.
        found: the models that the provider lists, by id.

    Returns:
        All models by id, the shipped ones first.
    """
    merged = {spec.id: _over(spec, found[spec.id]) if spec.id in found else spec for spec in shipped}
    return {**merged, **{spec.id: spec for spec in found.values() if spec.id not in merged}}


def _over(below: ModelSpec, above: ModelSpec) -> ModelSpec:
    parameters = tuple(
        _filled(parameter, below.parameter(parameter.name), titled=parameter.name)
        for parameter in above.parameters
    )
    whole = _filled(replace(above, parameters=parameters), below, titled=above.id)
    if below.price is not None and above.price is not None:
        whole = replace(whole, price=_newer(below.price, above.price))
    # A provider that lists the parameters of a model without a seed means that the model does not take one.
    seedless = bool(above.parameters) and above.parameter("seed") is None
    return replace(whole, seed="none") if seedless else whole


def _newer(shipped: Price, listed: Price) -> Price:
    """Return the price that a provider lists, with what only the shipped price tells.

    Lists often have one figure for a model. Where it is the shipped one, our tiers hold. Where it is another
    one, nobody knows if all tiers changed with it: each costs something between its old amount and the same
    share of the new one. A price of tokens changes all amounts alike.
    """
    told = {"source": listed.source or shipped.source, "day": listed.day or shipped.day}
    if listed.token and shipped.token and Decimal(shipped.token):
        share = Decimal(listed.token) / Decimal(shipped.token)
        same = {"token": listed.token, "reference": _times(shipped.reference, share)}
        return replace(_changed(shipped, lambda rate: _shared(rate, share)), **told, **same)
    own = listed.reference != "0"
    kept = replace(
        listed,
        **told,
        size=listed.size or shipped.size,
        reference=listed.reference if own else shipped.reference,
        reference_unit=listed.reference_unit if own else shipped.reference_unit,
    )
    if listed.tiers or listed.token or listed.unit != shipped.unit or not Decimal(shipped.amount):
        return kept
    shares = [Decimal(amount) / Decimal(shipped.amount) for amount in (listed.amount, listed.most) if amount]
    if shares == [1]:
        return replace(shipped, **told, reference=kept.reference, reference_unit=kept.reference_unit)
    most = listed.most or (None if shipped.most is None else _times(shipped.most, shares[0]))
    further = listed.further or (None if shipped.further is None else _times(shipped.further, max(shares)))
    tiers = tuple(replace(tier, rate=_between(tier.rate, [Decimal(1), *shares])) for tier in shipped.tiers)
    return replace(kept, most=most, further=further, tiers=tiers)


def _changed(price: Price, change: Callable[[Rate], Rate]) -> Price:
    rate = change(price.rate)
    tiers = tuple(replace(tier, rate=change(tier.rate)) for tier in price.tiers)
    return replace(price, amount=rate.amount, most=rate.most, further=rate.further, tiers=tiers)


def _shared(rate: Rate, share: Decimal) -> Rate:
    """Return a rate of which each amount changed alike."""
    most = None if rate.most is None else _times(rate.most, share)
    further = None if rate.further is None else _times(rate.further, share)
    return replace(rate, amount=_times(rate.amount, share), most=most, further=further)


def _between(rate: Rate, shares: Iterable[Decimal]) -> Rate:
    """Return a rate from the lowest to the highest of what it would be if it changed by one of the shares."""
    rates = sorted((_shared(rate, share) for share in shares), key=lambda one: Decimal(one.amount))
    low, high = rates[0], rates[-1]
    return replace(low, most=high.most or high.amount, further=high.further)


def _times(amount: str, share: Decimal) -> str:
    product = (Decimal(amount) * share).quantize(Decimal("1e-12"))
    plain = format(product, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _filled(above: T, below: T | None, *, titled: str) -> T:
    """Return the upper value, with the fields of the lower one where the upper one has its default."""
    if below is None:
        return above
    silent: dict[str, Any] = {}
    for field in fields(cast("Any", above)):
        value = getattr(above, field.name)
        default = field.default if field.default is not MISSING else None
        if value == default or (field.name == "title" and value in ("", titled)):
            silent[field.name] = getattr(below, field.name)
    return cast("T", replace(cast("Any", above), **silent))


# ------------------------------------------------------------------ JSON


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        given = {
            field.name: getattr(value, field.name)
            for field in fields(value)
            if field.default is MISSING or getattr(value, field.name) != field.default
        }
        return {name: _plain(item) for name, item in given.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in cast("dict[str, Any]", value).items()}
    return value


def _parameter(data: Any) -> Parameter | None:
    if isinstance(data, dict) and cast("dict[str, Any]", data).get("kind") not in get_args(ParameterKind):
        # Another version may know more kinds. Without its kind a parameter is an ordinary one.
        data = {**cast("dict[str, Any]", data), "kind": None}
    parameter = _build(Parameter, data)
    if parameter is None or not parameter.name:
        return None
    try:
        check_parameter(parameter, parameter.name)
    except CatalogError:
        return None
    return parameter


def _build(kind: type[T], data: Any) -> T | None:
    """Return a dataclass of the data, or None where a field is missing or of the wrong kind."""
    if not isinstance(data, dict):
        return None
    values = cast("dict[str, Any]", data)
    hints, given = _hints(kind), dict[str, Any]()
    for field in fields(cast("Any", kind)):
        if field.name in values:
            value = _read(values[field.name], hints[field.name])
            if value is MISSING:
                return None
            given[field.name] = value
        elif field.default is MISSING and field.default_factory is MISSING:
            return None
    return kind(**given)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    # The types import it for type checkers only.
    return get_type_hints(kind, localns={"Mapping": Mapping})


def _read(value: Any, hint: Any) -> Any:
    """Return the value in the type of the annotation, or MISSING where it does not fit."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin is Literal:
        return value if value in inner else MISSING
    if origin in (Union, UnionType):
        found = (_read(value, one) for one in inner)
        return next((one for one in found if one is not MISSING), MISSING)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            return MISSING
        items = tuple(_read(item, inner[0]) for item in cast("list[Any]", value))
        return MISSING if MISSING in items else items
    if origin is Mapping:
        if not isinstance(value, dict):
            return MISSING
        pairs = {name: _read(item, inner[1]) for name, item in cast("dict[str, Any]", value).items()}
        return MISSING if MISSING in pairs.values() else pairs
    if is_dataclass(hint):
        made = _build(cast("type[Any]", hint), value)
        return MISSING if made is None else made
    if hint is str and isinstance(value, str):
        return clean(value, MAX_MESSAGE)
    if hint is float and type(value) is int:
        return value
    return value if type(value) is hint or (value is None and hint is type(None)) else MISSING


def _price(data: Any, parameters: Iterable[Parameter]) -> Price | None:
    """Return the price of JSON, or None, which means unknown, where this version does not understand it."""
    price = _build(Price, data)
    try:
        return None if price is None else _checked(price, parameters)
    except CatalogError:
        return None


def _checked(price: Price, parameters: Iterable[Parameter]) -> Price:
    check_price(price, parameters, "price")
    return price
