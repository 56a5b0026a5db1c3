"""The expected cost of a request, before it is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import ModelSpec, ProviderSpec

__all__ = ["estimate", "expected"]


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

    The cost is the `estimate`. It is 0 for a provider on this machine or network that does not need a key,
    because such a provider cannot bill anybody.
    """
    known = estimate(spec, n, params)
    if known is None and spec.price is None and provider.local and not provider.key_variables:
        return "0"
    return None if known is None else format(known, "f")
