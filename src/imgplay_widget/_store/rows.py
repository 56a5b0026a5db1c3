"""The translation between the frozen values and the rows of the tables."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

from imgplay_widget._rules.requests import request_digest
from imgplay_widget._store import tables
from imgplay_widget._store.damage import DamagedValue, reads_rows
from imgplay_widget._types import Action, Asset, Batch, Generation, Reference, Stage, Task, Topic, Unit
from imgplay_widget.errors import ErrorInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping, Table

__all__ = [
    "REFERENCE",
    "action_of",
    "batch_of",
    "batch_row",
    "digest_of",
    "filling",
    "folded",
    "generation_of",
    "generation_row",
    "input_rows",
    "task_changes",
    "task_of",
    "task_row",
    "topic_of",
    "topic_row",
]


REFERENCE = "reference"
MASK = "mask"
"""The roles of an input image."""

_INPUTS = ("references", "mask")
_LABELS = ("scores", "tags")


def folded(text: str) -> str:
    """Return a text in the form for searches: without case, and with one way to write each character."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def topic_row(topic: Topic) -> dict[str, Any]:
    """Return the columns of a new topic."""
    columns = asdict(topic)
    del columns["running"]
    return columns


@reads_rows
def topic_of(row: RowMapping, running: int) -> Topic:
    """Return the topic of a row and of the number of its generations that wait or run."""
    columns = _columns(row, tables.topics, "cover_of", "deleted_at")
    return Topic(**columns, running=running)


def batch_row(batch: Batch) -> dict[str, Any]:
    """Return the columns of a batch; its references and its mask are rows of another table.

    The digest is that of the request with these input images.
    """
    columns = {name: getattr(batch, name) for name in Batch.__slots__ if name not in _INPUTS}
    columns["config"] = dict(batch.config)
    columns["prompt_folded"] = folded(batch.prompt)
    columns["request_digest"] = digest_of(batch)
    return columns


def digest_of(batch: Batch) -> str:
    """Return the digest of the request of a batch."""
    return request_digest(
        provider=batch.provider,
        model=batch.model,
        prompt=batch.prompt,
        config=batch.config,
        references=[one.digest for one in batch.references],
        mask=None if batch.mask is None else batch.mask.digest,
    )


@reads_rows
def batch_of(row: RowMapping, inputs: Sequence[RowMapping]) -> Batch:
    """Return the batch of a row and of the rows of its input images, in their order."""
    references = tuple(_reference_of(one) for one in inputs if one["role"] == REFERENCE)
    mask = next((_reference_of(one) for one in inputs if one["role"] == MASK), None)
    columns = _columns(row, tables.batches, "prompt_folded", "request_digest", "deleted_at")
    columns["config"] = dict(row["config"])
    columns["action"] = action_of(row["action"])
    return Batch(**columns, references=references, mask=mask)


def action_of(word: str | None) -> Action | None:
    """Return a stored action. A word that this version does not know stands for no action."""
    return next((one for one in get_args(Action) if one == word), None)


def input_rows(batch: Batch) -> list[dict[str, Any]]:
    """Return the columns of a batch's references, and of the mask after them."""
    last = len(batch.references)
    return [
        {
            "batch_id": batch.id,
            "position": position,
            **asdict(one),
            "role": REFERENCE if position < last else MASK,
        }
        for position, one in enumerate(batch.inputs)
    ]


@reads_rows
def _reference_of(row: RowMapping) -> Reference:
    """Return the reference of a row."""
    return Reference(
        digest=row["digest"],
        media_type=row["media_type"],
        width=row["width"],
        height=row["height"],
        generation_id=row["generation_id"],
    )


def generation_row(generation: Generation) -> dict[str, Any]:
    """Return the columns of a new generation; its scores and its tags are rows of other tables."""
    columns = {name: getattr(generation, name) for name in Generation.__slots__ if name not in _LABELS}
    return columns | filling(generation)


def filling(generation: Generation) -> dict[str, Any]:
    """Return the columns of a generation that change when its task ends."""
    asset, error = generation.asset, generation.error
    return {
        "asset": None if asset is None else _asset_json(asset),
        "asset_digest": None if asset is None else asset.digest,
        "error": None if error is None else error.to_json(),
        "applied": dict(generation.applied),
    }


