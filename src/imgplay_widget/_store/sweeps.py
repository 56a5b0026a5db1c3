"""Sweeps: one mark for many batches, and the batch of each cell.

A batch may stand in the cells of several sweeps, because a sweep takes what the store has. The batches that a
sweep asked for name it (`Batch.sweep_id`). A sweep is deleted with the last of these batches, and comes back
with any of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, Select, and_, delete, insert, select, update

from imgplay_widget._store.damage import reads_rows
from imgplay_widget._store.queries import SEEN_BATCH
from imgplay_widget._store.tables import batches, sweep_cells, sweeps, topics
from imgplay_widget._types import Axis, Sweep

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from imgplay_widget._store.queries import Condition, Scope

__all__ = [
    "add",
    "asked",
    "deleted_at",
    "fill",
    "fill_empty",
    "follow",
    "hide_bare",
    "mark",
    "newest",
    "of_batches",
    "read",
    "same",
    "show",
]

_CHUNK = 500

MAX_ASKED = 2000
"""The most batches that `Sweep.asked` names."""

_SEEN: Condition = and_(
    sweeps.c.deleted_at.is_(None),
    select(topics.c.id)
    .where(topics.c.id == sweeps.c.topic_id, topics.c.deleted_at.is_(None))
    .correlate(sweeps)
    .exists(),
)
"""The condition of a visible sweep."""

_OWN = select(batches.c.id).where(batches.c.sweep_id == sweeps.c.id, SEEN_BATCH).correlate(sweeps)
"""The visible batches that a sweep asked for."""


def add(connection: Connection, sweep: Sweep) -> None:
    """Add a sweep, without its cells."""
    row = {name: getattr(sweep, name) for name in Sweep.__slots__ if name not in ("cells", "asked")}
    row["axes"] = [{"name": axis.name, "values": list(axis.values)} for axis in sweep.axes]
    row["fixed"] = dict(sweep.fixed)
    connection.execute(insert(sweeps), row)


def fill(connection: Connection, sweep_id: str, cells: Mapping[int, str]) -> None:
    """Put batches into cells, by the positions of the cells. Batches that stood there leave the cells."""
    positions = list(cells)
    for start in range(0, len(positions), _CHUNK):
        part = positions[start : start + _CHUNK]
        mine = sweep_cells.c.sweep_id == sweep_id, sweep_cells.c.position.in_(part)
        connection.execute(delete(sweep_cells).where(*mine))
        lines = [{"sweep_id": sweep_id, "position": one, "batch_id": cells[one]} for one in part]
        connection.execute(insert(sweep_cells), lines)


def fill_empty(connection: Connection, sweep_id: str, position: int, batch_id: str) -> None:
    """Put a batch into a cell in which no batch stands."""
    mine = sweep_cells.c.sweep_id == sweep_id, sweep_cells.c.position == position
    if connection.scalar(select(sweep_cells.c.batch_id).where(*mine)) is None:
        fill(connection, sweep_id, {position: batch_id})


def read(connection: Connection, scope: Scope, ids: Sequence[str]) -> list[Sweep]:
    """Return the visible sweeps with these ids, oldest first; unknown ids are left out."""
    found: list[Sweep] = []
    for start in range(0, len(ids), _CHUNK):
        found += _read(connection, _mine(scope).where(sweeps.c.id.in_(ids[start : start + _CHUNK])))
    return sorted(found, key=lambda sweep: sweep.id)


def newest(connection: Connection, scope: Scope, topic_id: str | None, limit: int) -> list[Sweep]:
    """Return the newest sweeps of a topic, or of all topics (None), newest first."""
    wanted = _mine(scope)
    if topic_id is not None:
        wanted = wanted.where(sweeps.c.topic_id == topic_id)
    return _read(connection, wanted.order_by(sweeps.c.id.desc()).limit(limit))


def same(connection: Connection, scope: Scope, digest: str) -> Sweep | None:
    """Return the newest visible sweep with a digest, or None."""
    wanted = _mine(scope).where(sweeps.c.digest == digest).order_by(sweeps.c.id.desc())
    return next(iter(_read(connection, wanted.limit(1))), None)


def of_batches(connection: Connection, scope: Scope, batch_ids: Sequence[str]) -> list[Sweep]:
    """Return the visible sweeps in whose cells one of these batches stands, or that asked for one."""
    found: set[str] = set()
    for start in range(0, len(batch_ids), _CHUNK):
        part = batch_ids[start : start + _CHUNK]
        standing = select(sweep_cells.c.sweep_id).where(sweep_cells.c.batch_id.in_(part)).distinct()
        found.update(connection.scalars(standing))
        found.update(_asking(connection, part))
    return read(connection, scope, sorted(found))


def hide_bare(connection: Connection, batch_ids: Collection[str], at: datetime) -> None:
    """Delete the sweeps that asked for these batches and have no visible one any more."""
    for part in _parts(batch_ids):
        bare = sweeps.c.id.in_(_asking(connection, part)), sweeps.c.deleted_at.is_(None), ~_OWN.exists()
        connection.execute(update(sweeps).where(*bare).values(deleted_at=at))


def show(connection: Connection, batch_ids: Collection[str]) -> None:
    """Bring back the sweeps that asked for these batches."""
    for part in _parts(batch_ids):
        mine = sweeps.c.id.in_(_asking(connection, part)), sweeps.c.deleted_at.is_not(None)
        connection.execute(update(sweeps).where(*mine).values(deleted_at=None))


def asked(
    connection: Connection, scope: Scope, sweep_id: str, *, deleted_at: datetime | None = None
) -> list[str]:
    """Return the batches that a sweep asked for, oldest first: those there, or those deleted at a time."""
    mine = batches.c.sweep_id == sweep_id, batches.c.deleted_at == deleted_at, *scope.batches()
    return list(connection.scalars(select(batches.c.id).where(*mine).order_by(batches.c.id)))


def mark(connection: Connection, scope: Scope, sweep_id: str, *, deleted_at: datetime | None) -> None:
    """Set or remove the mark of the deletion of a sweep."""
    mine = sweeps.c.id == sweep_id, *_owned(scope)
    connection.execute(update(sweeps).where(*mine).values(deleted_at=deleted_at))


def deleted_at(connection: Connection, scope: Scope, sweep_id: str) -> datetime | None:
    """Return the time at which a sweep was deleted, or None where it was not, or is gone."""
    return connection.scalar(select(sweeps.c.deleted_at).where(sweeps.c.id == sweep_id, *_owned(scope)))


def follow(connection: Connection, batch_ids: Collection[str], topic_id: str) -> None:
    """Move the sweeps of batches that moved to a topic, as far as no batch of a sweep is elsewhere."""
    for part in _parts(batch_ids):
        elsewhere = _OWN.where(batches.c.topic_id != topic_id)
        mine = sweeps.c.id.in_(_asking(connection, part)), ~elsewhere.exists()
        connection.execute(update(sweeps).where(*mine).values(topic_id=topic_id))


def _asking(connection: Connection, batch_ids: Sequence[str]) -> list[str]:
    """Return the ids of the sweeps that asked for batches."""
    asking = select(batches.c.sweep_id).where(batches.c.id.in_(batch_ids), batches.c.sweep_id.is_not(None))
    return list(connection.scalars(asking.distinct()))


def _owned(scope: Scope) -> tuple[Condition, ...]:
    return sweeps.c.user_id == scope.user_id, sweeps.c.organization_id == scope.organization_id


def _mine(scope: Scope) -> Select[Any]:
    return select(sweeps).where(*_owned(scope), _SEEN)


@reads_rows
def _read(connection: Connection, wanted: Select[Any]) -> list[Sweep]:
    rows = connection.execute(wanted).mappings().all()
    ids = [row["id"] for row in rows]
    standing = (
        select(sweep_cells.c.sweep_id, sweep_cells.c.position, sweep_cells.c.batch_id)
        .join(batches, batches.c.id == sweep_cells.c.batch_id)
        .where(sweep_cells.c.sweep_id.in_(ids), SEEN_BATCH)
    )
    cells: dict[str, dict[int, str]] = defaultdict(dict)
    for row in connection.execute(standing):
        cells[row.sweep_id][row.position] = row.batch_id
    asked: dict[str, list[str]] = defaultdict(list)
    own = select(batches.c.sweep_id, batches.c.id).where(batches.c.sweep_id.in_(ids), SEEN_BATCH)
    for row in connection.execute(own.order_by(batches.c.id.desc())):
        asked[row.sweep_id].append(row.id)
    return [_sweep_of(row, cells[row["id"]], asked[row["id"]]) for row in rows]


def _sweep_of(row: RowMapping, cells: Mapping[int, str], asked: Sequence[str]) -> Sweep:
    columns = {str(name): value for name, value in row.items() if name != "deleted_at"}
    axes = tuple(Axis(name=one["name"], values=tuple(one["values"])) for one in row["axes"])
    count = math.prod(len(axis.values) for axis in axes)
    columns |= {"axes": axes, "fixed": dict(row["fixed"])}
    return Sweep(
        **columns,
        cells=tuple(cells.get(position) for position in range(count)),
        asked=tuple(asked[:MAX_ASKED]),
    )


def _parts(items: Collection[str]) -> Iterable[Sequence[str]]:
    several = sorted(items)
    for start in range(0, len(several), _CHUNK):
        yield several[start : start + _CHUNK]
