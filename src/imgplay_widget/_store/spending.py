"""The ledger: the cost of each call. The transaction that ends a call writes its line, which always stays."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from imgplay_widget._rules.costs import Line, Today, booking, from_units, price_unknown, to_units
from imgplay_widget._store import queries
from imgplay_widget._store.damage import reads_rows
from imgplay_widget._store.tables import batches, spending, tasks
from imgplay_widget._text import money
from imgplay_widget._types import Stage
from imgplay_widget.errors import OverBudget

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from imgplay_widget._rules.costs import Budget
    from imgplay_widget._store.queries import Scope
    from imgplay_widget._types import Task

__all__ = ["book", "lines", "move", "refuse_beyond", "stage_of", "today"]

_SURER = {"uncertain": 0, "estimated": 1, "told": 2}


@reads_rows
def stage_of(connection: Connection, task_id: str) -> Stage | None:
    """Return the stored stage of a task, or None where the task is gone."""
    stage = connection.scalar(_STAGE, {"task": task_id})
    return None if stage is None else Stage(stage)


def book(connection: Connection, scope: Scope, task: Task, *, before: Stage, images: int) -> None:
    """Write the cost of an ended task (see `booking`). Of two costs of one call, the surer one stays."""
    booked = booking(before, task, images)
    if booked is None:
        return
    key = task.unit.key or task.id
    values = {"images": booked.images, "amount": booked.amount, "basis": booked.basis}
    basis = connection.scalar(_BASIS, {"key": key})
    if basis is not None:
        if _SURER[booked.basis] > _SURER[basis]:
            connection.execute(_CHANGED, {"key": key, **values})
        return
    connection.execute(
        _NEW,
        {
            "call_key": key,
            "user_id": scope.user_id,
            "organization_id": scope.organization_id,
            "topic_id": connection.scalar(_TOPIC, {"batch": task.batch_id}),
            "batch_id": task.batch_id,
            "provider": task.provider,
            "model": task.model,
            "spent_at": task.finished_at or task.updated_at,
            **values,
        },
    )


def move(connection: Connection, batch_ids: Sequence[str], topic_id: str) -> None:
    """Move the costs of batches to another topic, as the batches move."""
    connection.execute(update(spending).where(spending.c.batch_id.in_(batch_ids)).values(topic_id=topic_id))


@reads_rows
def lines(
    connection: Connection, scope: Scope, *, since: datetime | None = None, topic_id: str | None = None
) -> list[Line]:
    """Return what was spent since a time, in one topic or in all topics, added up by model and basis."""
    given = {"since": since, "topic": topic_id}
    found = connection.execute(_sums(scope, since is not None, topic_id is not None), given)
    return [
        Line(
            model=f"{row.provider}:{row.model}",
            images=int(row.images),
            amount=None if row.unknown else int(row.amount),
            basis=row.basis,
        )
        for row in found
    ]


@reads_rows
def today(connection: Connection, scope: Scope, since: datetime) -> Today:
    """Return the total of the day that began at a time."""
    found = lines(connection, scope, since=since)
    running = connection.execute(_running(scope))
    return Today(
        spent=from_units(sum(line.amount or 0 for line in found)),
        unknown=sum(line.images for line in found if line.amount is None),
        running=sum((Decimal(row.metadata.get("most") or row.estimate) for row in running), Decimal()),
    )


def refuse_beyond(connection: Connection, scope: Scope, fresh: Collection[Task], budget: Budget) -> None:
    """Refuse tasks whose cost is unknown, or which could take the total over a budget.

    A task with a ticket or with links does not count: its call was sent before, and nothing is paid now.

    Raises:
        OverBudget: the total would exceed the budget.
        PriceUnknown: the price of a task is not known, and the user did not agree to pay it.
    """
    calls = [task for task in fresh if task.stage is Stage.PENDING]
    units = sum(to_units(task.most or task.estimate) or 0 for task in calls)
    if units:
        _refuse_above(connection, scope, calls, from_units(units), budget)
    unknown = {f"{task.provider}:{task.model}": None for task in calls if to_units(task.estimate) is None}
    if unknown and not budget.confirmed:
        raise price_unknown(unknown, budget.limit)


def _refuse_above(
    connection: Connection, scope: Scope, calls: Sequence[Task], wanted: Decimal, budget: Budget
) -> None:
    now = today(connection, scope, budget.since)
    total = now.spent + now.running + wanted
    if total > budget.limit:
        count = len({task.batch_id for task in calls})
        what = "This request" if count == 1 else f"These {count} requests"
        raise OverBudget(
            f"{what} ({money(wanted)}) would take today's total to {money(total)}, over the budget of "
            f"{money(budget.limit)} a day. Spent today: {money(now.spent)}. Still running: "
            f"{money(now.running)}."
        )


# ------------------------------------------------------------------ statements, built once as in `queries`

_STAGE = select(tasks.c.stage).where(tasks.c.id == bindparam("task"))
_TOPIC = select(batches.c.topic_id).where(batches.c.id == bindparam("batch"))
_BASIS = select(spending.c.basis).where(spending.c.call_key == bindparam("key"))
_NEW = insert(spending)
_CHANGED = update(spending).where(spending.c.call_key == bindparam("key"))


@lru_cache(queries.SCOPES)
def _sums(scope: Scope, since: bool, topic: bool) -> Select[Any, Any, Any, bool, Any, Any]:  # noqa: FBT001 - the cache needs them
    mine = spending.c.user_id == scope.user_id, spending.c.organization_id == scope.organization_id
    later = (spending.c.spent_at >= bindparam("since"),) if since else ()
    there = (spending.c.topic_id == bindparam("topic"),) if topic else ()
    unknown = spending.c.amount.is_(None)
    sums = select(
        spending.c.provider,
        spending.c.model,
        spending.c.basis,
        unknown.label("unknown"),
        func.sum(spending.c.amount).label("amount"),
        func.sum(spending.c.images).label("images"),
    )
    kinds = spending.c.provider, spending.c.model, spending.c.basis, unknown
    return sums.where(*mine, *later, *there).group_by(*kinds)


@lru_cache(queries.SCOPES)
def _running(scope: Scope) -> Select[Any, Any]:
    """Return a query of the costs of the running calls, where they are known."""
    return select(tasks.c.estimate, tasks.c.metadata).where(
        *scope.tasks(), tasks.c.status.in_(queries.UNFINISHED), tasks.c.estimate.is_not(None)
    )
