"""The expected cost of a request, before it is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import ModelSpec, ProviderSpec

__all__ = ["cannot_bill", "estimate", "expected"]


def estimate(spec: ModelSpec, n: int, params: Mapping[str, Any]) -> Decimal | None:
    """Return the price of a request in USD, or None where the price is unknown.

    Args:
        spec: the model.
        n: the number of images.
        params: every parameter that will be sent, width and height in pixels.
    """
    price = spec.price
    if price is None:
        return None
    amount = Decimal(price.amount) * n
    if price.unit == "image":
        return amount
    width, height = params.get("width"), params.get("height")
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    return amount * width * height / 1_000_000


def expected(provider: ProviderSpec, spec: ModelSpec, n: int, params: Mapping[str, Any]) -> str | None:
    """Return the expected cost of a call, in USD as a decimal string, or None where the cost is unknown.

    The cost is the `estimate`. It is 0 for a provider that cannot bill anybody.
    """
    known = estimate(spec, n, params)
    if known is None and spec.price is None and not spec.paid and cannot_bill(provider):
        return "0"
    return None if known is None else format(known, "f")


def cannot_bill(provider: ProviderSpec) -> bool:
    """Return whether a provider cannot bill: it is free, or on this network and does not need a key."""
    return provider.free or (provider.local and not provider.key_variables)
