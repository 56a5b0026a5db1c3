"""The reads. They see the rows of one user that are not deleted.

A deletion marks one row and nothing below that row, so that an undo restores exactly what the deletion took.
A batch is visible while neither the batch nor its topic is marked, and at least one of its generations is
not.

Building a statement costs more than running it. So the statements that run for every image are built once for
each scope.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Tuple,
    and_,
    bindparam,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)

from imgplay_widget._rules.titles import UNTITLED
from imgplay_widget._store import rows
from imgplay_widget._store.tables import (
    UtcTime,
    batches,
    generations,
    references,
    scores,
    tags,
    tasks,
    topics,
)
from imgplay_widget._text import shown
from imgplay_widget._types import Entry, Generation, Task, Topic, TopicPage
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgplay_widget._types import Reference

__all__ = [
    "SCOPES",
    "SEEN_BATCH",
    "SEEN_GENERATION",
    "UNFINISHED",
    "Scope",
    "bare_topics",
    "children",
    "cover_candidate",
    "durations",
    "entries",
    "entry",
    "find_topic",
    "first_place",
    "free_title",
    "generation",
    "generation_of",
    "generations_by_id",
    "names_image",
    "parents",
    "read_generations",
    "slots",
    "topic",
    "topic_exists",
    "topic_page",
    "topics_by_id",
    "topics_of",
    "with_contents",
    "with_parents",
]

Condition = ColumnElement[bool]

UNFINISHED = ("pending", "processing")
"""The states of a task that waits or runs."""

_CHUNK = 500

SCOPES = 64
"""The most scopes of a process whose statements are kept."""

SEEN_BATCH: Condition = and_(
    batches.c.deleted_at.is_(None),
    select(topics.c.id)
    .where(topics.c.id == batches.c.topic_id, topics.c.deleted_at.is_(None))
    .correlate(batches)
    .exists(),
    select(generations.c.id)
    .where(generations.c.batch_id == batches.c.id, generations.c.deleted_at.is_(None))
    .correlate(batches)
    .exists(),
)
"""The condition of a visible batch."""

SEEN_GENERATION: Condition = and_(
    generations.c.deleted_at.is_(None),
    select(batches.c.id)
    .join(topics, topics.c.id == batches.c.topic_id)
    .where(
        batches.c.id == generations.c.batch_id, batches.c.deleted_at.is_(None), topics.c.deleted_at.is_(None)
    )
    .correlate(generations)
    .exists(),
)
"""The condition of a visible generation."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The owner of the rows that a store reads and writes. Every query is limited to these rows."""

    user_id: str
    organization_id: str | None

    def topics(self) -> tuple[Condition, ...]:
        """Return the conditions of topics in this scope."""
        return topics.c.user_id == self.user_id, topics.c.organization_id == self.organization_id

    def batches(self) -> tuple[Condition, ...]:
        """Return the conditions of batches in this scope."""
        return batches.c.user_id == self.user_id, batches.c.organization_id == self.organization_id

    def generations(self) -> tuple[Condition, ...]:
        """Return the conditions of generations in this scope, whose batch holds the organization."""
        mine = select(batches.c.id).where(*self.batches(), batches.c.id == generations.c.batch_id)
        return generations.c.user_id == self.user_id, mine.correlate(generations).exists()

    @property
    def holder(self) -> str:
        """The owner in the names of files, in which a user id may not stand."""
        return hashlib.sha256(f"{self.user_id}\n{self.organization_id or ''}".encode()).hexdigest()[:16]

    def tasks(self) -> tuple[Condition, ...]:
        """Return the conditions of tasks in this scope, whose batch holds the organization."""
        mine = select(batches.c.id).where(*self.batches(), batches.c.id == tasks.c.batch_id)
        return tasks.c.user_id == self.user_id, mine.correlate(tasks).exists()


def topics_of(connection: Connection, scope: Scope) -> list[Topic]:
    """Return all topics: first the pinned ones, then the others, the last used one first."""
    return _read_topics(connection, scope, _topics(scope))


