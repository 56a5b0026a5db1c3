"""Reads, and whose rows they see.

To build a statement costs more than to run it. Those of every image are built once for each scope.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, bindparam, select

from imgplay_widget._store import rows
from imgplay_widget._store.tables import batches, generations, references, tasks, topics
from imgplay_widget._types import Entry, FeedPage, Generation, Task, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

__all__ = ["SCOPES", "Scope", "durations", "entry", "feed", "generation", "topic", "topics_of"]

Condition = ColumnElement[bool]

SCOPES = 64
"""So many scopes of a process keep their statements."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a store sees: every query is held to them."""

    user_id: str
    organization_id: str | None

    def topics(self) -> tuple[Condition, ...]:
        """Conditions for topics."""
        return topics.c.user_id == self.user_id, topics.c.organization_id == self.organization_id

    def batches(self) -> tuple[Condition, ...]:
        """Conditions for batches."""
        return batches.c.user_id == self.user_id, batches.c.organization_id == self.organization_id

    def generations(self) -> tuple[Condition, ...]:
        """Conditions for generations, whose organization is that of their batch."""
        mine = select(batches.c.id).where(*self.batches(), batches.c.id == generations.c.batch_id)
        return generations.c.user_id == self.user_id, mine.correlate(generations).exists()

    def tasks(self) -> tuple[Condition, ...]:
        """Conditions for tasks, whose organization is that of their batch."""
        mine = select(batches.c.id).where(*self.batches(), batches.c.id == tasks.c.batch_id)
        return tasks.c.user_id == self.user_id, mine.correlate(tasks).exists()


def topics_of(connection: Connection, scope: Scope, limit: int) -> list[Topic]:
    """Gives the topics, the one worked on last first."""
    newest = select(topics).where(*scope.topics()).order_by(topics.c.updated_at.desc(), topics.c.id.desc())
    return [rows.topic_of(row) for row in connection.execute(newest.limit(limit)).mappings()]


def topic(connection: Connection, scope: Scope, topic_id: str) -> Topic | None:
    """Gives a topic, or None."""
    row = connection.execute(_topic(scope), {"topic_id": topic_id}).mappings().one_or_none()
    return None if row is None else rows.topic_of(row)


def feed(connection: Connection, scope: Scope, topic_id: str, *, before: str | None, limit: int) -> FeedPage:
    """Gives a page of a topic's batches, newest first."""
    # By id alone: ids sort by time, so that the index gives any page at the same cost.
    wanted = select(batches).where(batches.c.topic_id == topic_id, *scope.batches())
    if before is not None:
        wanted = wanted.where(batches.c.id < before)
    found = connection.execute(wanted.order_by(batches.c.id.desc()).limit(limit + 1)).mappings().all()
    page = found[:limit]
    return FeedPage(
        entries=tuple(_entries(connection, page)),
        before=page[-1]["id"] if len(found) > limit else None,
    )


def entry(connection: Connection, scope: Scope, batch_id: str) -> Entry | None:
    """Gives a batch with what belongs to it, or None."""
    found = connection.execute(_batch(scope), {"batch_id": batch_id}).mappings().all()
    return next(iter(_entries(connection, found)), None)


def generation(connection: Connection, scope: Scope, generation_id: str) -> tuple[Entry, Generation] | None:
    """Gives a generation with its batch, or None."""
    batch_id = connection.scalar(select(generations.c.batch_id).where(generations.c.id == generation_id))
    found = None if batch_id is None else entry(connection, scope, batch_id)
    if found is None:
        return None
    return found, next(item for item in found.generations if item.id == generation_id)


def tasks_of(connection: Connection, scope: Scope, ids: Sequence[str]) -> dict[str, Task]:
    """Gives those of some tasks that are there, by id."""
    found = connection.execute(_tasks(scope), {"ids": ids}).mappings()
    return {row["id"]: rows.task_of(row) for row in found}


def durations(connection: Connection, scope: Scope, provider: str, model: str, limit: int) -> list[float]:
    """Gives how long successful tasks of a model took, in seconds, the newest first."""
    parameters = {"of_provider": provider, "of_model": model, "most": limit}
    found = connection.execute(_durations(scope), parameters)
    return [(end - start).total_seconds() for start, end in found]


def _entries(connection: Connection, found: Sequence[RowMapping]) -> Iterable[Entry]:
    if not found:
        return
    parameters = {"ids": [row["id"] for row in found]}
    of_inputs: defaultdict[str, list[RowMapping]] = defaultdict(list)
    of_generations: defaultdict[str, list[Generation]] = defaultdict(list)
    of_tasks: defaultdict[str, list[Task]] = defaultdict(list)
    for row in connection.execute(_REFERENCES_OF, parameters).mappings():
        of_inputs[row["batch_id"]].append(row)
    for row in connection.execute(_GENERATIONS_OF, parameters).mappings():
        of_generations[row["batch_id"]].append(rows.generation_of(row))
    for row in connection.execute(_TASKS_OF, parameters).mappings():
        of_tasks[row["batch_id"]].append(rows.task_of(row))
    for row in found:
        yield Entry(
            batch=rows.batch_of(row, of_inputs[row["id"]]),
            generations=tuple(of_generations[row["id"]]),
            tasks=tuple(of_tasks[row["id"]]),
        )


# ------------------------------------------------------------------ statements


_REFERENCES_OF = (
    select(references).where(references.c.batch_id.in_(bindparam("ids"))).order_by(references.c.position)
)
_GENERATIONS_OF = (
    select(generations).where(generations.c.batch_id.in_(bindparam("ids"))).order_by(generations.c.position)
)
_TASKS_OF = (
    select(tasks).where(tasks.c.batch_id.in_(bindparam("ids"))).order_by(tasks.c.created_at, tasks.c.id)
)


@lru_cache(SCOPES)
def _topic(scope: Scope) -> Select[Any]:
    return select(topics).where(topics.c.id == bindparam("topic_id"), *scope.topics())


@lru_cache(SCOPES)
def _batch(scope: Scope) -> Select[Any]:
    return select(batches).where(batches.c.id == bindparam("batch_id"), *scope.batches())


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
        tasks.c.finished_at.is_not(None),
    )
    return ended.order_by(tasks.c.finished_at.desc()).limit(bindparam("most"))
