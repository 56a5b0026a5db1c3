"""Pages of the feed, the running batches and the earlier prompts. Each reads a limited number of rows.

Pages follow the ids, whose order is the order of time. So every page costs the same with an index, and stays
right when batches come or go before it. The database applies the filter, because otherwise a page might not
be full.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, case, func, or_, select, true

from imgplay_widget._store import rows
from imgplay_widget._store.queries import (
    SEEN_BATCH,
    SEEN_GENERATION,
    UNFINISHED,
    Scope,
    entries,
    with_contents,
)
from imgplay_widget._store.tables import batches, generations, scores, tags, tasks, topics
from imgplay_widget._types import Entry, FeedPage, ScoreOrder, Status, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["feed", "labels_used", "models_used", "prompts", "same_requests", "unfinished"]

_CHUNK = 500

READ_PROMPTS = 2000
"""The number of the newest batches in which different prompts are searched."""

_STATUS = case(
    (generations.c.asset_digest.is_not(None), Status.SUCCESS.value),
    (generations.c.error.is_not(None), Status.ERROR.value),
    else_=func.coalesce(tasks.c.status, Status.PENDING.value),
)
"""The expression that computes `Entry.status_of` in the database."""


_newer = batches.alias("newer")
_slots = generations.alias("slots")
_NEWER = (
    select(_newer.c.id)
    .where(
        _newer.c.sweep_id == batches.c.sweep_id,
        _newer.c.topic_id == batches.c.topic_id,
        _newer.c.id > batches.c.id,
        _newer.c.deleted_at.is_(None),
        select(_slots.c.id)
        .where(_slots.c.batch_id == _newer.c.id, _slots.c.deleted_at.is_(None))
        .correlate(_newer)
        .exists(),
    )
    .correlate(batches)
)
"""The newer visible batches of a batch's sweep, in the same topic."""


def feed(
    connection: Connection,
    scope: Scope,
    topic_id: str | None,
    *,
    before: str | None,
    limit: int,
    wanted: Wanted,
    folded: bool = False,
) -> FeedPage:
    """Return a page of the batches of a topic, or of all topics (None), newest first or by a score."""
    mine = select(batches).where(SEEN_BATCH, *_conditions(wanted))
    if folded:
        mine = mine.where(or_(batches.c.sweep_id.is_(None), ~_NEWER.exists()))
    if topic_id is None:
        mine = mine.where(*scope.batches())
    else:
        # The batches are found by their topic alone, which is in this scope. With a condition on the user
        # too, SQLite would read all batches of the user to find those of a small topic.
        owned = select(topics.c.id).where(topics.c.id == batches.c.topic_id, *scope.topics())
        mine = mine.where(batches.c.topic_id == topic_id, owned.correlate(batches).exists())
    if wanted.sort is not None:
        mine = _sorted(connection, mine, wanted.sort, before)
    elif before is not None:
        mine = mine.where(batches.c.id < before)
    found = connection.execute(mine.order_by(batches.c.id.desc()).limit(limit + 1)).mappings().all()
    page = found[:limit]
    return FeedPage(
        entries=tuple(with_contents(connection, page)),
        before=page[-1]["id"] if len(found) > limit else None,
    )


def _sorted(connection: Connection, mine: Select[Any], order: ScoreOrder, before: str | None) -> Select[Any]:
    """Return a query of batches in the order of a score, from the batch that is the cursor on."""
    reach = func.min if order.lowest_first else func.max
    # A batch without the score comes after all others.
    last = sys.float_info.max if order.lowest_first else -sys.float_info.max
    joined = scores.join(generations, generations.c.id == scores.c.generation_id)
    best = (
        select(generations.c.batch_id, reach(scores.c.value).label("value"))
        .select_from(joined)
        .where(scores.c.name == order.name, generations.c.deleted_at.is_(None))
        .group_by(generations.c.batch_id)
        .subquery()
    )
    value = func.coalesce(best.c.value, last)
    mine = mine.select_from(batches.outerjoin(best, best.c.batch_id == batches.c.id))
    if before is not None:
        reached = connection.scalar(select(best.c.value).where(best.c.batch_id == before))
        reached = last if reached is None else reached
        beyond = value > reached if order.lowest_first else value < reached
        mine = mine.where(or_(beyond, and_(value == reached, batches.c.id < before)))
    return mine.order_by(value if order.lowest_first else value.desc())