def topic_page(
    connection: Connection, scope: Scope, *, search: str, before: str | None, limit: int
) -> TopicPage:
    """Return a page of the topics whose titles hold all words of a search, in the order of `topics_of`."""
    listed = _topics(scope)
    if before is not None:
        listed = listed.where(_position(before) > _ORDER)
    words = rows.folded(search).split()
    if words:
        # Python compares the titles, because each database folds case differently. Titles are short and few.
        titles = connection.execute(listed.with_only_columns(topics.c.id, topics.c.title))
        holding = (row.id for row in titles if _holds(row.title, words))
        listed = listed.where(topics.c.id.in_(list(islice(holding, limit + 1))))
        titles.close()
    found = _read_topics(connection, scope, listed.limit(limit + 1))
    page = found[:limit]
    return TopicPage(topics=tuple(page), before=_cursor(page[-1]) if len(found) > limit else None)


def find_topic(connection: Connection, scope: Scope, name: str) -> str | None:
    """Return the id of the topic with this id, else of the topic with this title, else None."""
    mine = select(*_ORDER.clauses).where(*scope.topics(), topics.c.deleted_at.is_(None))
    # Python picks the first topic of the list: with an ORDER BY, SQLite would read the whole list.
    named = connection.execute(mine.where(topics.c.id == name)).all()
    named = named or connection.execute(mine.where(topics.c.title == name)).all()
    return max((tuple(row) for row in named), default=(None,))[-1]


def bare_topics(connection: Connection, scope: Scope) -> list[Topic]:
    """Return the topics that hold images and do not have a cover."""
    bare = topics.c.cover_url.is_(None), topics.c.images > 0
    return _read_topics(connection, scope, _topics(scope).where(*bare))


def _read_topics(connection: Connection, scope: Scope, wanted: Select[Any]) -> list[Topic]:
    running = _running(connection, scope)
    found = connection.execute(wanted).mappings()
    return [rows.topic_of(row, running.get(row["id"], 0)) for row in found]


def _holds(title: str | None, words: Sequence[str]) -> bool:
    text = rows.folded(title or UNTITLED)
    return all(word in text for word in words)


def _cursor(last: Topic) -> str:
    """Return the position of a topic in the list, which stays right when other topics come or go."""
    return f"{last.pinned:d} {last.updated_at.isoformat()} {last.id}"


def _position(cursor: str) -> Tuple:
    try:
        pinned, at, topic_id = cursor.split(" ")
        # A time without a zone is local, and no list of topics has a cursor with such a time.
        moment = datetime.fromisoformat(at).astimezone()
        position = literal(pinned == "1"), literal(moment, UtcTime), literal(topic_id)
    except (ValueError, OverflowError):
        message = f"before={shown(cursor)} is not a cursor of the list of topics."
        raise InvalidRequest(message, parameter="before") from None
    return tuple_(*position)


def topic(connection: Connection, scope: Scope, topic_id: str) -> Topic | None:
    """Return a topic, or None."""
    return next(iter(topics_by_id(connection, scope, [topic_id])), None)


def topic_exists(connection: Connection, topic_id: str) -> bool:
    """Return whether the row of a topic is there, also of a deleted one."""
    return connection.scalar(select(topics.c.id).where(topics.c.id == topic_id)) is not None


def first_place(connection: Connection, scope: Scope, topic_id: str, now: datetime) -> datetime:
    """Return the time by which a topic comes first in the list: now, or later where a clock went back.

    Another process may have had a later time. The page reads milliseconds, so one of them must lie between.
    """
    others = select(topics.c.updated_at).where(
        *scope.topics(), topics.c.deleted_at.is_(None), topics.c.id != topic_id
    )
    for pinned in (False, True):
        last = others.where(topics.c.pinned == pinned).order_by(topics.c.updated_at.desc()).limit(1)
        newest = connection.scalar(last)
        if newest is not None and newest >= now:
            now = newest + timedelta(milliseconds=1)
    return now


def topics_by_id(connection: Connection, scope: Scope, ids: Sequence[str]) -> list[Topic]:
    """Return the topics with these ids; unknown ids are left out."""
    found: list[RowMapping] = []
    for start in range(0, len(ids), _CHUNK):
        parameters = {"ids": ids[start : start + _CHUNK]}
        found += connection.execute(_topic(scope), parameters).mappings().all()
    running = _running(connection, scope) if found else {}
    return [rows.topic_of(row, running.get(row["id"], 0)) for row in found]


