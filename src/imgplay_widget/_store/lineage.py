"""The reads of chains: the images from which an image was made, those beside it, and those made from it.

A chain follows the first result among the references of each request (`Generation.parent_id`). Rows may name
a parent that is deleted, and rows that somebody changed may form a circle: every read has a bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, or_, select

from imgplay_widget._store import rows
from imgplay_widget._store.queries import SEEN_GENERATION, UNFINISHED, Scope, generations_by_id
from imgplay_widget._store.tables import generations, references, tasks
from imgplay_widget._types import Lineage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

__all__ = ["MAX_ANCESTORS", "MAX_BESIDE", "lineage"]

MAX_ANCESTORS = 50
"""The most ancestors of a chain. The nearest ones are in it."""

MAX_BESIDE = 20
"""The most images beside an image, and the most that were made from it."""

_COUNTED = 1000
"""The most images that are counted beside an image, or among its children."""


def lineage(connection: Connection, scope: Scope, generation_id: str) -> Lineage | None:
    """Return the chain of a generation, or None where the generation is not visible.

    Images that failed or were cancelled are not in it. A deleted ancestor keeps its place without a version.
    """
    own = generations_by_id(connection, scope, [generation_id])
    if not own:
        return None
    shown = own[0][1]
    ancestors, earlier = _ancestors(connection, scope, generation_id, shown.parent_id)
    beside = (
        generations.c.batch_id == shown.batch_id if shown.parent_id is None else _made_from(shown.parent_id)
    )
    siblings = _ids(connection, scope, beside)
    if generation_id not in siblings:
        # An image without a picture is not among them.
        siblings = [generation_id]
    children = _ids(connection, scope, _made_from(generation_id))
    near = _around(siblings, siblings.index(generation_id))
    newest = _around(children, len(children))
    wanted = dict.fromkeys([*ancestors, *near, *newest, generation_id])
    found = generations_by_id(connection, scope, list(wanted))
    return Lineage(
        ancestors=tuple(ancestors),
        earlier=earlier,
        shown=generation_id,
        siblings=near,
        siblings_count=len(siblings),
        children=newest,
        children_count=len(children),
        versions={one.id: (entry, one) for entry, one in found},
    )


def _ancestors(
    connection: Connection, scope: Scope, generation_id: str, parent_id: str | None
) -> tuple[list[str], bool]:
    """Return the ids of the ancestors, the first one first, and whether there are more of them."""
    found: dict[str, None] = {}
    while parent_id is not None and parent_id not in found and parent_id != generation_id:
        if len(found) == MAX_ANCESTORS:
            return [*reversed(found)], True
        found[parent_id] = None
        # A deleted row still names its parent.
        mine = select(generations.c.parent_id).where(generations.c.id == parent_id, *scope.generations())
        parent_id = connection.scalar(mine)
    return [*reversed(found)], False


def _made_from(generation_id: str) -> ColumnElement[bool]:
    """Return the condition of the generations whose first parent is a generation."""
    # The references have an index of it, and the generations have none.
    used = select(references.c.batch_id).where(
        references.c.generation_id == generation_id, references.c.role == rows.REFERENCE
    )
    return and_(generations.c.batch_id.in_(used), generations.c.parent_id == generation_id)


def _ids(connection: Connection, scope: Scope, which: ColumnElement[bool]) -> list[str]:
    """Return the ids of generations that have an image or still get one, the oldest first."""
    comes = select(tasks.c.id).where(
        tasks.c.id == generations.c.async_task_id, tasks.c.status.in_(UNFINISHED)
    )
    mine = select(generations.c.id).where(
        which,
        *scope.generations(),
        SEEN_GENERATION,
        or_(generations.c.asset_digest.is_not(None), comes.correlate(generations).exists()),
    )
    newest = mine.order_by(generations.c.batch_id.desc(), generations.c.position.desc()).limit(_COUNTED)
    return [*reversed(connection.scalars(newest).all())]


def _around(ids: Sequence[str], index: int) -> tuple[str, ...]:
    """Return at most `MAX_BESIDE` ids, with the one of an index in the middle as far as there are others."""
    start = max(0, min(index - MAX_BESIDE // 2, len(ids) - MAX_BESIDE))
    return tuple(ids[start : start + MAX_BESIDE])
