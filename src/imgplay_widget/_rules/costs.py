"""Costs, sums and budgets.

The cost of a call is booked once, when the call ends. The ledger (`_store.spending`) holds one line for each
call. A line stays when its images are deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from imgplay_widget._plain import plain
from imgplay_widget._rules.tables import html_table, text_table
from imgplay_widget._text import money, shown
from imgplay_widget._types import Stage
from imgplay_widget.errors import InvalidRequest, PriceUnknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from imgplay_widget._types import Entry, Estimate, Generation, Task

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
    "image_cost",
    "moment_of",
    "price_unknown",
    "priced",
    "spend_of",
    "to_units",
]

UNITS = 1_000_000_000
"""The units of a dollar. The ledger stores whole billionths, because every database adds whole numbers
exactly, and because providers charge parts of a millionth."""

MOST = Decimal(1_000_000)
"""The limit of an amount in USD. A larger figure cannot be the price of a call, and counts as unknown."""

Basis = Literal["told", "estimated", "uncertain"]
"""The source of an amount: what the provider reported (told); the model's price, for images that arrived
(estimated); or the model's price, for a call that may not have been billed (uncertain)."""

_REFUSALS = frozenset(
    {
        *("bad_key", "billing", "quota", "bad_request", "moderated", "model_not_found", "rate_limited"),
        *("overloaded", "server_error", "connect_failed", "missing_key", "missing_extra", "network_setting"),
        *("bad_response", "no_image", "corrupt_image"),
    }
)
"""The errors of a call that did no work, unless the error itself says that the call may have been billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """The cost of one call: a line of the ledger.

    Attributes:
        images: the number of images that arrived, or the requested number where none arrived.
        amount: billionths of a dollar, or None where the cost is unknown.
        basis: the source of the amount.
    """

    images: int
    amount: int | None
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The sum of the lines of one model and one basis, of known or unknown amounts. See `Booking`."""

    model: str
    images: int
    amount: int | None
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The amount that may be spent on one day.

    Attributes:
        limit: USD.
        since: the start of the day, as an aware time in UTC.
        confirmed: True where the user agreed to pay an unknown price.
    """

    limit: Decimal
    since: datetime
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """Today's total.

    Attributes:
        spent: USD that ended calls cost.
        unknown: the number of images of unknown cost, which `spent` does not include.
        running: the most that the running calls can cost, in USD.
    """

    spent: Decimal
    unknown: int
    running: Decimal


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Spend:
    """The amount that was spent, which notebooks show as a table.

    Attributes:
        usd: the sum of all known costs, in USD.
        images: the number of images in the sum: finished images, and failed or cancelled images that were
            billed or may have been billed.
        unknown: the number of images of unknown cost, which `usd` does not include.
        estimated: the part of `usd` that is the model's price, because the provider did not say what it
            charged.
        uncertain: the part of `usd` that may not have been billed, at the model's price: calls that were
            cancelled or lost on the way.
        by_model: the same for each model, ``"provider:id"``, the most expensive model first.
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
    """Return the cost of an ended task, or None where the task cost nothing.

    Args:
        before: the last stage before the end.
        task: the task in its final stage.
        images: the number of images that arrived.
    """
    basis = _basis(before, task)
    if basis is None:
        return None
    told = to_units(task.cost)
    # All finished images were made, also those whose links could not be fetched yet.
    finished = sum(item["kind"] != "missing" for item in task.results)
    billed = max(images, finished) or task.unit.n
    if told is not None:
        return Booking(images=billed, amount=told, basis="told")
    whole = to_units(task.estimate)
    amount = None if whole is None else whole * billed // task.unit.n
    return Booking(images=billed, amount=amount, basis=basis)