def free_title(connection: Connection, scope: Scope, title: str, topic_id: str) -> str:
    """Return a title for a topic, with a number after it where another topic has this title: "Foxes 2"."""
    others = select(topics.c.title).where(
        *scope.topics(), topics.c.deleted_at.is_(None), topics.c.title.is_not(None), topics.c.id != topic_id
    )
    taken = {rows.folded(other) for other in connection.scalars(others)}
    free, number = title, 2
    while rows.folded(free) in taken:
        free, number = f"{title} {number}", number + 1
    return free


def _running(connection: Connection, scope: Scope) -> dict[str, int]:
    # The count starts from the unfinished tasks, because they are few, even where the images are many.
    found = connection.execute(_unfinished(scope))
    return {row.topic_id: row.running for row in found}


def entry(connection: Connection, scope: Scope, batch_id: str) -> Entry | None:
    """Return a batch with its generations and tasks, or None."""
    return next(iter(entries(connection, scope, [batch_id])), None)


def entries(connection: Connection, scope: Scope, ids: Sequence[str]) -> list[Entry]:
    """Return the batches with these ids, with their generations and tasks, oldest first."""
    found: list[Entry] = []
    for start in range(0, len(ids), _CHUNK):
        parameters = {"ids": ids[start : start + _CHUNK]}
        part = connection.execute(_batches(scope), parameters).mappings().all()
        found += with_contents(connection, part)
    return sorted(found, key=lambda entry: entry.batch.id)


def generation(connection: Connection, scope: Scope, generation_id: str) -> tuple[Entry, Generation] | None:
    """Return a generation and its batch, or None."""
    batch_id = connection.scalar(select(generations.c.batch_id).where(generations.c.id == generation_id))
    found = None if batch_id is None else entry(connection, scope, batch_id)
    if found is None:
        return None
    wanted = next((item for item in found.generations if item.id == generation_id), None)
    return None if wanted is None else (found, wanted)


def generation_of(connection: Connection, scope: Scope, digest: str) -> tuple[Entry, Generation] | None:
    """Return the newest generation whose image has this sha256, with its batch, or None."""
    mine = select(generations.c.id).where(
        generations.c.asset_digest == digest, *scope.generations(), SEEN_GENERATION
    )
    newest = connection.scalar(mine.order_by(generations.c.id.desc()).limit(1))
    return None if newest is None else generation(connection, scope, newest)


def names_image(connection: Connection, scope: Scope, digest: str) -> bool:
    """Return whether an image with this sha256 is a result or an input of a batch, also of a deleted one."""
    made = select(generations.c.id).where(generations.c.asset_digest == digest, *scope.generations())
    used = select(references.c.batch_id).join(batches, batches.c.id == references.c.batch_id)
    mine = made, used.where(references.c.digest == digest, *scope.batches())
    return any(connection.scalar(one.limit(1)) is not None for one in mine)


def parents(connection: Connection, scope: Scope, batch_id: str) -> list[tuple[Entry, Generation]]:
    """Return the generations among the references of a batch, in their order, each with its batch."""
    found = entry(connection, scope, batch_id)
    return [] if found is None else generations_by_id(connection, scope, found.batch.parents)


def children(connection: Connection, scope: Scope, generation_id: str) -> list[tuple[Entry, Generation]]:
    """Return the generations of the batches that have a generation as a reference, oldest first."""
    used = references.c.generation_id == generation_id, references.c.role == rows.REFERENCE
    made = connection.scalars(select(references.c.batch_id).where(*used).distinct()).all()
    found = entries(connection, scope, made)
    return [(entry, generation) for entry in found for generation in entry.generations]


def generations_by_id(
    connection: Connection, scope: Scope, ids: Sequence[str]
) -> list[tuple[Entry, Generation]]:
    """Return the visible generations with these ids, in this order, each with its batch."""
    holding: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        holding.update(connection.scalars(select(generations.c.batch_id).where(generations.c.id.in_(part))))
    found = entries(connection, scope, sorted(holding))
    by_id = {one.id: (entry, one) for entry in found for one in entry.generations}
    return [by_id[one] for one in ids if one in by_id]


