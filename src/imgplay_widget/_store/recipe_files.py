"""The recipe of each stored image, as a small file beside the original.

The rows are the truth, and nothing reads these files while the rows are there. When the database is lost or
replaced by an older one, `recovery` makes rows again from the recipes. A recipe holds no key and no link.
Images of the same bytes share one recipe, which is that of the newest image.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, bindparam, select

from imgplay_widget._store import rows
from imgplay_widget._store.damage import reads_rows
from imgplay_widget._store.tables import batches, generations, references, sweep_cells, sweeps, tasks, topics
from imgplay_widget._text import clean_json
from imgplay_widget._types import Asset, Axis, Batch, Generation, Reference, Stage, Sweep, Task, Topic, Unit
from imgplay_widget.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import RowMapping

    from imgplay_widget._store.assets import Assets

__all__ = ["Kept", "read", "write", "write_missing"]

logger = logging.getLogger("imgplay_widget")

_FORMAT = 1

MAX_SWEEP = 20_000
"""The most characters of a sweep in a recipe."""

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The rows of an image, as its recipe holds them.

    Attributes:
        topic: the topic in which the image was made.
        task: the call that made the image, or None where its row was gone.
        images: the number of images that the call brought.
        sweep: the sweep that asked for the batch, without its cells, or None.
        cell: the position of the batch in its sweep, or None where another batch stands there.
    """

    topic: Topic
    batch: Batch
    generation: Generation
    task: Task | None
    images: int
    sweep: Sweep | None
    cell: int | None


@reads_rows
def write(
    connection: Connection, assets: Assets, made: Sequence[Generation], tasks: Mapping[str, Task], images: int
) -> None:
    """Write the recipes of images that are stored now. A failure is no reason to lose the images.

    Args:
        connection: the transaction that stores the images.
        assets: the folder.
        made: the generations, each with its image.
        tasks: the calls that made the images, by id.
        images: the number of images that each of these calls brought.
    """
    ids = sorted({generation.batch_id for generation in made})
    found = {row["id"]: row for row in connection.execute(_BATCHES, {"ids": ids}).mappings()}
    named = {row["id"]: row for row in connection.execute(_TOPICS, {"ids": ids}).mappings()}
    inputs: dict[str, list[RowMapping]] = {batch_id: [] for batch_id in ids}
    for row in connection.execute(_INPUTS, {"ids": ids}).mappings():
        inputs[row["batch_id"]].append(row)
    asking = {batch_id: row["sweep_id"] for batch_id, row in found.items() if row["sweep_id"] is not None}
    swept = _sweeps(connection, asking)
    try:
        for generation in made:
            batch = rows.batch_of(found[generation.batch_id], inputs[generation.batch_id])
            data = _recipe(named[batch.topic_id], batch, generation) | {"sweep": swept.get(batch.id)}
            task = tasks.get(generation.async_task_id or "")
            data |= {"task": None if task is None else _task_json(task), "images": images}
            assert generation.asset is not None
            text = json.dumps(clean_json(data), ensure_ascii=False, default=_plain)
            assets.write_recipe(generation.asset.digest, text.encode())
    except StoreError as error:
        logger.warning("The recipe of an image could not be written: %s", error.message)


def write_missing(connection: Connection, assets: Assets) -> None:
    """Write the recipes of the images of all users that have none, as earlier versions did not write any."""
    stored = select(generations).where(generations.c.asset_digest.is_not(None))
    with connection.execute(stored.order_by(generations.c.id)) as result:
        for part in result.mappings().partitions(_CHUNK):
            made = [rows.generation_of(row) for row in part]
            made = [one for one in made if one.asset and assets.recipe(one.asset.digest) is None]
            ids = [one.async_task_id for one in made]
            calls = connection.execute(select(tasks).where(tasks.c.id.in_(ids))).mappings()
            write(connection, assets, made, {row["id"]: rows.task_of(row) for row in calls}, 0)


def read(assets: Assets, digest: str) -> Kept | None:
    """Return the recipe of an original, or None where there is none that can be read."""
    data = assets.recipe(digest)
    try:
        kept = None if data is None else _kept(clean_json(json.loads(data)))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Somebody changed the file, or its disk did.
        return None
    asset = None if kept is None else kept.generation.asset
    return kept if asset is not None and asset.digest == digest else None


def _recipe(topic: RowMapping, batch: Batch, generation: Generation) -> dict[str, Any]:
    own = {name: getattr(batch, name) for name in _BATCH} | {"config": dict(batch.config)}
    return {
        "format": _FORMAT,
        "topic": {name: topic[name] for name in ("id", "title", "title_by")},
        "batch": own
        | {"references": [asdict(one) for one in batch.references]}
        | {"mask": None if batch.mask is None else asdict(batch.mask)},
        "generation": {name: getattr(generation, name) for name in _GENERATION}
        | {"applied": dict(generation.applied)},
        "image": asdict(generation.asset) if generation.asset else None,
    }


