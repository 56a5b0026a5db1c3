"""Turn the prices of OpenRouter's own list into a `Price`.

Each host ("endpoint") of an image model has lines of ``{"billable", "unit", "cost_usd", "variant"}``
(OpenRouterTeam/docs ``openapi/openapi.yaml``, `ImagePricingEntry`, 2026-08-22). OpenRouter chooses the
host, so two hosts with two prices are a range.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from imgplay_widget._types import Price, Rate, Tier
from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers._shared.listed import FEWEST_TOKENS, MOST_TOKENS, amount_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from imgplay_widget._types import ModelSpec

__all__ = ["listed_price"]

_INPUTS = ("input_image", "input_reference")
_FREE = ":free"


class _Line(NamedTuple):
    variant: str
    unit: str
    amount: str


def listed_price(spec: ModelSpec, answer: Mapping[str, Any], source: str) -> Price | None:
    """Return the price of a model's hosts, or None where they have none that can be read.

    Args:
        spec: the model, whose parameters tell what a variant is.
        answer: the answer to ``GET /images/models/{id}/endpoints``.
        source: its address.
    """
    lines = [
        table(line) for host in rows(answer.get("endpoints")) for line in rows(table(host).get("pricing"))
    ]
    if spec.id.endswith(_FREE) and lines and all(line.get("cost_usd") == 0 for line in lines):
        return Price(amount="0", unit="image", source=source)
    outputs = [_line(line) for line in lines if line.get("billable") == "output_image"]
    known = [line for line in outputs if line is not None]
    if not known or len(known) < len(outputs):
        # A line that cannot be read may be the dearest one.
        return None
    base = _rate([line for line in known if not line.variant] or known)
    tiers = _tiers(spec, known)
    if base is None or tiers is None:
        return None
    tokens = {line.amount for line in known if line.unit == "token"}
    reference, unit = _reference(lines)
    return Price(
        amount=base.amount,
        unit=base.unit,
        most=base.most,
        tiers=tiers,
        reference=reference,
        reference_unit=unit,
        token=tokens.pop() if len(tokens) == 1 and len({line.unit for line in known}) == 1 else "",
        source=source,
    )


def _line(line: Mapping[str, Any]) -> _Line | None:
    amount, unit = amount_of(line.get("cost_usd")), text(line.get("unit"))
    if amount is None or unit not in ("image", "megapixel", "token"):
        return None
    return _Line(text(line.get("variant")).strip().lower(), unit, amount)


def _rate(lines: Iterable[_Line]) -> Rate | None:
    """Return the rate from the least to the most of some lines, or None where their units do not fit."""
    units: set[Literal["image", "megapixel"]] = set()
    amounts: list[Decimal] = []
    for line in lines:
        amount = Decimal(line.amount)
        units.add("megapixel" if line.unit == "megapixel" else "image")
        amounts += [amount * FEWEST_TOKENS, amount * MOST_TOKENS] if line.unit == "token" else [amount]
    if len(units) != 1:
        return None
    least, most = plain(min(amounts)), plain(max(amounts))
    return Rate(amount=least, unit=units.pop(), most=None if least == most else most)


def _tiers(spec: ModelSpec, lines: Sequence[_Line]) -> tuple[Tier, ...] | None:
    """Return a tier for each variant that is a value of a parameter, or None where its units do not fit."""
    tiers: list[Tier] = []
    for variant in dict.fromkeys(line.variant for line in lines if line.variant):
        found = next(
            (
                (parameter.name, choice)
                for parameter in spec.parameters
                for choice in parameter.choices
                if str(choice).lower() == variant
            ),
            None,
        )
        if found is None:
            continue
        rate = _rate(line for line in lines if line.variant == variant)
        if rate is None:
            return None
        tiers.append(Tier(when={found[0]: (found[1],)}, rate=rate))
    return tuple(tiers)


def _reference(lines: Iterable[Mapping[str, Any]]) -> tuple[str, Literal["image", "megapixel"]]:
    """Return the highest cost of an input image. Input tokens are not counted: their number is not known."""
    costs = [
        (Decimal(amount), unit)
        for line in lines
        if line.get("billable") in _INPUTS
        for unit in ("image", "megapixel")
        if line.get("unit") == unit and (amount := amount_of(line.get("cost_usd"))) is not None
    ]
    if not costs:
        return "0", "image"
    amount, unit = max(costs)
    return plain(amount), "megapixel" if unit == "megapixel" else "image"
