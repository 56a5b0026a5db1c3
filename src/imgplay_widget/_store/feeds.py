"""Pages of the feed, the queue, and the prompts of before: each in a bounded number of rows.

Pages follow ids, which sort by time, so that an index gives any page at the same cost and a page stays right
when batches come or go before it. What is searched for is told apart by the database, or a page could not be
full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, case, func, select, true

from imgplay_widget._store import rows
from imgplay_widget._store.queries import (
    SEEN_BATCH,
    SEEN_GENERATION,
    UNFINISHED,
    Scope,
    entries,
    with_contents,
)
from imgplay_widget._store.tables import batches, generations, tasks, topics
from imgplay_widget._types import Entry, FeedPage, Status, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["feed", "models_used", "prompts", "unfinished"]

READ_PROMPTS = 2000
"""How many of the newest batches are looked at for prompts that differ."""

_STATUS = case(
    (generations.c.asset_digest.is_not(None), Status.SUCCESS.value),
    (generations.c.error.is_not(None), Status.ERROR.value),
    else_=func.coalesce(tasks.c.status, Status.PENDING.value),
)
"""`Entry.status_of`, for the database."""


def feed(
    connection: Connection,
    scope: Scope,
    topic_id: str | None,
    *,
    before: str | None,
    limit: int,
    wanted: Wanted,
) -> FeedPage:
    """Gives a page of a topic's batches, or of those of all topics (None), newest first."""
    mine = select(batches).where(SEEN_BATCH, *_conditions(wanted))
    if topic_id is None:
        mine = mine.where(*scope.batches())
    else:
        # By its topic alone, which is of this scope: a condition on the user as well would have SQLite read
        # all that is the user's to find what is in a small topic.
        owned = select(topics.c.id).where(topics.c.id == batches.c.topic_id, *scope.topics())
        mine = mine.where(batches.c.topic_id == topic_id, owned.correlate(batches).exists())
    if before is not None:
        mine = mine.where(batches.c.id < before)
    found = connection.execute(mine.order_by(batches.c.id.desc()).limit(limit + 1)).mappings().all()
    page = found[:limit]
    return FeedPage(
        entries=tuple(with_contents(connection, page)),
        before=page[-1]["id"] if len(found) > limit else None,
    )


def unfinished(connection: Connection, scope: Scope, limit: int) -> list[Entry]:
    """Gives the batches with a generation that is not at its end, of all topics, oldest first."""
    running = (
        select(generations.c.batch_id)
        .select_from(tasks)
        .join(generations, generations.c.async_task_id == tasks.c.id)
        .where(
            tasks.c.user_id == scope.user_id,
            tasks.c.status.in_(UNFINISHED),
            *scope.generations(),
            SEEN_GENERATION,
        )
    )
    first = connection.scalars(running.distinct().order_by(generations.c.batch_id).limit(limit))
    return entries(connection, scope, first.all())


def prompts(connection: Connection, scope: Scope, limit: int) -> list[str]:
    """Gives the prompts of the newest batches, newest first, each once."""
    newest = select(batches.c.prompt).where(*scope.batches(), SEEN_BATCH).order_by(batches.c.id.desc())
    found: dict[str, None] = {}
    with connection.execute(newest.limit(READ_PROMPTS)) as result:
        for prompt in result.scalars():
            found[prompt] = None
            if len(found) == limit:
                break
    return list(found)


def models_used(connection: Connection, scope: Scope, topic_id: str | None) -> list[str]:
    """Gives the models, as ``"provider:model"``, of a topic's batches, or of all of them (None), by name."""
    names = select(batches.c.provider, batches.c.model).where(*scope.batches(), SEEN_BATCH).distinct()
    if topic_id is not None:
        names = names.where(batches.c.topic_id == topic_id)
    return sorted(f"{provider}:{model}" for provider, model in connection.execute(names))


def _conditions(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    for word in rows.folded(wanted.search).split():
        yield batches.c.prompt_folded.contains(word, autoescape=True)
    if wanted.model is not None:
        provider, _, model = wanted.model.partition(":")
        yield and_(batches.c.provider == provider, batches.c.model == model)
    if wanted.status is not None:
        there = generations.c.batch_id == batches.c.id, generations.c.deleted_at.is_(None)
        joined = generations.outerjoin(tasks, tasks.c.id == generations.c.async_task_id)
        status = _STATUS.in_([wanted.status.value])
        stands = select(generations.c.id).select_from(joined).where(*there, status)
        yield stands.correlate(batches).exists()
    if wanted.favourite:
        # Found first, by an index: they are few.
        starred = generations.c.favourite == true(), generations.c.deleted_at.is_(None)
        yield batches.c.id.in_(select(generations.c.batch_id).where(*starred))