def image_cost(entry: Entry, generation: Generation) -> Decimal | None:
    """Return the part of the cost of its call that falls to an image, in USD.

    It is the provider's figure, else the model's price. The parts of a call add up to the cost of the call:
    the first images take what remains. Deleted images take their parts along.

    Args:
        entry: the batch of the image.
        generation: the image.

    Returns:
        The cost, or None where there is no image or no known cost.
    """
    task = entry.task_of(generation)
    if task is None or generation.asset is None:
        return None
    slots = [one for one in entry.generations if one.async_task_id == task.id]
    made = sorted(one.id for one in slots if one.asset is not None)
    parts = len(made) + max(0, task.unit.n - len(slots))
    booked = booking(Stage.DOWNLOADING, task, parts)
    if booked is None or booked.amount is None:
        return None
    share, rest = divmod(booked.amount, parts)
    return from_units(share + (made.index(generation.id) < rest))


def _basis(before: Stage, task: Task) -> Basis | None:
    if task.stage is Stage.SUCCESS or task.cost is not None or before is Stage.DOWNLOADING:
        return "estimated"
    if before is Stage.PENDING:
        return None
    error = task.error if task.stage is Stage.ERROR else None
    refused = error is not None and error.code in _REFUSALS and not error.maybe_billed
    # A call that has a ticket was accepted. Whatever became of its job, the provider may have billed it.
    return None if refused and before is Stage.SUBMITTING else "uncertain"


def spend_of(lines: Iterable[Line]) -> Spend:
    """Add up lines of the ledger."""
    of_models: dict[str, list[Line]] = {}
    for line in lines:
        of_models.setdefault(line.model, []).append(line)
    sums = {name: _sum(some) for name, some in of_models.items()}
    dearest_first = dict(sorted(sums.items(), key=lambda item: (-item[1].usd, item[0])))
    return _sum([line for some in of_models.values() for line in some], dearest_first)


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


def priced(task: Task, cost: Estimate | None) -> Task:
    """Return a new task with what its call costs by the list price, or None where that is unknown."""
    if cost is None:
        return task
    most = None if cost.most == cost.expected else format(cost.most, "f")
    return replace(task, estimate=format(cost.expected, "f"), most=most)


def to_units(usd: Decimal | str | None) -> int | None:
    """Return an amount of USD in the units of the ledger, or None where the value is not an amount."""
    try:
        amount = Decimal(usd or "")
    except InvalidOperation:
        return None
    return int((amount * UNITS).to_integral_value()) if amount.is_finite() and 0 <= amount < MOST else None


def from_units(units: int) -> Decimal:
    """Return an amount of the ledger in USD, without zeros at the end."""
    usd = (Decimal(units) / UNITS).normalize()
    return usd.quantize(Decimal(1)) if usd == usd.to_integral_value() else usd


def price_unknown(models: Collection[str], limit: Decimal) -> PriceUnknown:
    """Return the refusal of calls whose price is not known.

    Args:
        models: the names of the models without a known price.
        limit: the budget, in USD a day.
    """
    price = "price" if len(models) == 1 else "prices"
    verb = "is" if len(models) == 1 else "are"
    return PriceUnknown(
        f"The {price} of {' and '.join(models)} {verb} not known, so nobody can tell whether the budget of "
        f"{money(limit)} a day allows this request."
    )


def day_start(now: datetime) -> datetime:
    """Return the start of the local day of a time, as an aware time."""
    return datetime.combine(now.astimezone().date(), time.min).astimezone()


def moment_of(since: date | datetime | None) -> datetime | None:
    """Return an aware time: a date means its local midnight, and a time without a zone is local."""
    if since is None:
        return None
    return (since if isinstance(since, datetime) else datetime.combine(since, time.min)).astimezone()


def budget_of(value: Any) -> Decimal | None:
    """Return a budget as an amount.

    Args:
        value: a number of USD from 0, or None for no budget.

    Raises:
        InvalidRequest: the value is neither.
    """
    if value is None:
        return None
    # A decimal keeps the digits that a float does not have.
    value = value if isinstance(value, Decimal) else plain(value)
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not number or (isinstance(value, int) and value >= MOST) or to_units(str(value)) is None:
        raise InvalidRequest(
            f"budget={shown(value)} is not an amount of USD a day from 0 to {MOST}.",
            parameter="budget",
            next_step="Use a number of dollars, or None for no budget.",
        )
    return Decimal(str(value))
