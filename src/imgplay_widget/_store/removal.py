"""The purge of deleted rows, and the removal of files.

A file is removed because a row says so, and never because no row names the file: the database may have been
replaced by an older or an empty one. The transaction that takes a row away lists the files of the row in
`image_removals`. The list is worked off afterwards, and again at the next start.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import ColumnElement, Connection, delete, insert, select, tuple_, update

from imgplay_widget._store import drafts
from imgplay_widget._store.assets import UNKNOWN
from imgplay_widget._store.tables import batches, generations, references, removals, sweeps, tasks, topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgplay_widget._store.assets import Assets
    from imgplay_widget._store.database import Database
    from imgplay_widget._store.leases import Owners
    from imgplay_widget._store.queries import Scope

__all__ = ["DAY", "delete_idle_tasks", "enlist", "expired", "named", "purge", "sweep", "work_off"]

_CHUNK = 500
_PART = 100
_HOUR = 3600.0

DAY = timedelta(days=1)
"""The time for which a file is kept that was uploaded, or that a draft let go."""

_Kind = Literal["content", "cover", "incoming"]


@dataclass(slots=True)
class Removal:
    """The purged generations, and the files that may have lost their last row."""

    generation_ids: list[str] = field(default_factory=list[str])
    digests: set[str] = field(default_factory=set[str])
    cover_urls: list[str] = field(default_factory=list[str])


def expired(connection: Connection, scope: Scope, before: datetime) -> bool:
    """Return whether rows are left that were deleted before a time."""
    owned = {
        topics: scope.topics(),
        batches: scope.batches(),
        generations: scope.generations(),
        sweeps: _sweeps(scope),
    }
    return any(
        connection.scalar(select(table.c.id).where(table.c.deleted_at < before, *mine).limit(1)) is not None
        for table, mine in owned.items()
    )


def purge(connection: Connection, scope: Scope, before: datetime) -> None:
    """Remove some of the rows that were deleted before a time, so few that other writers do not wait long.

    The files of these rows are listed for removal.
    """
    removal = _purge(connection, scope, before)
    enlist(connection, "incoming", removal.generation_ids)
    enlist(connection, "cover", removal.cover_urls)
    enlist(connection, "content", removal.digests)


def _purge(connection: Connection, scope: Scope, before: datetime) -> Removal:
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
    # The rows of a sweep are few, and its batches stay where they are not deleted too.
    connection.execute(delete(sweeps).where(sweeps.c.deleted_at < before, *_sweeps(scope)))
    marked = select(batches.c.id).where(batches.c.deleted_at < before, *scope.batches())
    batch_ids = connection.scalars(marked.limit(_PART)).all()
    if batch_ids:
        return _remove_batches(connection, batch_ids)
    return _purge_generations(connection, scope, before)


def _sweeps(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return sweeps.c.user_id == scope.user_id, sweeps.c.organization_id == scope.organization_id


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


def enlist(
    connection: Connection, kind: _Kind, names: Iterable[str], *, after: timedelta = timedelta()
) -> None:
    """List files for removal, in the transaction that takes a row away which named them.

    Args:
        connection: the transaction.
        kind: the kind of the files: see the table.
        names: the digests, urls or generations.
        after: the time for which the files are kept.
    """
    due = datetime.now(UTC) + after
    for part in _chunks(sorted(set(names))):
        connection.execute(delete(removals).where(removals.c.kind == kind, removals.c.name.in_(part)))
        connection.execute(insert(removals), [{"kind": kind, "name": name, "due_at": due} for name in part])


def work_off(database: Database, assets: Assets) -> int:
    """Remove the listed files that no row names and nobody holds, and return their number."""
    removed = 0
    while True:
        due = select(removals.c.kind, removals.c.name).where(removals.c.due_at <= datetime.now(UTC))
        with database.reading() as connection:
            lines = [(row.kind, row.name) for row in connection.execute(due.limit(_CHUNK))]
        if not lines:
            return removed
        # A writer that is about to name a file in a row holds one of these two locks, so no such file is
        # removed. A crash before the commit leaves the lines, and the next start works them off.
        with assets.exclusive(), database.writing() as connection:
            removed += _remove_files(connection, assets, lines)


def _remove_files(connection: Connection, assets: Assets, lines: Sequence[tuple[str, str]]) -> int:
    of_kind: dict[str, list[str]] = {"content": [], "cover": [], "incoming": []}
    for kind, name in lines:
        of_kind[kind].append(name)
    kept = named(connection, of_kind["content"])
    held = [digest for digest in of_kind["content"] if digest not in kept and assets.held(digest)]
    kept.update(held)
    urls = select(topics.c.cover_url).where(topics.c.cover_url.in_(of_kind["cover"]))
    waiting = select(generations.c.id).where(generations.c.id.in_(of_kind["incoming"]))
    kept.update(url for url in connection.scalars(urls) if url is not None)
    kept.update(connection.scalars(waiting))
    remove = {"content": assets.remove_content, "cover": assets.remove_cover, "incoming": assets.discard}
    removed = sum(remove[kind](name) for kind, name in lines if name not in kept)
    line = tuple_(removals.c.kind, removals.c.name)
    later = [("content", digest) for digest in held]
    connection.execute(update(removals).where(line.in_(later)).values(due_at=datetime.now(UTC) + DAY))
    connection.execute(delete(removals).where(line.in_(set(lines) - set(later))))
    return removed


def sweep(database: Database, assets: Assets, owners: Owners) -> int:
    """Remove listed files, uploads that nothing named for a day, and what crashes left among temporary files.

    Returns:
        The number of removed files.
    """
    owners.clean()
    with database.writing() as connection:
        enlist(connection, "content", assets.forget_held(DAY.total_seconds()))
    removed = work_off(database, assets) + _remove_copies(database, assets)
    for file, owner, age in assets.temporary():
        if age > _HOUR or (owner != UNKNOWN and owners.dead(owner)):
            with suppress(FileNotFoundError):
                file.unlink()
                removed += 1
    return removed


def _remove_copies(database: Database, assets: Assets) -> int:
    """Remove arrived bytes that are stored under their digest too, because a process died in between."""
    removed = 0
    for part in _chunks(assets.arrived()):
        filled = select(generations.c.id, generations.c.asset_digest).where(
            generations.c.id.in_(part), generations.c.asset_digest.is_not(None)
        )
        with database.reading() as connection:
            found = connection.execute(filled).all()
        removed += sum(assets.discard_copy(row.id, row.asset_digest) for row in found)
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


def named(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Return those digests that a row of any user names, because all users share the files."""
    by_generation = select(generations.c.asset_digest).where(generations.c.asset_digest.in_(digests))
    by_reference = select(references.c.digest).where(references.c.digest.in_(digests))
    by_draft = drafts.named(connection).intersection(digests)
    return {*connection.scalars(by_generation), *connection.scalars(by_reference), *by_draft}


def _chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
