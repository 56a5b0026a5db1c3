"""The cost of a request by the list price of its model, before it is sent.

The page computes the same (`js/src/lib/cost.ts`). One file of cases, ``tests/catalog/prices.json``, holds
both.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, Literal

from imgplay_widget._types import Estimate
from imgplay_widget.catalog._request import grown, make_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from imgplay_widget._types import ModelSpec, Price, ProviderSpec, Rate, Request, Tier, Unit

__all__ = [
    "call_cost",
    "cannot_bill",
    "estimate",
    "price_facts",
    "price_text",
    "request_cost",
    "tokens",
    "unit_price",
]

MEGAPIXEL = 1024 * 1024
"""The pixels of a megapixel where providers count those that have begun, as fal and Black Forest Labs do."""

AUTO = "auto"
"""The value of a parameter that leaves the choice to the provider."""


def estimate(
    spec: ModelSpec,
    n: int,
    params: Mapping[str, Any],
    references: Iterable[tuple[int, int]] = (),
) -> Estimate | None:
    """Return the cost of a call by the model's list price, or None where the price is unknown.

    Args:
        spec: the model.
        n: the number of images.
        params: every parameter that will be sent, width and height in pixels.
        references: width and height of each input image, in pixels.
    """
    price = spec.price
    if price is None:
        return None
    edges = list(references)
    size = _size(spec, price, params, edges)
    rates = list(_rates(spec, price, params, size))
    costs = [(_cost(rate.amount, rate, size), _cost(rate.most or rate.amount, rate, size)) for rate in rates]
    inputs = sum((_input(price, *one) for one in edges), Decimal())
    known = [
        (low * n + inputs, high * n + inputs) for low, high in costs if low is not None and high is not None
    ]
    if len(known) < len(costs):
        return None
    return Estimate(
        expected=known[-1][0], least=min(low for low, _ in known), most=max(high for _, high in known)
    )


def call_cost(
    provider: ProviderSpec, spec: ModelSpec, params: Mapping[str, Any], unit: Unit
) -> Estimate | None:
    """Return the cost of a call, or None where it is unknown.

    The cost is the `estimate`. It is 0 for a provider that cannot bill anybody.

    Args:
        provider: the provider.
        spec: the model.
        params: the parameters of the request. Those of a call may have the names of the provider.
        unit: the call.
    """
    inputs = [(reference.width, reference.height) for reference in unit.references]
    return _free(provider, spec) or estimate(spec, unit.n, params, inputs)


def request_cost(
    provider: ProviderSpec, spec: ModelSpec, request: Request, references: int = 0
) -> Estimate | None:
    """Return the cost of a request, which may take several calls, or None where it is unknown.

    Args:
        provider: the provider.
        spec: the model.
        request: the checked request.
        references: the number of input images, each of up to a megapixel. The images of the request itself do
            not count.
    """
    calls = -(-request.n // spec.native_n)
    inputs = [(1, 1)] * (references * calls)
    return _free(provider, spec) or estimate(spec, request.n, request.params, inputs)


def unit_price(spec: ModelSpec) -> tuple[Estimate, Literal["image", "megapixel"]] | None:
    """Return what one image costs with the default parameters, or one megapixel where the size decides.

    Returns:
        The price and what it is for, or None where it is unknown.
    """
    price = spec.price
    if price is None:
        return None
    further = price.further if price.further is not None else price.amount
    if price.unit != "megapixel" or price.tiers or Decimal(further) != Decimal(price.amount):
        request = make_request(spec, params={}, today=date.min, partial=True)
        cost = estimate(spec, 1, request.params)
        if cost is not None:
            return cost, "image"
    amount = Decimal(price.amount)
    return Estimate(expected=amount, least=amount, most=Decimal(price.most or price.amount)), "megapixel"


def price_text(spec: ModelSpec) -> str:
    """Return the price of a model in a few words: "$0.04 / image", or an empty text where it is unknown."""
    known = unit_price(spec)
    return f"{known[0]} / {known[1]}" if known else ""


def price_facts(spec: ModelSpec) -> dict[str, Any] | None:
    """Return the price of a model as JSON, for programs and agents, or None where it is unknown."""
    known = unit_price(spec)
    if known is None or spec.price is None:
        return None
    cost, unit = known
    return {
        "unit": unit,
        "leastUsd": format(cost.least, "f"),
        "mostUsd": format(cost.most, "f"),
        "source": spec.price.source,
        "day": spec.price.day,
    }


def _free(provider: ProviderSpec, spec: ModelSpec) -> Estimate | None:
    if spec.price is None and not spec.paid and cannot_bill(provider):
        return Estimate(expected=Decimal(), least=Decimal(), most=Decimal())
    return None


def cannot_bill(provider: ProviderSpec) -> bool:
    """Return whether a provider cannot bill: it is free, or on this network and does not need a key."""
    return provider.free or (provider.local and not provider.key_variables)


def tokens(grid: int, width: int, height: int) -> int:
    """Return the tokens of an image of OpenAI, by the calculator of OpenAI's guide to image generation.

    Args:
        grid: the tokens along each edge of a square image, which the quality decides.
        width: the width in pixels.
        height: the height in pixels.
    """
    shorter = (Decimal(grid * min(width, height)) / Decimal(max(width, height))).quantize(
        Decimal(1), ROUND_HALF_EVEN
    )
    whole = grid * shorter * (2_000_000 + Decimal(width * height)) / 4_000_000
    return int(whole.to_integral_value(ROUND_CEILING))


def _size(
    spec: ModelSpec, price: Price, params: Mapping[str, Any], references: Sequence[tuple[int, int]]
) -> tuple[int, int] | None:
    """Return the width and the height of an image, or None where the provider chooses them."""
    width, height = params.get("width"), params.get("height")
    if isinstance(width, int) and isinstance(height, int):
        return width, height
    return grown(spec, params, references[0] if references else None) or price.size


def _rates(
    spec: ModelSpec, price: Price, params: Mapping[str, Any], size: tuple[int, int] | None
) -> Iterator[Rate]:
    """Yield each rate that may hold. The last one is that to expect."""
    for tier in price.tiers:
        holds = _holds(spec, tier, params, size)
        if holds is not False:
            yield tier.rate
        if holds:
            return
    yield price.rate


def _holds(
    spec: ModelSpec, tier: Tier, params: Mapping[str, Any], size: tuple[int, int] | None
) -> bool | None:
    """Return whether a tier holds, or None where the provider's choice decides."""
    known = True
    for name, values in tier.when.items():
        parameter = spec.parameter(name)
        value = params.get(name, parameter.default if parameter else None)
        if value == AUTO and AUTO not in values:
            known = False
        elif value not in values:
            return False
    if tier.up_to is not None:
        if size is None:
            known = False
        elif size[0] * size[1] > tier.up_to:
            return False
    return True if known else None


def _cost(amount: str, rate: Rate, size: tuple[int, int] | None) -> Decimal | None:
    """Return the cost of one image, or None where it depends on a size that is unknown."""
    if rate.unit == "image":
        return Decimal(amount)
    if size is None:
        return None
    width, height = size
    if rate.unit == "token":
        return Decimal(amount) * tokens(rate.grid, width, height)
    if rate.further is None:
        return Decimal(amount) * Decimal(width * height) / 1_000_000
    return Decimal(amount) + Decimal(rate.further) * (_begun(width, height) - 1)


def _input(price: Price, width: int, height: int) -> Decimal:
    return Decimal(price.reference) * (_begun(width, height) if price.reference_unit == "megapixel" else 1)


def _begun(width: int, height: int) -> int:
    return -(-width * height // MEGAPIXEL)
