"""The endpoints of batches and generations: read, poll, cancel, retry, delete and restore."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from imgplay_widget import errors
from imgplay_widget._rules.schedule import pause
from imgplay_widget.errors import StoreError
from imgplay_widget.server.rest.declare import Asked, Endpoint, JsonAnswer
from imgplay_widget.server.rest.states import batch_answer, status_answer
from imgplay_widget.server.rest.values import (
    BatchAnswer,
    BatchesAnswer,
    BatchesQuery,
    NoFields,
    RetryBody,
    StatusAnswer,
)

if TYPE_CHECKING:
    from imgplay_widget._types import Entry, Generation
    from imgplay_widget.server.rest.declare import Function
    from imgplay_widget.server.rest.studio import RestStudio
    from imgplay_widget.server.rest.values import WireValue

__all__ = ["ENDPOINTS", "retry_after"]


async def list_batches(asked: Asked[BatchesQuery, NoFields], studio: RestStudio) -> JsonAnswer:
    """List the batches of a topic, or of all topics, the newest first."""
    query, archive = asked.query, studio.core.archive
    if query.topic_id is not None:
        await archive.topic(query.topic_id)
    page = await archive.feed(query.topic_id, before=query.cursor, limit=query.limit)
    batches = [batch_answer(entry, studio.base) for entry in page.entries]
    return JsonAnswer(value=BatchesAnswer(batches=batches, next=page.before))


async def read_batch(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Return a batch."""
    return await _batch(asked.id, studio)


async def cancel_batch(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Stop the unfinished tasks of a batch. Finished images stay."""
    await studio.core.engine.cancel([asked.id])
    return await _batch(asked.id, studio)


async def retry_batch(asked: Asked[NoFields, RetryBody], studio: RestStudio) -> JsonAnswer:
    """Run all failed and cancelled generations of a batch again."""
    await studio.core.engine.retry(asked.id, confirm=asked.body.confirm)
    return await _batch(asked.id, studio)


async def delete_batch(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Delete a batch with all its images, and stop its tasks. For a minute it can be restored."""
    entry = await studio.core.engine.entry(asked.id)
    await studio.core.delete("batch", entry.batch.id)
    return JsonAnswer()


async def restore_batch(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Bring back a batch that was deleted in the last minute."""
    await studio.core.restore("batch", asked.id)
    return await _batch(asked.id, studio)


async def read_status(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Return the state of a generation, and in `Retry-After` when it is worth asking again."""
    return await _status(asked.id, studio)


async def cancel_generation(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Stop the task of a generation, where the generation is not finished."""
    entry, generation = await studio.core.archive.generation(asked.id)
    await studio.core.engine.cancel([entry.batch.id], generation.id)
    return await _status(asked.id, studio)


async def retry_generation(asked: Asked[NoFields, RetryBody], studio: RestStudio) -> JsonAnswer:
    """Run a failed or cancelled generation again."""
    entry, generation = await studio.core.archive.generation(asked.id)
    await studio.core.engine.retry(entry.batch.id, generation.id, confirm=asked.body.confirm)
    return await _status(asked.id, studio)


async def delete_generation(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Delete a generation, and its batch with the last one. For a minute it can be restored."""
    _, generation = await studio.core.archive.generation(asked.id)
    await studio.core.delete("generation", generation.id)
    return JsonAnswer()


async def restore_generation(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Bring back a generation that was deleted in the last minute."""
    await studio.core.restore("generation", asked.id)
    return await _status(asked.id, studio)


async def _batch(batch_id: str, studio: RestStudio) -> JsonAnswer:
    entry = await studio.core.engine.entry(batch_id)
    return JsonAnswer(value=batch_answer(entry, studio.base))


async def _status(generation_id: str, studio: RestStudio) -> JsonAnswer:
    entry, generation = await studio.core.archive.generation(generation_id)
    headers: dict[str, str] = {}
    if not entry.status_of(generation).final:
        headers["Retry-After"] = await retry_after(entry, generation, studio)
    progress = studio.events.progress.get(generation.id)
    usual = studio.core.usual(entry.batch)
    answer = status_answer(entry, generation, studio.base, progress=progress, usual=usual)
    return JsonAnswer(value=answer, headers=headers)


async def retry_after(entry: Entry, generation: Generation, studio: RestStudio) -> str:
    """Return the whole seconds after which it is worth asking for an unfinished generation again."""
    core, batch, task = studio.core, entry.batch, entry.task_of(generation)
    sent = task is not None and task.submitted_at is not None
    since = task.submitted_at if task is not None and task.submitted_at else batch.created_at
    elapsed = max(0.0, (core.now() - since).total_seconds())
    durations: list[float] = []
    if sent:
        try:
            durations = await core.archive.in_store(core.archive.store.durations, batch.provider, batch.model)
        except StoreError:
            # The state is known already, and a guess is better than an error.
            durations = []
    return str(math.ceil(pause(durations, elapsed, studio.events.waits.get(generation.id))))


_RETRY = (errors.OverBudget, errors.PriceUnknown, errors.NotFound, errors.DiskFull)
_LATER = {"Retry-After": "The seconds after which it is worth asking again, while there is no end."}


_GROUPS = {"batch": "batches", "generation": "generations"}


def _endpoint_of(
    kind: str, step: str, function: Function, answer: type[WireValue], body: type[WireValue] | None = None
) -> Endpoint:
    return Endpoint(
        method="POST",
        path=f"/{_GROUPS[kind]}/{{{kind}Id}}/{step}",
        function=function,
        body=body,
        status=202 if step == "retry" else 200,
        answer=answer,
        tells=_LATER if answer is StatusAnswer else {},
        errors=_RETRY if step == "retry" else (),
        group=_GROUPS[kind],
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/batches",
        function=list_batches,
        query=BatchesQuery,
        answer=BatchesAnswer,
        errors=(errors.NotFound,),
        group="batches",
    ),
    Endpoint(
        method="GET", path="/batches/{batchId}", function=read_batch, answer=BatchAnswer, group="batches"
    ),
    Endpoint(method="DELETE", path="/batches/{batchId}", function=delete_batch, status=204, group="batches"),
    _endpoint_of("batch", "cancel", cancel_batch, BatchAnswer),
    _endpoint_of("batch", "retry", retry_batch, BatchAnswer, RetryBody),
    _endpoint_of("batch", "restore", restore_batch, BatchAnswer),
    Endpoint(
        method="GET",
        path="/status/{generationId}",
        function=read_status,
        answer=StatusAnswer,
        tells=_LATER,
        group="generations",
    ),
    Endpoint(
        method="DELETE",
        path="/generations/{generationId}",
        function=delete_generation,
        status=204,
        group="generations",
    ),
    _endpoint_of("generation", "cancel", cancel_generation, StatusAnswer),
    _endpoint_of("generation", "retry", retry_generation, StatusAnswer, RetryBody),
    _endpoint_of("generation", "restore", restore_generation, StatusAnswer),
)
"""The endpoints of batches and generations."""