def with_parents(connection: Connection, scope: Scope, new: Sequence[Entry]) -> list[Entry]:
    """Return new batches whose input images and generations name the results from which they are made.

    An input image names the generation that the user gave, else the oldest result with the same bytes. A
    generation of another user or of another store does not count.
    """
    inputs = [one for entry in new for one in entry.batch.inputs]
    if not inputs:
        return list(new)
    mine = select(generations.c.id).where(
        generations.c.id.in_({one.generation_id for one in inputs if one.generation_id}), *scope.generations()
    )
    given = set(connection.scalars(mine))
    same = select(generations.c.asset_digest, func.min(generations.c.id)).where(
        generations.c.asset_digest.in_({one.digest for one in inputs}), *scope.generations(), SEEN_GENERATION
    )
    oldest = {row[0]: row[1] for row in connection.execute(same.group_by(generations.c.asset_digest))}

    def named(one: Reference) -> Reference:
        known = one.generation_id in given
        return one if known else replace(one, generation_id=oldest.get(one.digest))

    made: list[Entry] = []
    for entry in new:
        mask = None if entry.batch.mask is None else named(entry.batch.mask)
        batch = replace(entry.batch, references=tuple(map(named, entry.batch.references)), mask=mask)
        parent = next(iter(batch.parents), None)
        children = tuple(replace(one, parent_id=parent) for one in entry.generations)
        made.append(replace(entry, batch=batch, generations=children))
    return made


def slots(connection: Connection, scope: Scope, task_id: str) -> list[Generation]:
    """Return the generations in a task's slots, also deleted ones: an undo brings back what was paid for."""
    mine = select(generations).where(generations.c.async_task_id == task_id, *scope.generations())
    found = connection.execute(mine.order_by(generations.c.position)).mappings()
    return read_generations(connection, found.all())


def tasks_of(connection: Connection, scope: Scope, ids: Sequence[str]) -> dict[str, Task]:
    """Return the tasks with these ids, by id; unknown ids are left out."""
    found = connection.execute(_tasks(scope), {"ids": ids}).mappings()
    return {row["id"]: rows.task_of(row) for row in found}


def cover_candidate(connection: Connection, scope: Scope, topic_id: str) -> Generation | None:
    """Return the first image of a topic without a cover, or None."""
    bare = topics.c.id == topic_id, topics.c.deleted_at.is_(None), topics.c.cover_url.is_(None)
    first = (
        select(generations)
        .select_from(topics)
        .join(batches, batches.c.topic_id == topics.c.id)
        .join(generations, generations.c.batch_id == batches.c.id)
        .where(
            *bare,
            *scope.topics(),
            batches.c.deleted_at.is_(None),
            generations.c.deleted_at.is_(None),
            generations.c.asset_digest.is_not(None),
        )
        .order_by(batches.c.id, generations.c.position)
        .limit(1)
    )
    found = connection.execute(first).mappings().all()
    return next(iter(read_generations(connection, found)), None)


def durations(connection: Connection, scope: Scope, provider: str, model: str, limit: int) -> list[float]:
    """Return the durations of successful tasks of a model, in seconds, the newest first.

    A task that ended before it was sent, because a clock went back, has no duration.
    """
    parameters = {"of_provider": provider, "of_model": model, "most": limit}
    found = connection.execute(_durations(scope), parameters)
    return [(end - start).total_seconds() for start, end in found]


def with_contents(connection: Connection, found: Sequence[RowMapping]) -> Iterable[Entry]:
    """Return the batches of some rows, in the order of the rows, with their generations and tasks."""
    if not found:
        return
    parameters = {"ids": [row["id"] for row in found]}
    of_inputs: defaultdict[str, list[RowMapping]] = defaultdict(list)
    of_generations: defaultdict[str, list[Generation]] = defaultdict(list)
    of_tasks: defaultdict[str, list[Task]] = defaultdict(list)
    for row in connection.execute(_REFERENCES_OF, parameters).mappings():
        of_inputs[row["batch_id"]].append(row)
    made = connection.execute(_GENERATIONS_OF, parameters).mappings().all()
    for generation in read_generations(connection, made):
        of_generations[generation.batch_id].append(generation)
    filling = {item.async_task_id for items in of_generations.values() for item in items}
    for row in connection.execute(_TASKS_OF, parameters).mappings():
        if row["id"] in filling:
            of_tasks[row["batch_id"]].append(rows.task_of(row))
    for row in found:
        yield Entry(
            batch=rows.batch_of(row, of_inputs[row["id"]]),
            generations=tuple(of_generations[row["id"]]),
            tasks=tuple(of_tasks[row["id"]]),
        )


