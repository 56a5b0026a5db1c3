"""What a request is known to cost before it is sent. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import ModelSpec, ProviderSpec

__all__ = ["estimate", "expected"]


def estimate(spec: ModelSpec, n: int, params: Mapping[str, Any]) -> Decimal | None:
    """Gives the price of a request in USD, or None where it is not known.

    Args:
        spec: the model.
        n: how many images.
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
    """Gives what a call is expected to cost, in USD as a decimal string, or None where it is not known.

    As `estimate`; and a provider on this machine or network that asks for no key has nobody to charge.
    """
    known = estimate(spec, n, params)
    if known is None and spec.price is None and provider.local and not provider.key_variables:
        return "0"
    return None if known is None else format(known, "f")
