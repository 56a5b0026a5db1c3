"""The changes that users make to their history: delete, restore, star, score, tag and move.

A deletion marks rows and ends their tasks in one transaction. When the time to undo is over, `removal`
removes the rows and files. The same transaction also updates the number of images and the cover of each
topic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from imgplay_widget._rules.scores import check_count, check_name, check_score
from imgplay_widget._store import queries, rows, spending, sweeps
from imgplay_widget._store.queries import SEEN_BATCH, SEEN_GENERATION, UNFINISHED
from imgplay_widget._store.tables import batches, generations, scores, tags, tasks, topics

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Select

    from imgplay_widget._store.queries import Condition, Scope
    from imgplay_widget._types import Generation, Kind, Task, Topic

__all__ = ["Hidden", "Restored", "hide", "move", "restore", "score", "star", "tag"]

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """The result of a deletion, which is empty where nothing was deleted.

    Attributes:
        topic_ids: the deleted topics.
        batches: the ids of each deleted batch and its topic, also for batches of deleted topics.
        generations: the ids of each deleted generation and its batch, where the batch stays visible.
        tasks: the tasks that the deletion ended, and which their drivers must stop.
        topics: the visible topics that lost images or batches, after the change.
    """

    topic_ids: tuple[str, ...] = ()
    batches: tuple[tuple[str, str], ...] = ()
    generations: tuple[tuple[str, str], ...] = ()
    tasks: tuple[Task, ...] = ()
    topics: tuple[Topic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The result of an undo, which is empty where nothing was restored.

    Attributes:
        ids: the requested ids that had been deleted.
        topics: the topics that were restored or regained batches, after the change.
        batch_ids: the batches that were restored or regained images, without those of restored topics.
    """

    ids: tuple[str, ...] = ()
    topics: tuple[Topic, ...] = ()
    batch_ids: tuple[str, ...] = ()


def hide(
    connection: Connection,
    scope: Scope,
    what: Kind,
    ids: Sequence[str],
    *,
    at: datetime,
    ended: Callable[[Task], Task],
) -> tuple[Hidden, list[str]]:
    """Mark visible rows as deleted, and end the tasks that no visible slot needs any more.

    Returns:
        The result, and the urls of the covers that are not used any more.
    """
    table, seen = _kind(scope, what)
    marked = _found(connection, table, ids, seen)
    holding = _holding(connection, what, marked)
    of_batch = _batch_ids(connection, marked) if what == "generation" else {}
    for part in _chunks(marked):
        connection.execute(update(table).where(table.c.id.in_(part)).values(deleted_at=at))
    stay = set(_found(connection, batches, list(holding), (SEEN_BATCH,)))
    if what != "topic":
        sweeps.hide_bare(connection, holding.keys() - stay, at)
    changed, covers = ([], []) if what == "topic" else update_topics(connection, scope, set(holding.values()))
    hidden = Hidden(
        topic_ids=tuple(marked) if what == "topic" else (),
        batches=tuple((batch_id, topic_id) for batch_id, topic_id in holding.items() if batch_id not in stay),
        generations=tuple(pair for pair in of_batch.items() if pair[1] in stay),
        tasks=tuple(_end_idle(connection, scope, list(holding), ended)),
        topics=tuple(changed),
    )
    return hidden, covers


def restore(connection: Connection, scope: Scope, what: Kind, ids: Sequence[str]) -> Restored:
    """Remove the marks of a deletion."""
    table, _ = _kind(scope, what)
    marked = _found(connection, table, ids, (*_owned(scope, what), table.c.deleted_at.is_not(None)))
    for part in _chunks(marked):
        connection.execute(update(table).where(table.c.id.in_(part)).values(deleted_at=None))
    if what == "topic":
        return Restored(ids=tuple(marked), topics=tuple(queries.topics_by_id(connection, scope, marked)))
    holding = _holding(connection, what, marked)
    sweeps.show(connection, holding)
    changed, _ = update_topics(connection, scope, set(holding.values()))
    return Restored(ids=tuple(marked), topics=tuple(changed), batch_ids=tuple(holding))


