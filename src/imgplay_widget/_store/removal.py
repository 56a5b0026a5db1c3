"""Deleting: rows first, in one transaction; then the files that no other row names.

The other way round a crash would leave rows without bytes. This way it leaves at most files without rows,
which `sweep` removes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, select

from imgplay_widget._store import queries
from imgplay_widget._store.assets import UNKNOWN
from imgplay_widget._store.tables import batches, generations, references, tasks, topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgplay_widget._store.assets import Assets
    from imgplay_widget._store.database import Database
    from imgplay_widget._store.leases import Owners
    from imgplay_widget._store.queries import Scope
    from imgplay_widget._types import Topic

__all__ = ["Deleted", "collect", "delete_batch", "delete_generation", "delete_topic", "finish", "sweep"]

_CHUNK = 500
_HOUR = 3600.0
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """What a deletion removed. All empty where there was nothing to delete.

    Attributes:
        topic_ids: the topics.
        batches: id and topic id of each batch.
        generations: id and batch id of each generation.
        task_ids: the tasks; whoever drives one of them has to stop.
        topic: the topic as it is now, or None where it is gone.
    """

    topic_ids: tuple[str, ...] = ()
    batches: tuple[tuple[str, str], ...] = ()
    generations: tuple[tuple[str, str], ...] = ()
    task_ids: tuple[str, ...] = ()
    topic: Topic | None = None


@dataclass(slots=True)
class Removal:
    """What was deleted, and the files that may have lost their last row."""

    deleted: Deleted = field(default_factory=Deleted)
    digests: set[str] = field(default_factory=set[str])
    cover_url: str | None = None


def delete_topic(connection: Connection, scope: Scope, topic_id: str) -> Removal:
    """Deletes the rows of a topic."""
    topic = queries.topic(connection, scope, topic_id)
    if topic is None:
        return Removal()
    mine = select(batches.c.id).where(batches.c.topic_id == topic_id)
    removal = _of_batches(connection, connection.scalars(mine.order_by(batches.c.id)).all(), topic_id)
    connection.execute(delete(topics).where(topics.c.id == topic_id))
    old = removal.deleted
    removal.cover_url = topic.cover_url
    removal.deleted = Deleted(
        topic_ids=(topic_id,), batches=old.batches, generations=old.generations, task_ids=old.task_ids
    )
    return removal


def delete_batch(connection: Connection, scope: Scope, batch_id: str) -> Removal:
    """Deletes the rows of a batch."""
    mine = select(batches.c.topic_id).where(batches.c.id == batch_id, *scope.batches())
    topic_id = connection.scalar(mine)
    if topic_id is None:
        return Removal()
    removal = _of_batches(connection, [batch_id], topic_id)
    connection.execute(delete(batches).where(batches.c.id == batch_id))
    old = removal.deleted
    removal.deleted = Deleted(
        batches=old.batches,
        generations=old.generations,
        task_ids=old.task_ids,
        topic=queries.topic(connection, scope, topic_id),
    )
    return removal


def delete_generation(connection: Connection, scope: Scope, generation_id: str) -> Removal:
    """Deletes the row of a generation; with the last one of a batch, the batch."""
    mine = select(generations, batches.c.topic_id).join(batches)
    row = connection.execute(
        mine.where(generations.c.id == generation_id, *scope.generations())
    ).one_or_none()
    if row is None:
        return Removal()
    others = select(func.count()).where(
        generations.c.batch_id == row.batch_id, generations.c.id != generation_id
    )
    if not connection.scalar(others):
        return delete_batch(connection, scope, row.batch_id)
    connection.execute(delete(generations).where(generations.c.id == generation_id))
    task_ids = delete_idle_tasks(connection, row.batch_id)
    deleted = Deleted(
        generations=((generation_id, row.batch_id),),
        task_ids=task_ids,
        topic=queries.topic(connection, scope, row.topic_id),
    )
    return Removal(deleted, {row.asset_digest} - {None})


def delete_idle_tasks(connection: Connection, batch_id: str) -> tuple[str, ...]:
    """Deletes the tasks of a batch that fill none of its generations, and gives their ids."""
    filled = select(generations.c.async_task_id).where(
        generations.c.batch_id == batch_id, generations.c.async_task_id.is_not(None)
    )
    idle = select(tasks.c.id).where(tasks.c.batch_id == batch_id, tasks.c.id.not_in(filled))
    ids = tuple(connection.scalars(idle.order_by(tasks.c.id)))
    for part in _chunks(ids):
        connection.execute(delete(tasks).where(tasks.c.id.in_(part)))
    return ids


def finish(database: Database, assets: Assets, removal: Removal) -> Deleted:
    """Removes the files of what was deleted, after the commit."""
    for generation_id, _ in removal.deleted.generations:
        assets.discard(generation_id)
    if removal.cover_url is not None:
        assets.remove_cover(removal.cover_url)
    collect(database, assets, removal.digests)
    return removal.deleted


def collect(database: Database, assets: Assets, digests: Iterable[str]) -> int:
    """Removes the files of those digests that no row names, and gives how many files that were."""
    removed = 0
    for part in _chunks(sorted(digests)):
        # Whoever is about to name a file by a row holds one of these two: none is taken from under it.
        with assets.exclusive(), database.writing() as connection:
            named = _named(connection, part)
            removed += sum(
                assets.remove_content(digest)
                for digest in part
                if digest not in named and not assets.held(digest)
            )
    return removed


def sweep(database: Database, assets: Assets, owners: Owners) -> int:
    """Removes the files that crashes have left, and gives how many files that were."""
    owners.clean()
    assets.forget_held(_DAY)
    with database.reading() as connection:
        contents = sorted(assets.contents())
        named = {digest for part in _chunks(contents) for digest in _named(connection, part)}
    removed = collect(database, assets, set(contents) - named)
    with assets.exclusive(), database.writing() as connection:
        for part in _chunks(assets.arrived()):
            # What arrived for a task at its end (cancelled, timed out) is wanted no more.
            waiting = (
                select(generations.c.id)
                .join(tasks, tasks.c.id == generations.c.async_task_id)
                .where(
                    generations.c.id.in_(part),
                    generations.c.asset_digest.is_(None),
                    tasks.c.status.in_(("pending", "processing")),
                )
            )
            for generation_id in set(part) - set(connection.scalars(waiting)):
                assets.discard(generation_id)
                removed += 1
        urls = set(connection.scalars(select(topics.c.cover_url).where(topics.c.cover_url.is_not(None))))
        for url in set(assets.covers()) - urls:
            assets.remove_cover(url)
            removed += 1
    for file, owner, age in assets.temporary():
        if age > _HOUR or (owner != UNKNOWN and owners.dead(owner)):
            with suppress(FileNotFoundError):
                file.unlink()
                removed += 1
    return removed


def _of_batches(connection: Connection, ids: Sequence[str], topic_id: str) -> Removal:
    found: list[tuple[str, str]] = []
    task_ids: list[str] = []
    digests: set[str] = set()
    for part in _chunks(ids):
        chosen = select(generations.c.id, generations.c.batch_id, generations.c.asset_digest)
        for row in connection.execute(chosen.where(generations.c.batch_id.in_(part))):
            found.append((row.id, row.batch_id))
            digests |= {row.asset_digest} - {None}
        task_ids += connection.scalars(select(tasks.c.id).where(tasks.c.batch_id.in_(part)))
        digests |= set(connection.scalars(select(references.c.digest).where(references.c.batch_id.in_(part))))
    deleted = Deleted(
        batches=tuple((batch_id, topic_id) for batch_id in ids),
        generations=tuple(found),
        task_ids=tuple(task_ids),
    )
    return Removal(deleted, digests)


def _named(connection: Connection, digests: Sequence[str]) -> set[str]:
    # Of every user: they share the files.
    by_generation = select(generations.c.asset_digest).where(generations.c.asset_digest.in_(digests))
    by_reference = select(references.c.digest).where(references.c.digest.in_(digests))
    return {*connection.scalars(by_generation), *connection.scalars(by_reference)}


def _chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
