"""What was written and not sent yet: a setting for each topic, and one for the "new topic" screen.

A draft names input images, so their files are wanted as long as it does.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from imgplay_widget._store import settings
from imgplay_widget._store.tables import settings as table
from imgplay_widget._store.tables import topics
from imgplay_widget._types import Draft, Reference
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from imgplay_widget._store.queries import Scope
    from imgplay_widget._types import JSON

__all__ = ["named", "read", "remove", "save"]

_PREFIX = "draft:"


def read(connection: Connection, scope: Scope, topic_id: str | None) -> Draft:
    """Gives the draft of a topic (None: of the "new topic" screen); an empty one where none was saved."""
    return _draft_of(settings.read(connection, scope, _name(topic_id)))


def save(connection: Connection, scope: Scope, topic_id: str | None, draft: Draft) -> None:
    """Saves the draft of a topic, also of a deleted one, which may come back; an empty one is removed.

    Raises:
        NotFound: the topic is gone for good, or another user's.
    """
    if topic_id is not None:
        mine = select(topics.c.id).where(topics.c.id == topic_id, *scope.topics())
        if connection.scalar(mine) is None:
            raise NotFound(f"There is no topic {topic_id!r}.")
    if draft == Draft():
        settings.remove(connection, scope, _name(topic_id))
    else:
        settings.save(connection, scope, _name(topic_id), asdict(draft))


def remove(connection: Connection, scope: Scope, topic_id: str) -> set[str]:
    """Removes the draft of a topic that goes for good, and gives the digests that it named."""
    draft = read(connection, scope, topic_id)
    settings.remove(connection, scope, _name(topic_id))
    return {reference.digest for reference in draft.inputs}


def named(connection: Connection) -> set[str]:
    """Gives the digests that drafts name, of every user: they share the files."""
    found = connection.scalars(select(table.c.value).where(table.c.name.startswith(_PREFIX, autoescape=True)))
    return {reference.digest for value in found for reference in _draft_of(value).inputs}


def _name(topic_id: str | None) -> str:
    return f"{_PREFIX}{topic_id or ''}"


def _draft_of(value: JSON) -> Draft:
    if not value:
        return Draft()
    return Draft(
        prompt=value["prompt"],
        references=tuple(_reference_of(one) for one in value["references"]),
        mask=_reference_of(value["mask"]) if value["mask"] else None,
    )


def _reference_of(value: dict[str, Any]) -> Reference:
    return Reference(**value)