def read_generations(connection: Connection, found: Sequence[RowMapping]) -> list[Generation]:
    """Return the generations of some rows, in the order of the rows, with their scores and tags."""
    if not found:
        return []
    batch_ids = sorted({row["batch_id"] for row in found})
    of_generation: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(_LABELS_OF, {"ids": batch_ids}).mappings():
        of_generation[row["generation_id"]].append(row)
    return [rows.generation_of(row, of_generation[row["id"]]) for row in found]


# ------------------------------------------------------------------ statements


_OF_BATCHES = select(generations.c.id).where(generations.c.batch_id.in_(bindparam("ids")))
_LABELS = union_all(
    select(scores.c.generation_id, scores.c.name, scores.c.value).where(
        scores.c.generation_id.in_(_OF_BATCHES)
    ),
    select(tags.c.generation_id, tags.c.name, null().label("value")).where(
        tags.c.generation_id.in_(_OF_BATCHES)
    ),
).subquery()
_LABELS_OF = select(_LABELS).order_by(_LABELS.c.generation_id, _LABELS.c.name)
"""The scores and tags of some batches, in one query. Tags have no value."""
_REFERENCES_OF = (
    select(references).where(references.c.batch_id.in_(bindparam("ids"))).order_by(references.c.position)
)
_GENERATIONS_OF = (
    select(generations)
    .where(generations.c.batch_id.in_(bindparam("ids")), generations.c.deleted_at.is_(None))
    .order_by(generations.c.position)
)
_TASKS_OF = (
    select(tasks).where(tasks.c.batch_id.in_(bindparam("ids"))).order_by(tasks.c.created_at, tasks.c.id)
)


_ORDER = tuple_(topics.c.pinned, topics.c.updated_at, topics.c.id)
"""The columns that sort the list of topics, from high to low."""


@lru_cache(SCOPES)
def _topics(scope: Scope) -> Select[Any]:
    mine = select(topics).where(*scope.topics(), topics.c.deleted_at.is_(None))
    return mine.order_by(*(column.desc() for column in _ORDER.clauses))


@lru_cache(SCOPES)
def _topic(scope: Scope) -> Select[Any]:
    mine = *scope.topics(), topics.c.deleted_at.is_(None)
    return select(topics).where(topics.c.id.in_(bindparam("ids")), *mine)


@lru_cache(SCOPES)
def _unfinished(scope: Scope) -> Select[Any, int]:
    """Return the number of generations of each topic that wait or run."""
    counted = select(batches.c.topic_id, func.count().label("running")).select_from(tasks)
    joined = counted.join(generations, generations.c.async_task_id == tasks.c.id).join(
        batches, batches.c.id == generations.c.batch_id
    )
    # The scope is a subquery: with the user in the join, SQLite would begin with all of the user's batches.
    return joined.where(
        tasks.c.user_id == scope.user_id,
        tasks.c.status.in_(UNFINISHED),
        *scope.generations(),
        batches.c.deleted_at.is_(None),
        generations.c.deleted_at.is_(None),
    ).group_by(batches.c.topic_id)


@lru_cache(SCOPES)
def _batches(scope: Scope) -> Select[Any]:
    return select(batches).where(batches.c.id.in_(bindparam("ids")), *scope.batches(), SEEN_BATCH)


@lru_cache(SCOPES)
def _tasks(scope: Scope) -> Select[Any]:
    return select(tasks).where(tasks.c.id.in_(bindparam("ids")), *scope.tasks())


@lru_cache(SCOPES)
def _durations(scope: Scope) -> Select[datetime, datetime]:
    ended = select(tasks.c.submitted_at, tasks.c.finished_at).where(
        *scope.tasks(),
        tasks.c.provider == bindparam("of_provider"),
        tasks.c.model == bindparam("of_model"),
        tasks.c.status == "success",
        tasks.c.submitted_at.is_not(None),
        tasks.c.finished_at >= tasks.c.submitted_at,
    )
    return ended.order_by(tasks.c.finished_at.desc()).limit(bindparam("most"))
