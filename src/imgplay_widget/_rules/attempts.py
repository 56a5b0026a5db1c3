"""The next attempt of a task, and what a cancel means for the bill."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imgplay_widget._ids import new_id
from imgplay_widget._types import Stage, Task
from imgplay_widget.errors import Cancelled, ErrorInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from imgplay_widget._types import Generation, Unit

__all__ = ["cancel_note", "next_attempt"]

STILL_RUNNING = frozenset(
    {"deadline", "provider_missing", "bad_key", "missing_key", "disk_full", "network", "connect_failed"}
)
"""The errors after which the job may still run, or may have ended, at the provider. Retry then asks for the
job by its ticket, which costs nothing, instead of sending a new call."""


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


def next_attempt(
    task: Task,
    generations: Sequence[Generation],
    now: datetime,
    *,
    estimate: Callable[[Unit], str | None],
) -> Task:
    """Return the task of the next attempt, for the generations that failed.

    Args:
        task: the attempt that failed.
        generations: the generations to fill.
        now: the present time, aware.
        estimate: returns the expected cost of a call (see `Task.estimate`).
    """
    positions = tuple(generation.position for generation in generations)
    seeds = dict(zip(task.unit.positions, task.unit.seeds, strict=True))
    task_id = new_id()
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
        estimate=estimate(unit),
        created_at=now,
        updated_at=now,
        attempt=task.attempt + 1,
        previous=(
            *task.previous,
            {
                "task": task.id,
                "error": task.error.to_json() if task.error else None,
                "cost": task.cost,
                "ticket": task.ticket,
            },
        ),
    )
    whole = len(positions) == task.unit.n
    if task.ticket is not None and task.error is not None and whole and task.error.code in STILL_RUNNING:
        return replace(
            fresh,
            stage=Stage.PROCESSING,
            unit=task.unit,
            ticket=task.ticket,
            estimate=task.estimate,
            submitted_at=task.submitted_at,
        )
    return fresh
