"""What was spent, and what may be: pure.

What a call cost is booked when it ends, once: the ledger (`_store.spending`) holds one line a call, and a
line stays when its images are deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from imgplay_widget._rules.tables import html_table, text_table
from imgplay_widget._types import Stage
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imgplay_widget._types import Task

__all__ = [
    "Basis",
    "Booking",
    "Budget",
    "Line",
    "Spend",
    "Today",
    "booking",
    "budget_of",
    "day_start",
    "from_units",
    "moment_of",
    "money",
    "spend_of",
    "to_units",
]

UNITS = 1_000_000_000
"""Amounts are stored as whole billionths of a dollar: every database adds those exactly, and providers charge
parts of a millionth."""

MOST = Decimal(1_000_000)
"""USD. What is said to cost so much is no price of a call."""

Basis = Literal["told", "estimated", "uncertain"]
"""Where an amount comes from: the provider's word, or the price of the model, for images that came or for a
call that may not have been billed."""

_UNSURE = frozenset({"uncertain", "corrupt_image", "bad_response", "disk_full", "lost", "internal"})
"""Errors of a call whose work may have been done, and billed."""

_JOB_UNSURE = _UNSURE | {
    "deadline",
    "provider_missing",
    "bad_key",
    "missing_key",
    "network",
    "connect_failed",
}
"""The same for a job that has a ticket: it may run on when it cannot be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A line of the ledger: what one call cost.

    Attributes:
        images: that it brought; where none came, those that it was sent for.
        amount: billionths of a dollar, or None where nobody knows.
        basis: where the amount comes from.
    """

    images: int
    amount: int | None
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The sum of all lines of a model, a basis, and of known or unknown amounts. See `Booking`."""

    model: str
    images: int
    amount: int | None
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent from a time on.

    Attributes:
        limit: USD.
        since: aware UTC; the begin of the day.
    """

    limit: Decimal
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """Where today's total stands.

    Attributes:
        spent: USD.
        unknown: images whose cost nobody knows; they are not in `spent`.
        running: USD that the calls under way are expected to cost.
    """

    spent: Decimal
    unknown: int
    running: Decimal


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Spend:
    """What was spent. It shows itself as a table.

    Attributes:
        usd: the sum of all that is known, in USD.
        images: how many images it is for: those that came, and those that failed or were cancelled and were
            billed, or may have been.
        unknown: how many of them cost nobody knows what: they are not in `usd`.
        estimated: the part of `usd` that is the price of the model, because the provider did not say what it
            charged.
        uncertain: the part of `usd` that may not have been billed, at the price of the model: calls that were
            cancelled or lost on the way.
        by_model: the same for each model, ``"provider:id"``, the most expensive first.
    """

    usd: Decimal
    images: int
    unknown: int
    estimated: Decimal
    uncertain: Decimal
    by_model: Mapping[str, Spend] = field(default_factory=dict[str, "Spend"])

    def __repr__(self) -> str:
        return text_table(self._rows()) if self.images else NOTHING

    def _repr_html_(self) -> str:
        return html_table(self._rows()) if self.images else f"<p>{NOTHING}</p>"

    def _rows(self) -> list[tuple[str, ...]]:
        of_models = [_row(name, one) for name, one in self.by_model.items()]
        return [HEAD, *of_models, *([_row("all", self)] if len(of_models) > 1 else [])]


HEAD = ("model", "images", "spent", "of that")

NOTHING = "Nothing was spent."


def _row(name: str, of: Spend) -> tuple[str, ...]:
    notes = [
        f"{money(of.estimated)} by the model's price" if of.estimated else "",
        f"{money(of.uncertain)} perhaps not billed" if of.uncertain else "",
        f"{of.unknown} of unknown cost" if of.unknown else "",
    ]
    known = of.unknown < of.images
    return name, str(of.images), money(of.usd) if known else "", "; ".join(filter(None, notes))


def booking(before: Stage, task: Task, images: int) -> Booking | None:
    """Gives what an ended task cost, or None where it cost nothing.

    Args:
        before: the stage in which it ended.
        task: as it is now, in a final stage.
        images: how many came.
    """
    basis = _basis(before, task)
    if basis is None:
        return None
    told = to_units(task.cost)
    places = images or task.unit.n
    if told is not None:
        return Booking(images=places, amount=told, basis="told")
    whole = to_units(task.estimate)
    amount = None if whole is None else whole * places // task.unit.n
    return Booking(images=places, amount=amount, basis=basis)


def _basis(before: Stage, task: Task) -> Basis | None:
    if task.stage is Stage.SUCCESS or task.cost is not None or before is Stage.DOWNLOADING:
        return "estimated"
    if before is Stage.PENDING:
        return None
    unsure = _JOB_UNSURE if before is Stage.PROCESSING else _UNSURE
    code = task.error.code if task.error is not None else ""
    return "uncertain" if task.stage is Stage.CANCELLED or code in unsure else None


def spend_of(lines: Iterable[Line]) -> Spend:
    """Adds lines up."""
    of_models: dict[str, list[Line]] = {}
    for line in lines:
        of_models.setdefault(line.model, []).append(line)
    sums = {name: _sum(some) for name, some in of_models.items()}
    dear_first = dict(sorted(sums.items(), key=lambda item: (-item[1].usd, item[0])))
    return _sum([line for some in of_models.values() for line in some], dear_first)


def _sum(lines: list[Line], by_model: Mapping[str, Spend] | None = None) -> Spend:
    def usd(*bases: Basis) -> Decimal:
        return from_units(sum(line.amount or 0 for line in lines if line.basis in bases))

    return Spend(
        usd=usd("told", "estimated", "uncertain"),
        images=sum(line.images for line in lines),
        unknown=sum(line.images for line in lines if line.amount is None),
        estimated=usd("estimated"),
        uncertain=usd("uncertain"),
        by_model=by_model or {},
    )


def to_units(usd: Decimal | str | None) -> int | None:
    """Gives USD as the ledger holds them, or None where that is no amount."""
    try:
        amount = Decimal(usd or "")
    except InvalidOperation:
        return None
    return int((amount * UNITS).to_integral_value()) if amount.is_finite() and 0 <= amount < MOST else None


def from_units(units: int) -> Decimal:
    """Gives what the ledger holds as USD, without zeros at the end."""
    usd = (Decimal(units) / UNITS).normalize()
    return usd.quantize(Decimal(1)) if usd == usd.to_integral_value() else usd


def money(usd: Decimal) -> str:
    """Gives an amount for people: ``"$0.04"``, with up to four digits of a dollar."""
    if 0 < usd < Decimal("0.0001"):
        return "<$0.0001"
    digits = f"{usd:.4f}"
    return f"${digits.rstrip('0') if digits[-2:] != '00' else digits[:-2]}"


def day_start(now: datetime) -> datetime:
    """Gives when the local day of a time began, as an aware time."""
    return datetime.combine(now.astimezone().date(), time.min).astimezone()


def moment_of(since: date | datetime | None) -> datetime | None:
    """Gives the aware time that is meant: a date is its local midnight, a time without a zone is local."""
    if since is None:
        return None
    return (since if isinstance(since, datetime) else datetime.combine(since, time.min)).astimezone()


def budget_of(value: Any) -> Decimal | None:
    """Gives a budget as an amount.

    Raises:
        InvalidRequest: it is none: a number of USD from 0, or None for no budget.
    """
    if value is None:
        return None
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not number or to_units(str(value)) is None:
        raise InvalidRequest(
            f"budget={value!r} is not an amount of USD a day: 0 to {MOST}.",
            parameter="budget",
            next_step="Take a number of dollars, or None for no budget.",
        )
    return Decimal(str(value))
