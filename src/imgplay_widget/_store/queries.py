"""Reads, and whose rows they see."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, RowMapping, select

from imgplay_widget._store import rows
from imgplay_widget._store.tables import batches, generations, references, tasks, topics
from imgplay_widget._types import Entry, FeedPage, Generation, Reference, Task, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Scope", "durations", "entry", "feed", "generation", "topic", "topics_of"]

Condition = ColumnElement[bool]


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
    row = (
        connection.execute(select(topics).where(topics.c.id == topic_id, *scope.topics()))
        .mappings()
        .one_or_none()
    )
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
    found = (
        connection.execute(select(batches).where(batches.c.id == batch_id, *scope.batches())).mappings().all()
    )
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
    chosen = select(tasks).where(tasks.c.id.in_(ids), *scope.tasks())
    return {row["id"]: rows.task_of(row) for row in connection.execute(chosen).mappings()}


def durations(connection: Connection, scope: Scope, provider: str, model: str, limit: int) -> list[float]:
    """Gives how long successful tasks of a model took, in seconds, the newest first."""
    ended = select(tasks.c.submitted_at, tasks.c.finished_at).where(
        *scope.tasks(),
        tasks.c.provider == provider,
        tasks.c.model == model,
        tasks.c.status == "success",
        tasks.c.submitted_at.is_not(None),
        tasks.c.finished_at.is_not(None),
    )
    newest = ended.order_by(tasks.c.finished_at.desc()).limit(limit)
    return [(end - start).total_seconds() for start, end in connection.execute(newest)]


def _entries(connection: Connection, found: Sequence[RowMapping]) -> Iterable[Entry]:
    if not found:
        return
    ids = [row["id"] for row in found]
    of_references: defaultdict[str, list[Reference]] = defaultdict(list)
    of_generations: defaultdict[str, list[Generation]] = defaultdict(list)
    of_tasks: defaultdict[str, list[Task]] = defaultdict(list)
    chosen = select(references).where(references.c.batch_id.in_(ids)).order_by(references.c.position)
    for row in connection.execute(chosen).mappings():
        of_references[row["batch_id"]].append(rows.reference_of(row))
    chosen = select(generations).where(generations.c.batch_id.in_(ids)).order_by(generations.c.position)
    for row in connection.execute(chosen).mappings():
        of_generations[row["batch_id"]].append(rows.generation_of(row))
    chosen = select(tasks).where(tasks.c.batch_id.in_(ids)).order_by(tasks.c.created_at, tasks.c.id)
    for row in connection.execute(chosen).mappings():
        of_tasks[row["batch_id"]].append(rows.task_of(row))
    for row in found:
        yield Entry(
            batch=rows.batch_of(row, tuple(of_references[row["id"]])),
            generations=tuple(of_generations[row["id"]]),
            tasks=tuple(of_tasks[row["id"]]),
        )