def _sweeps(connection: Connection, asking: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what the recipes of batches keep of their sweeps, by the ids of the batches."""
    if not asking:
        return {}
    rows = connection.execute(_SWEEPS, {"ids": sorted(set(asking.values()))}).mappings()
    by_id = {row["id"]: {name: row[name] for name in _SWEEP} for row in rows}
    # A sweep of long texts would take more space than its images.
    small = {one for one, data in by_id.items() if len(json.dumps(data, default=_plain)) <= MAX_SWEEP}
    cells = connection.execute(_CELLS, {"ids": sorted(asking)})
    positions = {(row.batch_id, row.sweep_id): row.position for row in cells}
    return {
        batch_id: by_id[sweep_id] | {"cell": positions.get((batch_id, sweep_id))}
        for batch_id, sweep_id in asking.items()
        if sweep_id in small
    }


def _task_json(task: Task) -> dict[str, Any]:
    own = {name: getattr(task, name) for name in _TASK}
    return own | {"unit": task.unit.to_json(), "usage": dict(task.usage)}


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _kept(data: dict[str, Any]) -> Kept:
    if data["format"] != _FORMAT:
        raise ValueError("an unknown format")
    batch = _batch(dict(data["batch"]))
    topic = Topic(
        id=data["topic"]["id"],
        user_id=batch.user_id,
        organization_id=batch.organization_id,
        title=data["topic"]["title"],
        title_by=data["topic"]["title_by"],
        cover_url=None,
        created_at=batch.created_at,
        updated_at=batch.created_at,
    )
    task = None if data["task"] is None else _task(dict(data["task"]), batch)
    own = _with_times(dict(data["generation"]), "created_at")
    generation = Generation(
        **own,
        batch_id=batch.id,
        user_id=batch.user_id,
        async_task_id=None if task is None else task.id,
        asset=Asset(**data["image"]),
        error=None,
        starred=False,
    )
    swept = data.get("sweep")
    return Kept(
        topic=topic,
        batch=batch,
        generation=generation,
        task=task,
        images=int(data["images"]),
        sweep=None if swept is None else _sweep(swept, batch),
        cell=None if swept is None or swept["cell"] is None else int(swept["cell"]),
    )


def _batch(data: dict[str, Any]) -> Batch:
    inputs = tuple(Reference(**one) for one in data.pop("references"))
    over = data.pop("mask")
    mask = None if over is None else Reference(**over)
    # Earlier versions did not write an action.
    data["action"] = rows.action_of(data.get("action"))
    return Batch(**_with_times(data, "created_at"), references=inputs, mask=mask)


def _sweep(data: dict[str, Any], batch: Batch) -> Sweep:
    own = _with_times({name: data[name] for name in _SWEEP}, "created_at")
    own["axes"] = tuple(Axis(name=one["name"], values=tuple(one["values"])) for one in data["axes"])
    return Sweep(**own, topic_id=batch.topic_id, user_id=batch.user_id, organization_id=batch.organization_id)


def _task(data: dict[str, Any], batch: Batch) -> Task:
    unit = Unit.from_json(data.pop("unit"))
    times = ("created_at", "updated_at", "submitted_at", "finished_at")
    own = _with_times(data, *times)
    whole = Task(
        **own,
        batch_id=batch.id,
        user_id=batch.user_id,
        provider=batch.provider,
        model=batch.model,
        stage=Stage.SUCCESS,
        unit=unit,
    )
    return replace(whole, updated_at=whole.finished_at or whole.updated_at)


def _with_times(data: dict[str, Any], *names: str) -> dict[str, Any]:
    times = {name: datetime.fromisoformat(data[name]) for name in names if data[name] is not None}
    return data | times


_BATCH = (
    *("id", "topic_id", "user_id", "organization_id", "provider", "model", "prompt"),
    *("width", "height", "created_at", "click_id", "sweep_id", "action"),
)
_SWEEP = ("id", "digest", "template", "axes", "fixed", "created_at")
_GENERATION = ("id", "position", "seed", "parent_id", "created_at")
_TASK = (
    *("id", "deadline", "created_at", "updated_at", "submitted_at", "finished_at"),
    *("attempt", "request_id", "cost", "estimate", "served_by"),
)

_IDS: ColumnElement[str] = bindparam("ids", expanding=True)
_BATCHES = select(batches).where(batches.c.id.in_(_IDS))
_TOPICS = select(topics).where(topics.c.id.in_(select(batches.c.topic_id).where(batches.c.id.in_(_IDS))))
_SWEEPS = select(sweeps).where(sweeps.c.id.in_(_IDS))
_CELLS = select(sweep_cells).where(sweep_cells.c.batch_id.in_(_IDS))
_INPUTS = select(references).where(references.c.batch_id.in_(_IDS)).order_by(references.c.position)