def labels_used(connection: Connection, scope: Scope, topic_id: str | None) -> tuple[list[str], list[str]]:
    """Return the names of the scores and the tags of a topic's images, or of all images (None), sorted."""
    found: list[list[str]] = []
    for labels in (scores, tags):
        joined = labels.join(generations, generations.c.id == labels.c.generation_id)
        joined = joined.join(batches, batches.c.id == generations.c.batch_id)
        names = (
            select(labels.c.name)
            .select_from(joined)
            .where(*scope.batches(), SEEN_BATCH, generations.c.deleted_at.is_(None))
            .distinct()
        )
        if topic_id is not None:
            names = names.where(batches.c.topic_id == topic_id)
        found.append(sorted(connection.scalars(names)))
    return found[0], found[1]


def unfinished(connection: Connection, scope: Scope, limit: int) -> list[Entry]:
    """Return the batches of all topics with a generation that waits or runs, oldest first."""
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


def same_requests(connection: Connection, scope: Scope, digests: Sequence[str]) -> dict[str, Entry]:
    """Return the newest batch of each request whose images are all there or still come, by the digests.

    A batch that lost an image does not count, because its user asked for all of them.
    """
    slots = select(generations.c.id).where(
        generations.c.batch_id == batches.c.id, generations.c.deleted_at.is_(None)
    )
    joined = generations.outerjoin(tasks, tasks.c.id == generations.c.async_task_id)
    empty = slots.select_from(joined).where(_STATUS.in_([Status.ERROR.value, Status.CANCELLED.value]))
    there = slots.with_only_columns(func.count()).correlate(batches).scalar_subquery()
    found = select(batches.c.id, batches.c.request_digest, batches.c.config, there.label("there")).where(
        *scope.batches(), SEEN_BATCH, ~empty.correlate(batches).exists()
    )
    whole: dict[str, str] = {}
    for start in range(0, len(digests), _CHUNK):
        part = {*digests[start : start + _CHUNK]}
        wanted = found.where(batches.c.request_digest.in_(part)).order_by(batches.c.id.desc())
        with connection.execute(wanted) as result:
            for row in result:
                if row.there == row.config.get("n"):
                    whole.setdefault(row.request_digest, row.id)
                if part <= whole.keys():
                    break
    by_id = {entry.batch.id: entry for entry in entries(connection, scope, list(whole.values()))}
    return {digest: by_id[batch_id] for digest, batch_id in whole.items() if batch_id in by_id}


def prompts(connection: Connection, scope: Scope, limit: int) -> list[str]:
    """Return the different prompts of the newest batches, newest first."""
    newest = select(batches.c.prompt).where(*scope.batches(), SEEN_BATCH).order_by(batches.c.id.desc())
    found: dict[str, None] = {}
    with connection.execute(newest.limit(READ_PROMPTS)) as result:
        for prompt in filter(None, result.scalars()):
            found[prompt] = None
            if len(found) == limit:
                break
    return list(found)


def models_used(connection: Connection, scope: Scope, topic_id: str | None) -> list[str]:
    """Return the models (``"provider:id"``) of the batches of a topic, or of all topics (None), sorted."""
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
        matching = select(generations.c.id).select_from(joined).where(*there, status)
        yield matching.correlate(batches).exists()
    if wanted.starred:
        # An index finds the starred generations first, because they are few.
        starred = generations.c.starred == true(), generations.c.deleted_at.is_(None)
        yield batches.c.id.in_(select(generations.c.batch_id).where(*starred))
    if wanted.tag is not None:
        yield _labelled(tags, tags.c.name == wanted.tag)
    for one in wanted.scores:
        limits = [scores.c.name == one.name]
        limits += [scores.c.value >= one.at_least] if one.at_least is not None else []
        limits += [scores.c.value <= one.at_most] if one.at_most is not None else []
        yield _labelled(scores, *limits)


def _labelled(labels: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a batch has an image with such a score or tag."""
    joined = labels.join(generations, generations.c.id == labels.c.generation_id)
    holding = select(generations.c.batch_id).select_from(joined)
    return batches.c.id.in_(holding.where(generations.c.deleted_at.is_(None), *conditions))