@reads_rows
def generation_of(row: RowMapping, labels: Sequence[RowMapping] = ()) -> Generation:
    """Return the generation of a row and of the rows of its scores and tags, in their order.

    The rows of tags have no value.
    """
    columns = _columns(row, tables.generations, "asset_digest", "deleted_at")
    columns["applied"] = dict(row["applied"])
    columns["asset"] = None if row["asset"] is None else _asset_of(row["asset"])
    columns["error"] = None if row["error"] is None else ErrorInfo.from_json(row["error"])
    scores = {one["name"]: one["value"] for one in labels if one["value"] is not None}
    tags = tuple(one["name"] for one in labels if one["value"] is None)
    return Generation(**columns, scores=scores, tags=tags)


def _asset_json(asset: Asset) -> dict[str, Any]:
    """Return the column ``asset``."""
    return {
        "url": asset.url,
        "thumbnailUrl": asset.thumbnail_url,
        "width": asset.width,
        "height": asset.height,
        "digest": asset.digest,
        "mediaType": asset.media_type,
        "size": asset.size,
        "whole": asset.whole,
    }


def _asset_of(data: dict[str, Any]) -> Asset:
    return Asset(
        digest=data["digest"],
        url=data["url"],
        thumbnail_url=data["thumbnailUrl"],
        width=data["width"],
        height=data["height"],
        media_type=data["mediaType"],
        size=data["size"],
        # Earlier versions kept whole images only.
        whole=data.get("whole", True),
    )


def task_row(task: Task) -> dict[str, Any]:
    """Return the columns of a new task."""
    return {
        "id": task.id,
        "batch_id": task.batch_id,
        "user_id": task.user_id,
        "provider": task.provider,
        "model": task.model,
        "unit": task.unit.to_json(),
        "deadline": task.deadline,
        "estimate": task.estimate,
        "created_at": task.created_at,
        "lease_owner": task.lease_owner,
        "lease_until": task.lease_until,
        **task_changes(task),
    }


def task_changes(task: Task) -> dict[str, Any]:
    """Return the columns of a task that change while it runs, without the lease."""
    error = task.error
    return {
        "status": task.status.value,
        "stage": task.stage.value,
        "metadata": {
            "usage": dict(task.usage),
            "served_by": task.served_by,
            "most": task.most,
            "job_positions": list(task.job_positions),
            "previous": [dict(item) for item in task.previous],
        },
        "ticket": None if task.ticket is None else dict(task.ticket),
        "results": [dict(item) for item in task.results],
        "error": None if error is None else error.to_json(),
        "error_code": None if error is None else error.code,
        "retryable": None if error is None else error.retryable,
        "attempt": task.attempt,
        "resumes": task.resumes,
        "request_id": task.request_id,
        "cost": task.cost,
        "updated_at": task.updated_at,
        "submitted_at": task.submitted_at,
        "finished_at": task.finished_at,
    }


@reads_rows
def task_of(row: RowMapping) -> Task:
    """Return the task of a row."""
    columns = _columns(row, tables.tasks, "type", "status", "error_code", "retryable")
    kept = columns.pop("metadata")
    columns["stage"] = Stage(row["stage"])
    columns["unit"] = Unit.from_json(row["unit"])
    columns["usage"] = dict(kept.get("usage", {}))
    columns["served_by"] = kept.get("served_by")
    columns["most"] = kept.get("most")
    columns["job_positions"] = tuple(kept.get("job_positions", ()))
    columns["previous"] = tuple(dict(one) for one in kept.get("previous", ()))
    columns["ticket"] = None if row["ticket"] is None else dict(row["ticket"])
    columns["results"] = tuple(dict(one) for one in row["results"])
    columns["error"] = None if row["error"] is None else ErrorInfo.from_json(row["error"])
    return Task(**columns)


def _columns(row: RowMapping, table: Table, *without: str) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, value in row.items():
        if value is None and name in _REQUIRED[table]:
            raise DamagedValue(f"the column {name} of {table.name} is empty")
        if name not in without:
            columns[str(name)] = value
    return columns


_REQUIRED = {
    table: frozenset(column.name for column in table.columns if not column.nullable)
    for table in (tables.topics, tables.batches, tables.generations, tables.tasks)
}
