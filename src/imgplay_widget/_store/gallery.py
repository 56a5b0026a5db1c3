"""Pages of the gallery: finished images one by one, in the order of time, stars first, or by a score.

An order has two parts: the images with the mark that counts, a star or a score, and after them all others in
the order of time. Each part follows an index from the cursor on, so that every page costs the same, and stays
right when images come or go before it. The order of time is the feed's: the newest batch first, in each batch
by position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)

from imgplay_widget._store import rows
from imgplay_widget._store.queries import Scope, entries
from imgplay_widget._store.tables import batches, generations, scores, tags, topics
from imgplay_widget._types import GalleryPage, ScoreOrder, ScoreRange, Status, Wanted
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["gallery"]

Condition = ColumnElement[bool]

# What a cursor begins with: the part of the order in which the last image stands.
_STARRED, _SCORED, _OTHERS = "starred", "scored", "others"

_FROM = generations.join(batches, batches.c.id == generations.c.batch_id)


_COLUMNS: tuple[ColumnElement[Any], ...] = generations.c.id, generations.c.batch_id, generations.c.position


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of the last image of a page in its part: batch and position, or score and id."""

    part: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an order: the images of it that come after the cursor, and how they are sorted."""

    name: str
    images: Select[Any]
    order: tuple[ColumnElement[Any], ...]


def gallery(
    connection: Connection,
    scope: Scope,
    topic_id: str | None,
    *,
    before: str | None,
    limit: int,
    wanted: Wanted,
    starred_first: bool,
) -> GalleryPage:
    """Return a page of the finished images of a topic, or of all topics (None), that a filter passes."""
    reached = None if before is None else _place_of(before)
    found: list[tuple[str, str, str]] = []
    if wanted.status in (None, Status.SUCCESS):
        for part in _parts(scope, topic_id, wanted, starred_first=starred_first, reached=reached):
            rest = part.images.order_by(*part.order).limit(limit + 1 - len(found))
            for row in connection.execute(rest):
                value = (
                    f"{row.value!r} {row.id}" if part.name == _SCORED else f"{row.batch_id} {row.position}"
                )
                found.append((row.id, row.batch_id, f"{part.name} {value}"))
            if len(found) > limit:
                break
    page = found[:limit]
    holding = list(dict.fromkeys(batch_id for _, batch_id, _ in page))
    return GalleryPage(
        images=tuple(image for image, _, _ in page),
        entries=tuple(entries(connection, scope, holding)),
        before=page[-1][2] if len(found) > limit else None,
    )


def _parts(
    scope: Scope, topic_id: str | None, wanted: Wanted, *, starred_first: bool, reached: _Place | None
) -> Iterable[_Part]:
    """Return the parts of the order that come after the cursor, each from the cursor on."""
    shown = _shown(scope, topic_id, wanted)
    begun = reached is None or reached.part != _OTHERS
    if wanted.sort is not None:
        if begun:
            yield _scored(shown, wanted.sort, reached)
        own = scores.c.generation_id == generations.c.id, scores.c.name == wanted.sort.name
        shown.append(~select(scores.c.value).where(*own).correlate(generations).exists())
    elif starred_first:
        if begun:
            # The index of the starred images holds their batches in order. The newest batches may hold none.
            starred = generations.c.starred == true()
            yield _by_time(_STARRED, [*shown, starred], generations.c.batch_id, reached)
        # So written, no index finds the images without a star: they are nearly all.
        shown.append(func.coalesce(generations.c.starred, False).is_(False))
    yield _by_time(_OTHERS, shown, batches.c.id, reached)


def _by_time(name: str, shown: Iterable[Condition], batch: Column[str], reached: _Place | None) -> _Part:
    """Return the images in the order of time. `batch` is the column whose index has this order."""
    images = select(*_COLUMNS).select_from(_FROM).where(*shown)
    if reached is not None and reached.part == name:
        # The first condition alone finds the place in the index.
        images = images.where(
            batch <= reached.first, or_(batch < reached.first, generations.c.position > reached.second)
        )
    return _Part(name, images, (batch.desc(), generations.c.position))


def _scored(shown: Iterable[Condition], order: ScoreOrder, reached: _Place | None) -> _Part:
    """Return the images that have the score, in its order. Equal ones stand in the order of the index."""
    joined = _FROM.join(scores, scores.c.generation_id == generations.c.id)
    images = select(*_COLUMNS, scores.c.value).select_from(joined).where(scores.c.name == order.name, *shown)
    ends = scores.c.value, scores.c.generation_id
    if reached is not None and reached.part == _SCORED:
        at = tuple_(literal(reached.first), literal(reached.second))
        images = images.where(tuple_(*ends) > at if order.lowest_first else tuple_(*ends) < at)
    return _Part(_SCORED, images, ends if order.lowest_first else tuple(end.desc() for end in ends))


def _shown(scope: Scope, topic_id: str | None, wanted: Wanted) -> list[Condition]:
    """Return the conditions of a finished image that is visible, in the topic, and passes the filter."""
    visible = select(topics.c.id).where(topics.c.id == batches.c.topic_id, topics.c.deleted_at.is_(None))
    conditions: list[Condition] = [
        generations.c.asset_digest.is_not(None),
        generations.c.deleted_at.is_(None),
        batches.c.deleted_at.is_(None),
    ]
    if topic_id is None:
        conditions += scope.batches()
    else:
        # As in the feed: the topic alone finds the batches, and the topic is in this scope.
        visible = visible.where(*scope.topics())
        conditions.append(batches.c.topic_id == topic_id)
    conditions.append(visible.correlate(batches).exists())
    conditions += [batches.c.prompt_folded.contains(word, autoescape=True) for word in _words(wanted)]
    if wanted.model is not None:
        provider, _, model = wanted.model.partition(":")
        conditions.append(and_(batches.c.provider == provider, batches.c.model == model))
    if wanted.starred:
        conditions.append(generations.c.starred == true())
    if wanted.tag is not None:
        own = select(tags.c.name).where(tags.c.generation_id == generations.c.id, tags.c.name == wanted.tag)
        conditions.append(own.correlate(generations).exists())
    conditions += [_in_range(one) for one in wanted.scores]
    return conditions


def _words(wanted: Wanted) -> list[str]:
    return rows.folded(wanted.search).split()


def _in_range(one: ScoreRange) -> Condition:
    # The score that sorts stands in the same query under its own name.
    own = scores.alias()
    limits = [own.c.generation_id == generations.c.id, own.c.name == one.name]
    limits += [own.c.value >= one.at_least] if one.at_least is not None else []
    limits += [own.c.value <= one.at_most] if one.at_most is not None else []
    return select(own.c.name).where(*limits).correlate(generations).exists()


def _place_of(cursor: str) -> _Place:
    """Return the place of a cursor."""
    try:
        part, first, second = cursor.split(" ")
        if part == _SCORED:
            return _Place(part, float(first), second)
        if part in (_STARRED, _OTHERS):
            return _Place(part, first, int(second))
    except ValueError:
        pass
    message = f"before={cursor!r} is not a cursor of the gallery."
    raise InvalidRequest(message, parameter="before")
