"""The next attempt of a task, and what a cancel means for the bill."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imgplay_widget._ids import new_id
from imgplay_widget._rules.costs import priced
from imgplay_widget._types import Stage, Task
from imgplay_widget.errors import Cancelled, ErrorInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from imgplay_widget._types import Estimate, Generation, Unit

__all__ = ["cancel_note", "fetchable", "next_attempt"]

STILL_THERE = frozenset(
    {
        *("deadline", "network", "connect_failed", "rate_limited", "overloaded", "uncertain"),
        *("bad_key", "missing_key", "missing_extra", "network_setting", "provider_missing"),
        *("disk_full", "store", "store_locked", "store_damaged", "internal", "not_fetched"),
    }
)
"""The errors that do not say what became of the job. It may still run, or may have ended, at the provider.
Retry then asks for the job by its ticket, which costs nothing, instead of sending a new call."""

WORTH_A_SECOND_LOOK = frozenset({"bad_response", "corrupt_image"})
"""The errors of an answer that could not be used. The job is asked for once more, and then given up."""


def cancel_note(task: Task, *, paid: bool) -> ErrorInfo:
    """Return the error of a cancelled task, which says what the cancel means for the bill.

    Args:
        task: the task before the cancel.
        paid: False for a provider that works on this machine and does not bill anything.
    """
    match task.stage:
        case _ if not paid:
            text = "Cancelled."
        case Stage.PENDING:
            text = "Cancelled before the call was sent. Nothing was paid."
        case Stage.SUBMITTING:
            text = "Stopped waiting. The provider may still finish the image and bill it."
        case _:
            text = "Cancelled. The provider was asked to stop."
    return replace(Cancelled(text).info, provider=task.provider)


def fetchable(task: Task, generation: Generation) -> bool:
    """Return whether the image of a failed generation is finished at the provider, and its link is kept."""
    failure = generation.error or task.error
    if failure is None or failure.code not in STILL_THERE | {"cancelled"}:
        return False
    linked = dict(zip(task.unit.positions, task.results, strict=False)).get(generation.position)
    return linked is not None and linked["kind"] == "remote"


def next_attempt(
    task: Task,
    generations: Sequence[Generation],
    now: datetime,
    *,
    estimate: Callable[[Unit], Estimate | None],
) -> Task:
    """Return the task of the next attempt, for the generations that failed.

    Args:
        task: the attempt that failed.
        generations: the generations to fill; all of them are `fetchable`, or none.
        now: the present time, aware.
        estimate: returns the cost of a call by the list price, or None where it is unknown.
    """
    positions = tuple(generation.position for generation in generations)
    seeds = dict(zip(task.unit.positions, task.unit.seeds, strict=True))
    task_id = new_id()
    failure = task.error or generations[0].error
    unit = replace(task.unit, positions=positions, seeds=tuple(seeds[p] for p in positions), key=task_id)
    fresh = Task(
        id=task_id,
        batch_id=task.batch_id,
        user_id=task.user_id,
        provider=task.provider,
        model=task.model,
        stage=Stage.PENDING,
        unit=unit,
        deadline=task.deadline,
        created_at=now,
        updated_at=now,
        attempt=task.attempt + 1,
        previous=(
            *task.previous,
            {
                "task": task.id,
                "error": failure.to_json() if failure else None,
                "cost": task.cost,
                "ticket": task.ticket,
            },
        ),
    )
    fresh = priced(fresh, estimate(unit))
    whole = len(positions) == task.unit.n
    same = replace(
        fresh,
        unit=replace(unit, key=task.unit.key or task.id),
        estimate=task.estimate,
        most=task.most,
        ticket=task.ticket,
        job_positions=task.job_positions if whole else task.job_positions or task.unit.positions,
        request_id=task.request_id,
        submitted_at=task.submitted_at,
    )
    if all(fetchable(task, generation) for generation in generations):
        links = dict(zip(task.unit.positions, task.results, strict=False))
        return replace(same, stage=Stage.DOWNLOADING, results=tuple(links[p] for p in positions))
    return replace(same, stage=Stage.PROCESSING) if whole and _still_there(task) else fresh


def _still_there(task: Task) -> bool:
    """Return whether a failed job can be asked for by its ticket."""
    if task.ticket is None or task.error is None:
        return False
    asked = bool(task.previous) and task.previous[-1].get("ticket") == task.ticket
    return task.error.code in STILL_THERE or (task.error.code in WORTH_A_SECOND_LOOK and not asked)