def star(connection: Connection, scope: Scope, ids: Sequence[str], *, starred: bool) -> list[str]:
    """Give generations a star or take it away, and return the batches of those that changed."""
    table, seen = _kind(scope, "generation")
    other = table.c.starred.is_(not starred)
    changed = _found(connection, table, ids, (*seen, other))
    for part in _chunks(changed):
        connection.execute(update(table).where(table.c.id.in_(part)).values(starred=starred))
    return sorted(set(_batch_ids(connection, changed).values()))


def score(connection: Connection, scope: Scope, given: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """Set scores of generations, or remove them (None), and return the batches of those that changed.

    Raises:
        InvalidRequest: a name or a value cannot be stored, or a generation would have too many scores.
    """
    checked = {
        one: {check_name(name, "scores"): _score(name, value) for name, value in of_one.items()}
        for one, of_one in given.items()
    }

    def wanted(before: Generation) -> Mapping[str, float | None]:
        after = {**before.scores, **checked[before.id]}
        after = {name: value for name, value in after.items() if value is not None}
        check_count(after, "scores")
        return after

    return _label(connection, scope, list(checked), scores, wanted)


def tag(
    connection: Connection,
    scope: Scope,
    ids: Sequence[str],
    *,
    add: Collection[str],
    remove: Collection[str],
) -> list[str]:
    """Give generations tags or take tags away, and return the batches of those that changed.

    Raises:
        InvalidRequest: a tag cannot be stored, or a generation would have too many tags.
    """
    new = {check_name(name, "tags") for name in add}

    def wanted(before: Generation) -> Mapping[str, float | None]:
        after = {*before.tags, *new} - {*remove}
        check_count(after, "tags")
        return dict.fromkeys(after)

    return _label(connection, scope, ids, tags, wanted)


def _score(name: str, value: float | None) -> float | None:
    return None if value is None else check_score(name, value)


def _label(
    connection: Connection,
    scope: Scope,
    ids: Sequence[str],
    table: Table,
    wanted: Callable[[Generation], Mapping[str, float | None]],
) -> list[str]:
    """Make the scores or the tags of generations what is wanted, and return the batches that changed."""
    changed: set[str] = set()
    lines: list[dict[str, Any]] = []
    _, seen = _kind(scope, "generation")
    for part in _chunks(ids):
        found = connection.execute(select(generations).where(generations.c.id.in_(part), *seen)).mappings()
        for one in queries.read_generations(connection, found.all()):
            before: Mapping[str, float | None] = one.scores if table is scores else dict.fromkeys(one.tags)
            after = wanted(one)
            gone = [name for name in before if after.get(name, ...) != before[name]]
            come = [name for name in after if before.get(name, ...) != after[name]]
            connection.execute(delete(table).where(table.c.generation_id == one.id, table.c.name.in_(gone)))
            lines += [{"generation_id": one.id, "name": name, "value": after[name]} for name in come]
            if gone or come:
                changed.add(one.batch_id)
    columns = table.columns.keys()
    if lines:
        connection.execute(insert(table), [{name: line[name] for name in columns} for line in lines])
    return sorted(changed)


def move(
    connection: Connection, scope: Scope, ids: Sequence[str], topic_id: str, *, at: datetime
) -> tuple[list[str], list[Topic], list[str]]:
    """Move batches into a topic, which then counts as the last used one.

    Returns:
        The batches that moved, the topics that lost or got batches, and the urls of the covers that are not
        used any more.
    """
    table, seen = _kind(scope, "batch")
    moved = _found(connection, table, ids, (*seen, table.c.topic_id != topic_id))
    sources = set(_holding(connection, "batch", moved).values())
    for part in _chunks(moved):
        connection.execute(update(table).where(table.c.id.in_(part)).values(topic_id=topic_id))
        spending.move(connection, part, topic_id)
    sweeps.follow(connection, moved, topic_id)
    if moved:
        first = queries.first_place(connection, scope, topic_id, at)
        connection.execute(update(topics).where(topics.c.id == topic_id).values(updated_at=first))
    changed, covers = update_topics(connection, scope, {*sources, topic_id} if moved else ())
    return moved, changed, covers


def update_topics(
    connection: Connection, scope: Scope, ids: Collection[str]
) -> tuple[list[Topic], list[str]]:
    """Count the images of topics again, and remove covers whose image is no longer visible in the topic.

    Returns:
        The visible topics after the change, and the urls of the covers that are not used any more.
    """
    wanted = sorted(ids)
    counted = _images().where(batches.c.topic_id == topics.c.id, generations.c.asset_digest.is_not(None))
    images = counted.with_only_columns(func.count()).correlate(topics).scalar_subquery()
    pictured = _images().where(batches.c.topic_id == topics.c.id, generations.c.id == topics.c.cover_of)
    lost = select(topics.c.id, topics.c.cover_url).where(
        topics.c.id.in_(wanted), topics.c.cover_of.is_not(None), ~pictured.correlate(topics).exists()
    )
    connection.execute(update(topics).where(topics.c.id.in_(wanted)).values(images=images))
    uncovered = {row.id: row.cover_url for row in connection.execute(lost)}
    bare = update(topics).where(topics.c.id.in_(list(uncovered)))
    connection.execute(bare.values(cover_url=None, cover_of=None))
    urls = [url for url in uncovered.values() if url is not None]
    return queries.topics_by_id(connection, scope, wanted), urls


def _images() -> Select[str]:
    """Return a query of the generations that are visible if their topic is."""
    joined = select(generations.c.id).join(batches, batches.c.id == generations.c.batch_id)
    return joined.where(generations.c.deleted_at.is_(None), batches.c.deleted_at.is_(None))


def _kind(scope: Scope, what: Kind) -> tuple[Table, tuple[Condition, ...]]:
    """Return the table of a kind, and the conditions of its visible rows."""
    owned = _owned(scope, what)
    match what:
        case "topic":
            return topics, (*owned, topics.c.deleted_at.is_(None))
        case "batch":
            return batches, (*owned, SEEN_BATCH)
        case "generation":
            return generations, (*owned, SEEN_GENERATION)


def _owned(scope: Scope, what: Kind) -> tuple[Condition, ...]:
    return {"topic": scope.topics, "batch": scope.batches, "generation": scope.generations}[what]()


def _found(
    connection: Connection, table: Table, ids: Sequence[str], conditions: tuple[Condition, ...]
) -> list[str]:
    """Return the ids whose rows meet the conditions."""
    found: list[str] = []
    for part in _chunks(ids):
        found += connection.scalars(select(table.c.id).where(table.c.id.in_(part), *conditions))
    return found


def _holding(connection: Connection, what: Kind, ids: Sequence[str]) -> dict[str, str]:
    """Return the visible batches of topics, batches or generations, with the topic of each batch."""
    holding: dict[str, str] = {}
    for part in _chunks(ids):
        held = select(generations.c.batch_id).where(generations.c.id.in_(part))
        mine = {
            "topic": batches.c.topic_id.in_(part),
            "batch": batches.c.id.in_(part),
            "generation": batches.c.id.in_(held),
        }[what]
        found = connection.execute(select(batches.c.id, batches.c.topic_id).where(mine, SEEN_BATCH))
        holding |= {row.id: row.topic_id for row in found}
    return holding


def _batch_ids(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _chunks(ids):
        rows = connection.execute(
            select(generations.c.id, generations.c.batch_id).where(generations.c.id.in_(part))
        )
        found |= {row.id: row.batch_id for row in rows}
    return found


def _end_idle(
    connection: Connection, scope: Scope, batch_ids: Sequence[str], ended: Callable[[Task], Task]
) -> list[Task]:
    """End the unfinished tasks of batches that no visible slot needs; their leases end too."""
    filling = select(generations.c.id).where(generations.c.async_task_id == tasks.c.id, SEEN_GENERATION)
    done: list[Task] = []
    for part in _chunks(batch_ids):
        idle = select(tasks).where(
            tasks.c.batch_id.in_(part), tasks.c.status.in_(UNFINISHED), ~filling.correlate(tasks).exists()
        )
        for row in connection.execute(idle).mappings().all():
            running = rows.task_of(row)
            task = ended(running)
            changes = rows.task_changes(task) | {"lease_owner": None, "lease_until": None}
            connection.execute(update(tasks).where(tasks.c.id == task.id).values(changes))
            spending.book(connection, scope, task, before=running.stage, images=0)
            done.append(task)
    return done


def _chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
