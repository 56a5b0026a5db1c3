"""Pure functions that turn stored values into the values of REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._types import Status
from imgplay_widget.server.rest.values import (
    AssetAnswer,
    BatchAnswer,
    ErrorAnswer,
    GenerationAnswer,
    SpendingEvent,
    StatusAnswer,
    TopicAnswer,
)

if TYPE_CHECKING:
    from imgplay_widget._rules.changes import SpendingWritten
    from imgplay_widget._types import Entry, Generation, Topic
    from imgplay_widget.errors import ErrorInfo

__all__ = ["batch_answer", "error_answer", "spending_event", "status_answer", "topic_answer"]


def error_answer(info: ErrorInfo) -> ErrorAnswer:
    """Return an error as REST gives it."""
    return ErrorAnswer(code=info.code, message=info.message, next_step=info.next_step)


def topic_answer(topic: Topic, base: str) -> TopicAnswer:
    """Return a topic as REST gives it.

    Args:
        topic: the topic.
        base: the path of the REST interface.
    """
    cover = None if topic.cover_url is None else f"{base}/topics/{topic.id}/cover"
    return TopicAnswer(
        id=topic.id,
        title=topic.title,
        cover_url=cover,
        created_at=topic.created_at,
        updated_at=topic.updated_at,
    )


def batch_answer(entry: Entry, base: str) -> BatchAnswer:
    """Return a batch as REST gives it.

    Args:
        entry: the batch with its generations and tasks.
        base: the path of the REST interface.
    """
    batch = entry.batch
    return BatchAnswer(
        id=batch.id,
        topic_id=batch.topic_id,
        provider=batch.provider,
        model=batch.model,
        prompt=batch.prompt,
        config=dict(batch.config),
        width=batch.width,
        height=batch.height,
        created_at=batch.created_at,
        action=batch.action,
        generations=[
            GenerationAnswer(
                id=one.id,
                status=entry.status_of(one).value,
                seed=one.seed,
                asset=_asset(one, base),
                error=_error(entry, one),
            )
            for one in entry.generations
        ],
    )


def status_answer(
    entry: Entry, generation: Generation, base: str, *, progress: float | None, usual: float | None
) -> StatusAnswer:
    """Return the state of a generation as REST gives it.

    Args:
        entry: the batch of the generation.
        generation: the generation.
        base: the path of the REST interface.
        progress: 0.0 to 1.0, or None where it is not known.
        usual: the seconds that a task of the model usually takes, or None where that is not known.
    """
    status = entry.status_of(generation)
    done = 1.0 if status is Status.SUCCESS else None
    return StatusAnswer(
        id=generation.id,
        batch_id=generation.batch_id,
        status=status.value,
        progress=done if status.final or progress is None else min(1.0, max(0.0, progress)),
        usual_duration=None if status.final else usual,
        seed=generation.seed,
        asset=_asset(generation, base),
        error=_error(entry, generation),
    )


def _asset(generation: Generation, base: str) -> AssetAnswer | None:
    asset = generation.asset
    if asset is None:
        return None
    return AssetAnswer(
        url=f"{base}/generations/{generation.id}/image",
        thumbnail_url=f"{base}/generations/{generation.id}/thumbnail",
        width=asset.width,
        height=asset.height,
    )


def _error(entry: Entry, generation: Generation) -> ErrorAnswer | None:
    if entry.status_of(generation) not in (Status.ERROR, Status.CANCELLED):
        return None
    task = entry.task_of(generation)
    info = generation.error or (task.error if task else None)
    return None if info is None else error_answer(info)


def spending_event(spending: SpendingWritten) -> SpendingEvent:
    """Return today's total and the budget as REST gives them."""
    today, budget = spending.today, spending.budget
    return SpendingEvent(
        spent=format(today.spent, "f"),
        unknown=today.unknown,
        running=format(today.running, "f"),
        budget=None if budget is None else format(budget, "f"),
    )
