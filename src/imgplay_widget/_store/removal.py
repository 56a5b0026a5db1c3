"""The purge of deleted rows: first the rows, in one transaction, then the files that no other row names.

In the other order, a crash would leave rows without bytes. In this order, a crash leaves at most files
without rows, which `sweep` removes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, select

from imgplay_widget._store import drafts
from imgplay_widget._store.assets import UNKNOWN
from imgplay_widget._store.tables import batches, generations, references, tasks, topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from imgplay_widget._store.assets import Assets
    from imgplay_widget._store.database import Database
    from imgplay_widget._store.leases import Owners
    from imgplay_widget._store.queries import Scope

__all__ = ["Removal", "collect", "delete_idle_tasks", "expired", "finish", "purge", "sweep"]

_CHUNK = 500
_PART = 100
_HOUR = 3600.0
_DAY = 24 * _HOUR


@dataclass(slots=True)
class Removal:
    """The purged generations, and the files that may have lost their last row."""

    generation_ids: list[str] = field(default_factory=list[str])
    digests: set[str] = field(default_factory=set[str])
    cover_urls: list[str] = field(default_factory=list[str])


def expired(connection: Connection, scope: Scope, before: datetime) -> bool:
    """Return whether rows are left that were deleted before a time."""
    owned = {topics: scope.topics(), batches: scope.batches(), generations: scope.generations()}
    return any(
        connection.scalar(select(table.c.id).where(table.c.deleted_at < before, *mine).limit(1)) is not None
        for table, mine in owned.items()
    )


def purge(connection: Connection, scope: Scope, before: datetime) -> Removal:
    """Remove some of the rows that were deleted before a time, so few that other writers do not wait long."""
    topic = connection.execute(
        select(topics.c.id, topics.c.cover_url).where(topics.c.deleted_at < before, *scope.topics()).limit(1)
    ).one_or_none()
    if topic is not None:
        mine = select(batches.c.id).where(batches.c.topic_id == topic.id)
        removal = _of_batches(connection, connection.scalars(mine.order_by(batches.c.id)).all())
        removal.digests |= drafts.remove(connection, scope, topic.id)
        connection.execute(delete(topics).where(topics.c.id == topic.id))
        removal.cover_urls += [topic.cover_url] if topic.cover_url else []
        return removal
    marked = select(batches.c.id).where(batches.c.deleted_at < before, *scope.batches())
    batch_ids = connection.scalars(marked.limit(_PART)).all()
    if batch_ids:
        return _remove_batches(connection, batch_ids)
    return _purge_generations(connection, scope, before)


def _purge_generations(connection: Connection, scope: Scope, before: datetime) -> Removal:
    """Remove generations, and each batch with its last generation."""
    marked = select(generations.c.id, generations.c.batch_id, generations.c.asset_digest).where(
        generations.c.deleted_at < before, *scope.generations()
    )
    found = connection.execute(marked.limit(_PART)).all()
    removal = Removal([row.id for row in found], {row.asset_digest for row in found} - {None})
    connection.execute(delete(generations).where(generations.c.id.in_(removal.generation_ids)))
    batch_ids = sorted({row.batch_id for row in found})
    rest = select(generations.c.batch_id).where(generations.c.batch_id.in_(batch_ids))
    left = set(connection.scalars(rest))
    for batch_id in left:
        delete_idle_tasks(connection, batch_id)
    empty = _remove_batches(connection, [batch_id for batch_id in batch_ids if batch_id not in left])
    removal.digests |= empty.digests
    return removal


def delete_idle_tasks(connection: Connection, batch_id: str) -> None:
    """Delete the tasks of a batch that do not fill a slot."""
    filled = select(generations.c.async_task_id).where(
        generations.c.batch_id == batch_id, generations.c.async_task_id.is_not(None)
    )
    connection.execute(delete(tasks).where(tasks.c.batch_id == batch_id, tasks.c.id.not_in(filled)))


def finish(database: Database, assets: Assets, removal: Removal) -> None:
    """Remove the files of purged rows, after the commit."""
    for generation_id in removal.generation_ids:
        assets.discard(generation_id)
    for url in removal.cover_urls:
        assets.remove_cover(url)
    collect(database, assets, removal.digests)


def collect(database: Database, assets: Assets, digests: Iterable[str]) -> int:
    """Remove the files of the digests that no row and no draft names, and return their number."""
    removed = 0
    for part in _chunks(sorted(digests)):
        # A writer that is about to name a file in a row holds one of these two locks, so no such file is
        # removed.
        with assets.exclusive(), database.writing() as connection:
            named = _named(connection, part)
            removed += sum(
                assets.remove_content(digest)
                for digest in part
                if digest not in named and not assets.held(digest)
            )
    return removed


def sweep(database: Database, assets: Assets, owners: Owners) -> int:
    """Remove the files that crashes left, and return their number."""
    owners.clean()
    assets.forget_held(_DAY)
    with database.reading() as connection:
        contents = sorted(assets.contents())
        named = {digest for part in _chunks(contents) for digest in _named(connection, part)}
    removed = collect(database, assets, set(contents) - named)
    with assets.exclusive(), database.writing() as connection:
        for part in _chunks(assets.arrived()):
            # Bytes that arrived for a task which has ended (cancelled, timed out) are not needed any more.
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


def _remove_batches(connection: Connection, ids: Sequence[str]) -> Removal:
    removal = _of_batches(connection, ids)
    for part in _chunks(ids):
        connection.execute(delete(batches).where(batches.c.id.in_(part)))
    return removal


def _of_batches(connection: Connection, ids: Sequence[str]) -> Removal:
    removal = Removal()
    for part in _chunks(ids):
        chosen = select(generations.c.id, generations.c.asset_digest).where(generations.c.batch_id.in_(part))
        for row in connection.execute(chosen):
            removal.generation_ids.append(row.id)
            removal.digests |= {row.asset_digest} - {None}
        inputs = select(references.c.digest).where(references.c.batch_id.in_(part))
        removal.digests |= set(connection.scalars(inputs))
    return removal


def _named(connection: Connection, digests: Sequence[str]) -> set[str]:
    # Rows of every user count, because all users share the files.
    by_generation = select(generations.c.asset_digest).where(generations.c.asset_digest.in_(digests))
    by_reference = select(references.c.digest).where(references.c.digest.in_(digests))
    by_draft = drafts.named(connection).intersection(digests)
    return {*connection.scalars(by_generation), *connection.scalars(by_reference), *by_draft}


def _chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
